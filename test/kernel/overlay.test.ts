// Pods of nodes on two subnets behind a router:
//
//   one 192.0.2.1 ─┐
//                  ├─ br0 192.0.2.254 router 198.51.100.254 ─── two 198.51.100.2
//   six 192.0.2.6 ─┘
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import type { Scope } from '../../controlplane/base/scope';
import { Applier } from '../../dataplane/netfilter/applier';
import { detectBackend } from '../../dataplane/netfilter/backend';
import type { OverlayMode } from '../../dataplane/overlay/plan';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { connect, skipWithoutKernel } from '../lib/netns';
import { ask, bindUdp, FakeNodes, LabNode, reach, scopedNetns, serve, withScope } from '../lib/pod-lab';
import { endpoint, service, servicePort } from '../lib/service-fixture';
import { NetnsExec } from '../lib/service-lab';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(300_000);

async function openLab(scope: Scope, modes: Partial<Record<'one' | 'six' | 'two', OverlayMode>> = {}) {
  const router = await scopedNetns(scope);
  await router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await router.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
  await router.run('ip', 'address', 'add', '192.0.2.254/24', 'dev', 'br0');
  await router.run('ip', 'link', 'set', 'br0', 'up');
  const make = async (name: 'one' | 'six' | 'two', address: string, podCidr: string, gateway: string) => {
    const netns = await scopedNetns(scope);
    await connect(
      { netns, link: 'up0', address: `${address}/24` },
      { netns: router, link: name, ...(name === 'two' ? { address: `${gateway}/24` } : {}) },
    );
    if (name !== 'two') await router.run('ip', 'link', 'set', name, 'master', 'br0');
    await netns.run('ip', 'route', 'add', 'default', 'via', gateway);
    // Strict, as distributions set it: the kubelet must set the value that its mode needs.
    await netns.run('sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1');
    return new LabNode(name, netns, address, podCidr, modes[name] ?? 'auto', scope);
  };
  const one = await make('one', '192.0.2.1', '10.244.1.0/24', '192.0.2.254');
  const six = await make('six', '192.0.2.6', '10.244.6.0/24', '192.0.2.254');
  const two = await make('two', '198.51.100.2', '10.244.2.0/24', '198.51.100.254');
  const nodes = new FakeNodes([one, six, two].map((node) => node.object()));
  await Promise.all([one, six, two].map((node) => node.start(nodes)));
  return { router, one, six, two, nodes };
}

const direct = (node: LabNode) => new RegExp(`^${node.podCidr} via ${node.address} dev up0 proto 84`, 'm');
const tunnelled = (node: LabNode) => new RegExp(`^${node.podCidr} via \\S+ dev k8ts-vxlan proto 84 onlink`, 'm');
const routes = ['ip', 'route'];

/** The size of each answer. */
async function echoOf(socket: Socket, host: string, size: number): Promise<number> {
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
  socket.send(Buffer.alloc(size), 7777, host);
  const [data] = (await answer) as [Buffer];
  return data.length;
}

