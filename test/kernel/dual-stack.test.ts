// Pods with addresses of both families, on nodes on one link and behind a router that knows only IPv4.
import t from 'tap';
import type { Scope } from '../../controlplane/base/scope';
import { connect, skipWithoutKernel } from '../lib/netns';
import { ask, FakeNodes, LabNode, type LabPod, nodeObject, scopedNetns, serve, withScope } from '../lib/pod-lab';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(300_000);

const routes4 = ['ip', 'route'];
const routes6 = ['ip', '-6', 'route'];

async function makeNode(scope: Scope, index: number, addresses: string): Promise<LabNode> {
  const netns = await scopedNetns(scope);
  const podCidrs = `10.244.${index}.0/24,fd00:10:244:${index}::/64`;
  return new LabNode(`n${index}`, netns, addresses, podCidrs, 'auto', scope);
}

/** Each pod reaches each pod in both families, without NAT, with answers larger than the MTU. */
async function meet(t: Tap, from: LabPod, to: LabPod): Promise<void> {
  for (const [i, ip] of to.ips.entries()) {
    const answer = await ask(from.netns, ip);
    t.equal(answer.slice(0, answer.indexOf('|')), `seen from ${from.ips[i]}`);
    t.equal(answer.length, `seen from ${from.ips[i]}`.length + fill.length, 'the complete answer');
  }
}
type Tap = Pick<typeof t, 'equal'>;
const fill = `|${'.'.repeat(200_000)}`;

