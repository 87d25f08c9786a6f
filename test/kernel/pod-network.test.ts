import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { vethName } from '../../agents/kubelet/network/names';
import { NetlinkPodNetwork } from '../../agents/kubelet/network/netlink-pod-network';
import { NodeRoutes } from '../../agents/kubelet/network/node-routes';
import { silentLogger } from '../../controlplane/base/logger';
import type { Scope } from '../../controlplane/base/scope';
import { startProgram } from '../../dataplane/exec/system-exec';
import { NetworkMonitor } from '../../dataplane/link/monitor';
import { ensureSysctls, readSysctl } from '../../dataplane/link/sysctl';
import { inNetns } from '../../dataplane/netns/named';
import { connect, createNetns, skipWithoutKernel } from '../lib/netns';
import { ask, FakeNodes, nodeObject, podSources, reach, serve, startPod, withScope } from '../lib/pod-lab';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(180_000);

async function startNode(scope: Scope, podCidr: string, nodeIp?: string) {
  const netns = await createNetns();
  scope.defer(() => netns.teardown());
  const sources = podSources(netns);
  const network = new NetlinkPodNetwork({ log: silentLogger, netns, sources, ...(nodeIp ? { nodeIp } : {}) });
  return { netns, network, open: () => network.open([podCidr]).then(() => scope.defer(() => network.close())) };
}

const take = (network: NetlinkPodNetwork): string => network.allocate()[0]!;