t.test('overlay', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('auto: direct on the link, tunnelled behind the router; pods see each other without NAT', async (t) => {
    await withScope(async (scope) => {
      const { one, six, two, nodes, router } = await openLab(scope);
      await one.until(true, direct(six), ...routes);
      await one.until(true, tunnelled(two), ...routes);
      await six.until(true, tunnelled(two), ...routes);
      await two.until(true, tunnelled(one), ...routes);
      await two.until(true, tunnelled(six), ...routes);
      const [a, c, b] = [await one.pod(), await six.pod(), await two.pod()];
      t.match(await a.netns.run('ip', 'link', 'show', 'eth0'), /mtu 1450/);
      // The answers need several segments and are larger than the pod's MTU, so offloads must work in each direction.
      for (const { netns } of [a, b, c]) await serve(scope, netns, '.'.repeat(300_000));
      for (const [from, to] of [
        [a, b],
        [b, a],
        [a, c],
        [c, a],
        [c, b],
      ] as const) {
        const answer = await ask(from.netns, to.ip);
        t.match(answer, new RegExp(`^seen from ${from.ip.replaceAll('.', '\\.')}\\.+$`));
        t.equal(answer.length, `seen from ${from.ip}`.length + 300_000);
      }
      await reach(one.netns, b.ip);
      t.equal(
        (await ask(one.netns, b.ip)).slice(0, 21),
        'seen from 10.244.1.1.',
        'the node itself, by its pod gateway',
      );
      await reach(two.netns, a.ip);
      t.match(await router.run('ip', 'route'), /^192\.0\.2\.0\/24[^\n]*\n198[^\n]*\n$/, 'the router knows no pods');

      const echo = await bindUdp(b.netns, 7777, scope);
      echo.on('message', (data, from) => echo.send(data, from.port, from.address));
      const socket = await bindUdp(a.netns, 0, scope);
      t.equal(await echoOf(socket, b.ip, 1450 - 28), 1422, 'a packet of the full MTU');
      for (const { netns } of [a, one, two]) {
        t.match(await netns.run('nstat', '-asz', 'IpFragCreates'), /IpFragCreates\s+0 /, 'in one piece');
      }
      t.equal(await echoOf(socket, b.ip, 8000), 8000, 'a datagram of several packets');

      nodes.remove('two');
      await one.until(false, tunnelled(two), ...routes);
      const left = ['bash', '-c', 'bridge fdb show dev k8ts-vxlan; ip neighbour show dev k8ts-vxlan'];
      await one.until(false, /198\.51\.100\.2|10\.244\.2\.1/, ...left);
      t.pass('nothing remains of a removed node');
      nodes.put(two.object());
      await one.until(true, tunnelled(two), ...routes);
      await reach(a.netns, b.ip);

      await one.netns.run('ip', 'route', 'del', two.podCidr);
      await one.until(true, tunnelled(two), ...routes);
      await one.netns.run('ip', 'neighbour', 'flush', 'dev', 'k8ts-vxlan', 'nud', 'permanent');
      await one.until(true, /10\.244\.2\.1 .*PERMANENT/, 'ip', 'neighbour', 'show', 'dev', 'k8ts-vxlan');
      await one.netns.run('ip', 'link', 'delete', 'k8ts-vxlan');
      await one.until(true, tunnelled(two), ...routes);
      await reach(a.netns, b.ip);
      t.pass('removed routes and entries are restored');
    });
  });

  await t.test('a node moves: another address, then a link of its own again', async (t) => {
    await withScope(async (scope) => {
      const { one, six, two, nodes } = await openLab(scope);
      await one.until(true, tunnelled(two), ...routes);
      await two.until(true, tunnelled(one), ...routes);
      const [a, b] = [await one.pod(), await two.pod()];
      await reach(a.netns, b.ip);
      await two.netns.run('ip', 'address', 'del', '198.51.100.2/24', 'dev', 'up0');
      await two.netns.run('ip', 'address', 'add', '198.51.100.77/24', 'dev', 'up0');
      await two.netns.run('ip', 'route', 'replace', 'default', 'via', '198.51.100.254');
      nodes.put(two.object('198.51.100.77'));
      await one.until(true, /dst 198\.51\.100\.77/, 'bridge', 'fdb', 'show', 'dev', 'k8ts-vxlan');
      await one.until(false, /dst 198\.51\.100\.2 /, 'bridge', 'fdb', 'show', 'dev', 'k8ts-vxlan');
      await two.until(true, /local 198\.51\.100\.77/, 'ip', '-d', 'link', 'show', 'k8ts-vxlan');
      await two.until(true, tunnelled(one), ...routes);
      await reach(a.netns, b.ip);
      await reach(b.netns, a.ip);
      t.pass('pods reach each other by the new address');
      nodes.put(six.object('198.51.100.6'));
      await one.until(true, tunnelled(six), ...routes);
      nodes.put(six.object());
      await one.until(true, direct(six), ...routes);
      t.pass('the routes follow the address');
    });
  });

  await t.test('a restarted kubelet adopts links and routes; another mode changes no wire', async (t) => {
    await withScope(async (scope) => {
      const { one, two, six, nodes } = await openLab(scope, { one: 'vxlan', six: 'vxlan', two: 'vxlan' });
      await one.until(true, tunnelled(two), ...routes);
      await one.until(true, tunnelled(six), ...routes);
      await six.until(true, tunnelled(one), ...routes);
      await two.until(true, tunnelled(one), ...routes);
      const [a, b, c] = [await one.pod(), await two.pod(), await six.pod()];
      const state = () =>
        one.netns.run(
          'bash',
          '-c',
          'ip link; ip -d link show k8ts-vxlan; ip route; bridge fdb show dev k8ts-vxlan; ip neighbour show nud permanent',
        );
      await reach(a.netns, b.ip);
      const before = await state();
      const echo = await bindUdp(b.netns, 7777, scope);
      echo.on('message', (data, from) => echo.send(data, from.port, from.address));
      const socket = await bindUdp(a.netns, 0, scope);
      let restarted = false;
      const talk = (async () => {
        let answered = 0;
        while (!restarted) answered += await echoOf(socket, b.ip, 1);
        return answered;
      })();
      await one.restart(nodes, 'vxlan', [a]);
      // The route of a node that is added later shows that the first check has ended.
      nodes.put(nodeAt('late'));
      await one.until(true, /^10\.244\.9\.0\/24/m, ...routes);
      nodes.remove('late');
      await one.until(false, /^10\.244\.9\.0\/24/m, ...routes);
      await one.until(false, /10\.244\.9\.1/, 'ip', 'neighbour', 'show', 'nud', 'permanent');
      await one.until(false, /203\.0\.113\.9/, 'bridge', 'fdb', 'show', 'dev', 'k8ts-vxlan');
      restarted = true;
      t.ok((await talk) > 0, 'every packet is answered');
      t.equal(await state(), before, 'no link, route or entry was replaced');

      const inside = (await a.netns.run('ip', '-o', 'link', 'show', 'eth0')).split(':')[0];
      await one.restart(nodes, 'auto', [a]);
      await one.until(true, direct(six), ...routes);
      await reach(a.netns, c.ip);
      await reach(c.netns, a.ip);
      t.pass('while the other node still tunnels, both directions work');
      await six.restart(nodes, 'host-gw', [c]);
      await six.until(true, direct(one), ...routes);
      await six.until(false, /k8ts-vxlan/, 'ip', 'link');
      await reach(c.netns, a.ip);
      t.match(await c.netns.run('ip', 'link', 'show', 'eth0'), /mtu 1500/);
      t.equal((await a.netns.run('ip', '-o', 'link', 'show', 'eth0')).split(':')[0], inside, 'the wire is the same');
      await one.restart(nodes, 'host-gw', [a]);
      await one.until(false, /10\.244\.2\.0/, ...routes);
      await one.until(false, /k8ts-vxlan/, 'ip', 'link');
      t.match(await a.netns.run('ip', 'link', 'show', 'eth0'), /mtu 1500/);
      await reach(a.netns, c.ip);
    });
  });

  await t.test('Services across the tunnel: from pods, from the node, from outside', async (t) => {
    await withScope(async (scope) => {
      const { router, one, two } = await openLab(scope);
      await one.until(true, tunnelled(two), ...routes);
      await two.until(true, tunnelled(one), ...routes);
      const [a, b] = [await one.pod(), await two.pod()];
      const fill = 200_000;
      await serve(scope, b.netns, '.'.repeat(fill));
      const exec = new NetnsExec(one.netns);
      const compiler = new ServiceCompiler(4, { clusterCidr: '10.244.0.0/16', podCidr: one.podCidr });
      const port = servicePort({ nodePort: 30080, endpoints: [endpoint(b.ip, 8080)] });
      compiler.set('shop/web', service('shop/web', '10.96.0.50', { ports: [port] }));
      const { plan, dirty } = compiler.take();
      await new Applier({ exec, backend: await detectBackend(exec, 4) }).apply(plan, dirty);

      const cases = [
        { name: 'pod to ClusterIP', from: a.netns, host: '10.96.0.50', port: 80, source: a.ip },
        { name: 'node to ClusterIP', from: one.netns, host: '10.96.0.50', port: 80, source: '10.244.1.1' },
        { name: 'outside to NodePort', from: router, host: one.address, port: 30080, source: '10.244.1.1' },
        { name: 'pod to NodePort', from: a.netns, host: one.address, port: 30080, source: a.ip },
      ];
      for (const { name, from, host, port, source } of cases) {
        const answer = await ask(from, host, port);
        t.match(answer.slice(0, 24), new RegExp(`^seen from ${source.replaceAll('.', '\\.')}\\.`), name);
        t.equal(answer.length, `seen from ${source}`.length + fill, `${name}: the complete answer`);
      }
      // The receiver would drop a packet with a wrong checksum, and TCP would send it again.
      const stats = await two.netns.run('nstat', '-asz', 'UdpInCsumErrors', 'TcpInCsumErrors');
      t.notMatch(stats, /CsumErrors\s+[1-9]/);
      const seen = await b.netns.run('nstat', '-asz', 'TcpInCsumErrors');
      t.notMatch(seen, /CsumErrors\s+[1-9]/);
    });
  });

  await t.test('packets for pods of a node without a bridge are dropped by a blackhole route', async (t) => {
    await withScope(async (scope) => {
      const { one } = await openLab(scope);
      await one.until(true, /^blackhole 10\.244\.1\.0\/24 proto 84/m, ...routes);
      await one.netns.run('ip', 'link', 'delete', 'cni0');
      await t.rejects(one.netns.run('ip', 'route', 'get', '10.244.1.7'), /Invalid argument/, 'a blackhole');
      await one.network.repair();
      t.match(await one.netns.run('ip', 'route', 'get', '10.244.1.7'), /dev cni0/);
    });
  });
});

const nodeAt = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: { podCIDR: '10.244.9.0/24', podCIDRs: ['10.244.9.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '203.0.113.9' }] },
});