t.test('both families', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('two nodes on one link', async (t) => {
    await withScope(async (scope) => {
      const one = await makeNode(scope, 1, '192.0.2.1,2001:db8::1');
      const two = await makeNode(scope, 2, '192.0.2.2,2001:db8::2');
      await connect(
        { netns: one.netns, link: 'up0', address: '192.0.2.1/24' },
        { netns: two.netns, link: 'up0', address: '192.0.2.2/24' },
      );
      for (const [node, address] of [
        [one, '2001:db8::1/64'],
        [two, '2001:db8::2/64'],
      ] as const) {
        await node.netns.run('ip', 'address', 'add', address, 'dev', 'up0', 'nodad');
        await node.netns.run('sysctl', '-qw', 'net.ipv6.conf.up0.accept_ra=1');
      }
      const nodes = new FakeNodes([one.object(), two.object()]);
      await Promise.all([one.start(nodes), two.start(nodes)]);
      await one.until(true, /^10\.244\.2\.0\/24 via 192\.0\.2\.2 dev up0/m, ...routes4);
      await one.until(true, /^fd00:10:244:2::\/64 via 2001:db8::2 dev up0 proto 84/m, ...routes6);
      await two.until(true, /^10\.244\.1\.0\/24/m, ...routes4);
      await two.until(true, /^fd00:10:244:1::\/64 via/m, ...routes6);
      t.match(await one.netns.run(...routes6), /^blackhole fd00:10:244:1::\/64 dev lo proto 84 metric 2147483647/m);
      t.equal(
        (await one.netns.run('sysctl', '-n', 'net.ipv6.conf.up0.accept_ra')).trim(),
        '2',
        'the node still listens to routers',
      );

      const [a, b, c] = [await one.pod(), await one.pod(), await two.pod()];
      t.same(
        [a.ips, b.ips],
        [
          ['10.244.1.2', 'fd00:10:244:1::2'],
          ['10.244.1.3', 'fd00:10:244:1::3'],
        ],
      );
      for (const { netns } of [a, b, c]) await serve(scope, netns, fill);
      await meet(t, a, c);
      await meet(t, c, a);
      await meet(t, b, c);

      await one.netns.run('ip6tables', '-A', 'FORWARD', '-s', a.ips[1]!, '-d', b.ips[1]!);
      const forwarded = async () =>
        Number(/^\s*(\d+)/m.exec((await one.netns.run('ip6tables', '-nvxL', 'FORWARD')).split('\n')[2] ?? '')?.[1]);
      await meet(t, a, b);
      const first = await forwarded();
      t.ok(first > 0);
      await meet(t, a, b);
      t.ok(
        (await forwarded()) >= 1.5 * first,
        'packets between pods of one node always pass its IP layer: no redirect is accepted',
      );

      const table = await a.netns.run('ip', '-6', 'route');
      t.match(table, /^default via fd00:10:244:1::1 dev eth0/m);
      t.notMatch(table, /^fd00:10:244:1::\/64/m, 'no neighbours');
      await one.netns.run('ip', '-6', 'route', 'del', 'fd00:10:244:2::/64');
      await one.until(true, /^fd00:10:244:2::\/64 via 2001:db8::2/m, ...routes6);
      nodes.remove('n2');
      await one.until(false, /fd00:10:244:2::/, ...routes6);
      await one.until(false, /10\.244\.2\.0/, ...routes4);
      nodes.put(two.object());
      await one.until(true, /^fd00:10:244:2::\/64 via 2001:db8::2/m, ...routes6);

      const wires = await one.netns.run('ip', 'link');
      await one.restart(nodes, 'auto', [a, b]);
      t.equal(await one.netns.run('ip', 'link'), wires, 'a restarted kubelet does not change the wires');
      await a.netns.run('ip', '-6', 'route', 'del', 'default');
      const wire = { pid: a.pid, ips: a.ips, interfaceName: 'eth0' };
      t.equal(await one.network.attach(wire), 'no route to ::/0');
      await meet(t, a, c);

      await one.network.detach({ ips: b.ips });
      one.network.release(b.ips);
      t.notMatch(await one.netns.run('ip', '-6', 'neighbour'), /fd00:10:244:1::3/);
    });
  });

  await t.test('behind a router of one family: the tunnel carries both', async (t) => {
    await withScope(async (scope) => {
      const router = await scopedNetns(scope);
      await router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
      const one = await makeNode(scope, 1, '192.0.2.1');
      const two = await makeNode(scope, 2, '198.51.100.2');
      for (const [node, address, gateway] of [
        [one, '192.0.2.1/24', '192.0.2.254'],
        [two, '198.51.100.2/24', '198.51.100.254'],
      ] as const) {
        const far = { netns: router, link: node.name, address: `${gateway}/24` };
        await connect({ netns: node.netns, link: 'up0', address }, far);
        await node.netns.run('ip', 'route', 'add', 'default', 'via', gateway);
      }
      const nodes = new FakeNodes([one.object(), two.object()]);
      await Promise.all([one.start(nodes), two.start(nodes)]);
      const tunnelled = /^fd00:10:244:\d::\/64 via fd00:10:244:\d::1 dev k8ts-vxlan proto 84 .*onlink/m;
      await one.until(true, tunnelled, ...routes6);
      await two.until(true, tunnelled, ...routes6);
      await one.until(true, /^10\.244\.2\.0\/24 .* k8ts-vxlan/m, ...routes4);
      await two.until(true, /^10\.244\.1\.0\/24 .* k8ts-vxlan/m, ...routes4);
      const [a, c] = [await one.pod(), await two.pod()];
      for (const { netns } of [a, c]) await serve(scope, netns, fill);
      await meet(t, a, c);
      await meet(t, c, a);
      const own = await ask(one.netns, c.ips[1]!);
      t.match(own.slice(0, 40), /^seen from fd00:10:244:1::1\|/, 'the node itself, by its pod gateway');

      nodes.put(nodeObject('n2', '198.51.100.2', '10.244.2.0/24'));
      await one.until(false, /fd00:10:244:2::/, ...routes6);
      await one.until(false, /fd00:10:244:2::1/, 'ip', '-6', 'neighbour', 'show', 'dev', 'k8ts-vxlan');
      t.equal((await ask(a.netns, c.ip)).split('|')[0], `seen from ${a.ip}`, 'the other family still works');
    });
  });

  await t.test('a node with only IPv6', async (t) => {
    await withScope(async (scope) => {
      const make = async (index: number) => {
        const netns = await scopedNetns(scope);
        return new LabNode(`n${index}`, netns, `2001:db8::${index}`, `fd00:10:244:${index}::/64`, 'vxlan', scope);
      };
      const [one, two] = [await make(1), await make(2)];
      await connect({ netns: one.netns, link: 'up0' }, { netns: two.netns, link: 'up0' });
      for (const node of [one, two]) {
        await node.netns.run('ip', 'address', 'add', `${node.address}/64`, 'dev', 'up0', 'nodad');
      }
      const nodes = new FakeNodes([one.object(), two.object()]);
      await Promise.all([one.start(nodes), two.start(nodes)]);
      await one.until(true, /^fd00:10:244:2::\/64 .* k8ts-vxlan/m, ...routes6);
      await two.until(true, /^fd00:10:244:1::\/64 .* k8ts-vxlan/m, ...routes6);
      const [a, c] = [await one.pod(), await two.pod()];
      t.match(await a.netns.run('ip', 'link', 'show', 'eth0'), /mtu 1430/, 'room for the headers of IPv6');
      for (const { netns } of [a, c]) await serve(scope, netns, fill);
      await meet(t, a, c);
      await meet(t, c, a);
    });
  });
});
