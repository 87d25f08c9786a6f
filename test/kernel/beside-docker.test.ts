// Pods on a machine whose Docker manages its own rules, as on a user's virtual machine: docker0, policy DROP in FORWARD, and
// the user's own published port. All tests share one dockerd.
//
//   outside 192.0.2.9 ── node one 192.0.2.1 (dockerd, docker0, cni0) ── two 192.0.2.2
import t from 'tap';
import { Applier } from '../../dataplane/netfilter/applier';
import { detectBackend } from '../../dataplane/netfilter/backend';
import { connectInNetns } from '../../dataplane/netns/connect';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { connect, type TestNetns } from '../lib/netns';
import { ask, FakeNodes, LabNode, reach, scopedNetns, serve, withScope } from '../lib/pod-lab';
import { endpoint, service, servicePort } from '../lib/service-fixture';
import { NetnsExec } from '../lib/service-lab';

t.setTimeout(300_000);

const publishedPort = 8088;

/** The status line of the user's web server; the connection is refused while the server starts. */
async function published(from: TestNetns, host: string, port = publishedPort): Promise<string> {
  for (;;) {
    try {
      const socket = await connectInNetns(from, { host, port });
      socket.write('GET / HTTP/1.0\r\n\r\n');
      let text = '';
      for await (const chunk of socket) text += chunk;
      socket.destroy();
      // docker-proxy accepts connections before its server does.
      if (text !== '') return text.split('\r\n')[0]!;
    } catch (err) {
      const code =
        ((err as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (err as NodeJS.ErrnoException).code;
      if (code !== 'ECONNREFUSED' && code !== 'ECONNRESET') throw err;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

t.test('pods next to an ordinary Docker', { skip: skipWithoutDocker() }, async (t) => {
  await withScope(async (scope) => {
    const [netns, far, outside] = [await scopedNetns(scope), await scopedNetns(scope), await scopedNetns(scope)];
    await netns.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
    await netns.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'br0');
    await netns.run('ip', 'link', 'set', 'br0', 'up');
    await connect({ netns, link: 'two' }, { netns: far, link: 'up0', address: '192.0.2.2/24' });
    await connect({ netns, link: 'out' }, { netns: outside, link: 'up0', address: '192.0.2.9/24' });
    for (const node of [netns, far]) await node.run('ip', 'route', 'add', 'default', 'via', '192.0.2.9');
    for (const link of ['two', 'out']) await netns.run('ip', 'link', 'set', link, 'master', 'br0');

    // Docker sets its policy where it is the one that switches forwarding on. A new namespace has the host's setting.
    await netns.run('sysctl', '-qw', 'net.ipv4.ip_forward=0');
    const dockerd = await startDockerd(scope, { ownNetwork: true, netns });
    const web = 'echo hello > /tmp/index.html; httpd -f -p 80 -h /tmp';
    const publish = ['--restart=always', '-p', `${publishedPort}:80`, '--name', 'user'];
    await dockerd.docker('run', '-d', ...publish, dockerd.image, 'sh', '-c', web);
    const containerIp = (await dockerd.docker('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'user')).trim();
    t.match(
      await netns.run('iptables', '-S', 'FORWARD'),
      /-P FORWARD DROP/,
      'this Docker forwards only packets of its own networks',
    );

    const one = new LabNode('one', netns, '192.0.2.1', '10.244.1.0/24', 'auto', scope);
    const two = new LabNode('two', far, '192.0.2.2', '10.244.2.0/24', 'auto', scope);
    const nodes = new FakeNodes([one.object(), two.object()]);
    await Promise.all([one.start(nodes), two.start(nodes)]);
    await one.until(true, /^10\.244\.2\.0\/24/m, 'ip', 'route');
    await two.until(true, /^10\.244\.1\.0\/24/m, 'ip', 'route');
    const [a, b, c] = [await one.pod(), await one.pod(), await two.pod()];
    for (const pod of [a, b, c]) await serve(scope, pod.netns);

    const exec = new NetnsExec(netns);
    const compiler = new ServiceCompiler(4, { clusterCidr: '10.244.0.0/16', podCidr: one.podCidr });
    const port = servicePort({ nodePort: 30080, endpoints: [endpoint(c.ip, 8080)] });
    compiler.set('shop/web', service('shop/web', '10.96.0.50', { ports: [port] }));
    const { plan, dirty } = compiler.take();
    await new Applier({ exec, backend: await detectBackend(exec, 4) }).apply(plan, dirty);

    const everything = async (when: string) => {
      t.equal(await ask(a.netns, b.ip), `seen from ${a.ip}`, `${when}: pod to pod on the node`);
      t.equal(await ask(a.netns, c.ip), `seen from ${a.ip}`, `${when}: pod to pod of another node`);
      t.equal(await ask(c.netns, a.ip), `seen from ${c.ip}`, `${when}: and back`);
      await reach(netns, a.ip);
      await reach(c.netns, '192.0.2.1');
      t.equal(await ask(a.netns, '10.96.0.50', 80), `seen from ${a.ip}`, `${when}: pod to ClusterIP`);
      t.match(await ask(netns, '10.96.0.50', 80), /^seen from/, `${when}: node to ClusterIP`);
      t.equal(await ask(outside, '192.0.2.1', 30080), 'seen from 192.0.2.1', `${when}: NodePort from outside`);
      t.match(await published(outside, '192.0.2.1'), / 200 /, `${when}: the user's port from outside`);
      t.match(await published(a.netns, '192.0.2.1'), / 200 /, `${when}: the user's port from a pod`);
      t.match(await published(c.netns, '192.0.2.1'), / 200 /, `${when}: the user's port from a pod elsewhere`);
      await dockerd.docker('exec', 'user', 'wget', '-qO-', '-T5', `http://${c.ip}:8080/`).catch((err: Error) => {
        // serve() speaks no HTTP: an answer that wget cannot parse still counts as an answer.
        if (!/error getting response|bad header|HTTP/i.test(err.message)) throw err;
      });
    };
    await everything('at first');

    // Docker 28 protects the containers on its own bridges (moby#49792): packets reach them only through docker0.
    const raw = ['-t', 'raw', '-I', 'PREROUTING', '-d', containerIp, '!', '-i', 'docker0', '-j', 'DROP'];
    await netns.run('iptables', ...raw);
    await everything('with the raw rules of Docker 28');
    await t.rejects(
      connectInNetns(a.netns, { host: containerIp, port: 80, signal: AbortSignal.timeout(1_000) }),
      'the raw rules drop packets that go directly to a container',
    );
    await netns.run('iptables', '-t', 'raw', '-F', 'PREROUTING');

    await dockerd.restart();
    t.match(await netns.run('iptables', '-S', 'FORWARD'), /-P FORWARD DROP/);
    await everything('after a restart of Docker');
  });
});