t.test('pod network', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('pods of one node: attach, repeat, repair, detach', async (t) => {
    await withScope(async (scope) => {
      const { netns, network, open } = await startNode(scope, '10.244.1.0/24');
      t.throws(() => network.allocate(), { code: 'Unavailable' });
      await open();
      await open();
      await t.rejects(network.open(['10.244.2.0/24']), { code: 'Conflict' });
      t.match(await netns.run('ip', 'address', 'show', 'cni0'), /inet 10\.244\.1\.1\/24/);
      t.equal((await netns.run('sysctl', '-n', 'net.ipv4.ip_forward')).trim(), '1');
      const [a, b] = [await startPod(scope), await startPod(scope)];
      const [ipA, ipB] = [take(network), take(network)];
      t.same([ipA, ipB], ['10.244.1.2', '10.244.1.3']);
      const wireA = { pid: a.pid, ips: [ipA], interfaceName: 'eth0' };
      await Promise.all([network.attach(wireA), network.attach({ pid: b.pid, ips: [ipB], interfaceName: 'eth0' })]);
      await reach(a.netns, ipB);
      await reach(b.netns, ipA);
      await reach(a.netns, '127.0.0.1');
      await reach(netns, ipA);
      t.match(await a.netns.run('ip', 'route'), /^default via 10\.244\.1\.1 dev eth0/m);
      t.match(await netns.run('ip', '-d', 'link', 'show', vethName(ipA)), /hairpin on/);

      const before = await a.netns.run('ip', 'link', 'show', 'eth0');
      await network.attach(wireA);
      t.equal(await a.netns.run('ip', 'link', 'show', 'eth0'), before, 'a complete wire stays unchanged');

      await a.netns.run('ip', 'route', 'del', 'default');
      await network.attach(wireA);
      t.match(await a.netns.run('ip', 'route'), /^default via/m, 'a broken wire is replaced');
      await reach(a.netns, ipB);

      await network.detach({ ips: [ipB] });
      await network.detach({ ips: [ipB] });
      network.release([ipB]);
      t.notMatch(await netns.run('ip', 'link'), new RegExp(vethName(ipB)));
      t.notMatch(await b.netns.run('ip', 'link'), /eth0/);
    });
  });

  await t.test('an address used again by another pod is reached at once', async (t) => {
    await withScope(async (scope) => {
      const { netns, network, open } = await startNode(scope, '10.244.1.0/29');
      await open();
      const [first, second, other] = [await startPod(scope), await startPod(scope), await startPod(scope)];
      const [ip, ipOther] = [take(network), take(network)];
      await network.attach({ pid: other.pid, ips: [ipOther], interfaceName: 'eth0' });
      await network.attach({ pid: first.pid, ips: [ip], interfaceName: 'eth0' });
      await reach(other.netns, ip);
      await reach(netns, ip);
      await network.detach({ ips: [ip] });
      await network.attach({ pid: second.pid, ips: [ip], interfaceName: 'eth0' });
      await reach(other.netns, ip);
      await reach(netns, ip);
      // The kubelet crashed and the pod's record is lost: the wire of the old pod still exists.
      const third = await startPod(scope);
      await network.attach({ pid: third.pid, ips: [ip], interfaceName: 'eth0' });
      await reach(other.netns, ip);
      t.notMatch(await second.netns.run('ip', 'link'), /eth0/);
    });
  });

  await t.test('damage by other processes is reported and repaired', async (t) => {
    await withScope(async (scope) => {
      const { netns, network, open } = await startNode(scope, '10.244.1.0/24');
      await open();
      const [a, b] = [await startPod(scope), await startPod(scope)];
      const wireA = { pid: a.pid, ips: network.allocate(), interfaceName: 'eth0' };
      const wireB = { pid: b.pid, ips: network.allocate(), interfaceName: 'eth0' };
      const reports: (string | undefined)[] = [];
      let wake = Promise.withResolvers<void>();
      network.onDamage((ip) => {
        reports.push(ip);
        wake.resolve();
      });
      const told = async (ip: string | undefined) => {
        while (!reports.includes(ip)) {
          wake = Promise.withResolvers();
          await wake.promise;
        }
      };
      t.equal(await network.attach(wireA), undefined);
      t.equal(await network.attach(wireB), undefined);
      t.strictSame(reports, [], 'our own work is no damage');

      await netns.run('ip', 'link', 'delete', vethName(wireA.ips[0]!));
      await told(wireA.ips[0]!);
      t.equal(await network.attach(wireA), 'no link on the node');
      t.equal(await network.attach(wireA), undefined);
      await reach(a.netns, wireB.ips[0]!);

      const inside = await b.netns.run('ip', 'link', 'show', 'eth0');
      reports.length = 0;
      await netns.run('ip', 'link', 'set', vethName(wireB.ips[0]!), 'nomaster');
      await told(wireB.ips[0]!);
      t.equal(await network.attach(wireB), 'not a port of the bridge');
      t.equal(await b.netns.run('ip', 'link', 'show', 'eth0'), inside, 'repaired without a change inside the pod');
      await reach(a.netns, wireB.ips[0]!);

      await netns.run('ip', 'address', 'flush', 'dev', 'cni0');
      await told(undefined);
      t.equal(await network.repair(), true);
      t.equal(await network.repair(), false);
      reports.length = 0;
      await netns.run('ip', 'link', 'delete', 'cni0');
      await told(undefined);
      t.equal(await network.repair(), true);
      for (const wire of [wireA, wireB]) t.equal(await network.attach(wire), 'not a port of the bridge');
      await reach(a.netns, wireB.ips[0]!);
      await reach(netns, wireA.ips[0]!);
    });
  });

  await t.test('an ended pod is NotFound and leaves no link', async (t) => {
    await withScope(async (scope) => {
      const { netns, network, open } = await startNode(scope, '10.244.1.0/24');
      await open();
      const wire = { pid: 2 ** 22 + 1, ips: network.allocate(), interfaceName: 'eth0' };
      await t.rejects(network.attach(wire), { code: 'NotFound' });
      t.notMatch(await netns.run('ip', 'link'), /veth/);
      // The process has no namespace of its own; the kubelet must not change the node's links.
      await t.rejects(network.attach({ ...wire, pid: process.pid }), { code: 'Conflict' });
      const nodeProcess = await startProgram(inNetns(netns, ['sleep', '600']));
      scope.defer(async () => {
        nodeProcess.kill('SIGKILL');
        await nodeProcess.exited;
      });
      await t.rejects(network.attach({ ...wire, pid: nodeProcess.pid, interfaceName: 'cni0' }), { code: 'Conflict' });
      t.match(await netns.run('ip', 'link'), /cni0/);
    });
  });

  for (const bridgeFilter of ['0', '1']) {
    await t.test(`Services between pods of one node, and hairpin, with br_netfilter ${bridgeFilter}`, async (t) => {
      await withScope(async (scope) => {
        const { netns, network, open } = await startNode(scope, '10.244.1.0/24');
        await open();
        const setting = 'net.bridge.bridge-nf-call-iptables';
        if (readSysctl(netns, setting) !== undefined) ensureSysctls(netns, { [setting]: bridgeFilter });
        else if (bridgeFilter === '1') {
          t.comment('this kernel has no br_netfilter');
          return;
        }
        const [a, b] = [await startPod(scope), await startPod(scope)];
        const [ip, ipOther] = [take(network), take(network)];
        await network.attach({ pid: a.pid, ips: [ip], interfaceName: 'eth0' });
        await network.attach({ pid: b.pid, ips: [ipOther], interfaceName: 'eth0' });
        await serve(scope, a.netns);
        // The rule of a Service 10.96.0.50 with pod A as its endpoint; only packets of the pod to itself are masqueraded.
        const nat = (...args: string[]) => netns.run('iptables', '-t', 'nat', '-A', ...args);
        await nat('PREROUTING', '-d', '10.96.0.50/32', '-p', 'tcp', '-j', 'DNAT', '--to', ip);
        await nat('POSTROUTING', '-s', ip, '-d', ip, '-j', 'MASQUERADE');
        t.equal(await ask(b.netns, '10.96.0.50'), `seen from ${ipOther}`, 'another pod, without masquerade');
        t.equal(await ask(a.netns, '10.96.0.50'), 'seen from 10.244.1.1', 'the pod itself');
        t.equal(await ask(b.netns, ip), `seen from ${ipOther}`, 'directly');
      });
    });
  }

  await t.test('pods of two nodes reach each other without NAT; routes are added, removed and repaired', async (t) => {
    await withScope(async (scope) => {
      const one = await startNode(scope, '10.244.1.0/24', '192.0.2.1');
      const two = await startNode(scope, '10.244.2.0/24', '192.0.2.2');
      await connect(
        { netns: one.netns, link: 'up0', address: '192.0.2.1/24' },
        { netns: two.netns, link: 'up0', address: '192.0.2.2/24' },
      );
      for (const { netns } of [one, two]) await netns.run('ip', 'link', 'set', 'up0', 'mtu', '1400');
      await Promise.all([one.open(), two.open()]);
      const nodes = new FakeNodes([
        nodeObject('one', '192.0.2.1', '10.244.1.0/24'),
        nodeObject('two', '192.0.2.2', '10.244.2.0/24'),
      ]);
      const abort = new AbortController();
      const changed = new EventEmitter();
      const monitor = new NetworkMonitor(one.netns, (change) => {
        if (change.type === 'route' || change.type === 'route-removed') changed.emit('route', change);
      });
      scope.defer(() => monitor.close());
      const keepAlive = setInterval(() => {}, 1000);
      scope.defer(() => clearInterval(keepAlive));
      const routeOf = async (wanted: boolean) => {
        for (;;) {
          const event = once(changed, 'route');
          if (/^10\.244\.2\.0\/24 via 192\.0\.2\.2 /m.test(await one.netns.run('ip', 'route')) === wanted) return;
          await event;
        }
      };
      const running = [one, two].map(({ netns }, i) =>
        new NodeRoutes({ nodes, nodeName: i === 0 ? 'one' : 'two', mode: 'host-gw', log: silentLogger, netns }).run(
          abort.signal,
        ),
      );
      scope.defer(async () => {
        abort.abort(new Error('test ends'));
        await Promise.allSettled(running);
      });
      await routeOf(true);

      const pods = [];
      for (const { network } of [one, two]) {
        const pod = { ...(await startPod(scope)), ip: take(network) };
        await network.attach({ pid: pod.pid, ips: [pod.ip], interfaceName: 'eth0' });
        pods.push(pod);
      }
      const [a, b] = [pods[0]!, pods[1]!];
      t.match(await a.netns.run('ip', 'link', 'show', 'eth0'), /mtu 1400/, 'MTU of the uplink');
      await reach(a.netns, b.ip);
      await reach(b.netns, a.ip);
      await serve(scope, b.netns);
      t.equal(await ask(a.netns, b.ip), `seen from ${a.ip}`, 'the source address is the pod');

      await one.netns.run('ip', 'route', 'del', '10.244.2.0/24');
      await routeOf(true);
      await reach(a.netns, b.ip);
      t.pass('a removed route is restored');

      await one.netns.run('ip', 'route', 'add', '10.99.0.0/24', 'via', '192.0.2.2');
      nodes.remove('two');
      await routeOf(false);
      t.match(await one.netns.run('ip', 'route'), /^10\.99\.0\.0\/24/m, 'foreign routes stay');
      nodes.put(nodeObject('two', '192.0.2.2', '10.244.2.0/24'));
      await routeOf(true);

      await one.netns.run('ip', 'link', 'set', 'up0', 'down');
      await one.netns.run('ip', 'link', 'set', 'up0', 'up');
      await routeOf(true);
      await reach(a.netns, b.ip);
      t.pass('the route is restored after its link was down');
    });
  });
});
