import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { applySteps } from '../../dataplane/link/apply';
import { type NetworkChange, NetworkMonitor } from '../../dataplane/link/monitor';
import { planBridge, planRoutes } from '../../dataplane/link/plan';
import { Rtnetlink } from '../../dataplane/link/rtnetlink';
import { ensureSysctls, readSysctl } from '../../dataplane/link/sysctl';
import type { Netns } from '../../dataplane/netns/netns';
import { ownNetns } from '../../dataplane/netns/system-netns';
import { connect, createNetns, skipWithoutKernel, type TestNetns, withNetns } from '../lib/netns';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(180_000);

const protocol = 84;

async function withRt<T>(netns: TestNetns, fn: (rt: Rtnetlink) => Promise<T>): Promise<T> {
  const rt = new Rtnetlink(netns);
  try {
    return await fn(rt);
  } finally {
    rt.close();
  }
}

t.test('rtnetlink', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('bridge: created, repaired, left unchanged', async (t) => {
    await withNetns(1, async (netns) => {
      await withRt(netns, async (rt) => {
        const desired = {
          name: 'br0',
          mac: '0a:58:0a:00:00:01',
          mtu: 1400,
          addresses: [{ address: '10.0.0.1', prefix: 24 }],
        };
        const plan = async () => planBridge(desired, await rt.link('br0'), await rt.addresses());
        await applySteps(rt, await plan());
        t.match(await netns.run('ip', '-d', 'link', 'show', 'br0'), /mtu 1400.* UP|UP.*mtu 1400/);
        t.match(await netns.run('ip', 'address', 'show', 'br0'), /0a:58:0a:00:00:01[\s\S]*inet 10\.0\.0\.1\/24/);
        t.same(await plan(), [], 'no step remains');
        await netns.run('ip', 'link', 'set', 'br0', 'down', 'mtu', '1300', 'address', '0a:00:00:00:00:02');
        await netns.run('ip', 'link', 'set', 'br0', 'type', 'bridge', 'no_linklocal_learn', '0');
        await netns.run('ip', 'address', 'add', '10.9.0.1/24', 'dev', 'br0');
        await netns.run('ip', 'address', 'del', '10.0.0.1/24', 'dev', 'br0');
        await applySteps(rt, await plan());
        t.same(await plan(), []);
        t.notMatch(await netns.run('ip', 'address', 'show', 'br0'), /10\.9\.0\.1/);
        t.match(await netns.run('ip', '-d', 'link', 'show', 'br0'), /no_linklocal_learn 1/);
        await t.rejects(rt.createBridge('br0', {}), { code: 'AlreadyExists', details: { errno: 'EEXIST' } });
      });
    });
  });

  await t.test('veth: the peer is created in the other namespace, hairpin port', async (t) => {
    await withNetns(2, async (node, pod) => {
      await withRt(node, async (rt) => {
        await rt.createBridge('br0', { up: true });
        const bridge = await rt.link('br0');
        const mac = '0a:58:0a:00:00:05';
        await rt.createVeth(
          { name: 'v0', mtu: 1400, up: true, master: bridge!.index },
          { name: 'eth0', mac, mtu: 1400 },
          pod,
        );
        await rt.setLink('v0', { hairpin: true });
        const end = await rt.link('v0');
        t.match(end, { kind: 'veth', mtu: 1400, up: true, master: bridge!.index, hairpin: true });
        t.match(await node.run('ip', 'link', 'show', 'v0'), /master br0/);
        t.match(await node.run('ip', '-d', 'link', 'show', 'v0'), /hairpin on/);
        await withRt(pod, async (inside) => {
          t.equal((await inside.link('eth0'))?.up, false);
          await inside.setLink('eth0', { up: true });
          const eth0 = await inside.link('eth0');
          t.match(eth0, { mac, mtu: 1400, up: true, peer: end!.index });
          t.equal(end!.peer, eth0!.index);
          await inside.setLink('lo', { up: false });
          t.equal((await inside.link('lo'))?.up, false);
        });
        t.same((await rt.links()).map(({ name }) => name).sort(), ['br0', 'lo', 'v0']);
        await t.rejects(rt.createVeth({ name: 'v1' }, { name: 'eth0' }, pod), { code: 'AlreadyExists' });
        t.equal(await rt.link('v1'), undefined, 'a failed creation leaves nothing');
        t.ok((await rt.fdb()).some((entry) => entry.link === end!.index));
        await rt.removeLink('v0');
        await rt.removeLink('v0');
        t.equal(await rt.link('v0'), undefined);
        await t.rejects(rt.setLink('v0', { up: true }), { code: 'NotFound' });
      });
    });
  });

  await t.test('routes: planned, applied, foreign routes stay', async (t) => {
    await withNetns(2, async (a, b) => {
      await connect(
        { netns: a, link: 'up0', address: '192.0.2.1/24' },
        { netns: b, link: 'up0', address: '192.0.2.2/24' },
      );
      await withRt(a, async (rt) => {
        const via = (destination: string, gateway: string) =>
          ({ destination, type: 'unicast', gateway, protocol }) as const;
        const desired = [
          via('10.1.0.0/24', '192.0.2.2'),
          { destination: '10.3.0.0/24', type: 'blackhole', protocol } as const,
          via('0.0.0.0/0', '192.0.2.2'),
        ];
        await a.run('ip', 'route', 'add', '10.7.0.0/24', 'via', '192.0.2.2');
        await rt.replaceRoute(via('10.2.0.0/24', '192.0.2.2'));
        const sync = async () => applySteps(rt, planRoutes(desired, await rt.routes(4), protocol));
        await sync();
        t.same(planRoutes(desired, await rt.routes(4), protocol), []);
        const listing = await a.run('ip', 'route');
        t.match(listing, /^default via 192\.0\.2\.2 dev up0 proto 84/m);
        t.match(listing, /^10\.1\.0\.0\/24 via 192\.0\.2\.2 dev up0 proto 84/m);
        t.match(listing, /^blackhole 10\.3\.0\.0\/24 proto 84/m);
        t.match(listing, /^10\.7\.0\.0\/24/m, 'a foreign route');
        t.notMatch(listing, /^10\.2\.0\.0\/24/m, 'our own and not desired');
        await a.run('ip', 'route', 'replace', '10.1.0.0/24', 'via', '192.0.2.3');
        await a.run('ip', 'route', 'del', 'blackhole', '10.3.0.0/24');
        await sync();
        t.same(planRoutes(desired, await rt.routes(4), protocol), []);
        await rt.removeRoute(desired[0]!);
        await rt.removeRoute(desired[0]!);
        await t.rejects(rt.replaceRoute(via('10.4.0.0/24', '203.0.113.1')), { code: 'Unavailable' });
      });
    });
  });

  await t.test('requests and dumps at the same time on one socket', async (t) => {
    await withNetns(1, async (netns) => {
      await withRt(netns, async (rt) => {
        const bridges = Array.from({ length: 20 }, (_, i) => `br${i}`);
        const lists = bridges.flatMap((name) => [
          rt.links(),
          rt.createBridge(name, { up: true }),
          rt.routes(4),
          rt.link(name),
        ]);
        await Promise.all(lists);
        t.equal((await rt.links()).length, 21);
      });
    });
  });

  await t.test('neighbour entries are set, listed and removed', async (t) => {
    await withNetns(2, async (a, b) => {
      await connect({ netns: a, link: 'up0', address: '192.0.2.1/24' }, { netns: b, link: 'up0' });
      await withRt(a, async (rt) => {
        const { index } = (await rt.link('up0'))!;
        const entry = { link: index, address: '192.0.2.9', mac: '0a:00:00:00:00:09' };
        await rt.ensureNeighbour(entry);
        await rt.ensureNeighbour(entry);
        t.match(await a.run('ip', 'neighbour'), /192\.0\.2\.9 dev up0 lladdr 0a:00:00:00:00:09 PERMANENT/);
        t.ok((await rt.neighbours(4)).some(({ address, mac }) => address === entry.address && mac === entry.mac));
        await rt.removeNeighbour(entry);
        await rt.removeNeighbour(entry);
        t.notMatch(await a.run('ip', 'neighbour', 'show', 'nud', 'all'), /192\.0\.2\.9 .*PERMANENT/);
      });
    });
  });

  await t.test('sysctls belong to the namespace of the opening thread', async (t) => {
    await withNetns(1, async (netns) => {
      const name = 'net.ipv4.conf.lo.arp_notify';
      const outside = readSysctl(ownNetns(), name);
      t.same(ensureSysctls(netns, { [name]: '1' }), [name]);
      t.same(ensureSysctls(netns, { [name]: '1' }), [], 'the value is already set');
      t.equal((await netns.run('cat', '/proc/sys/net/ipv4/conf/lo/arp_notify')).trim(), '1');
      t.equal(readSysctl(ownNetns(), name), outside);
      t.equal(readSysctl(netns, 'net.ipv4.no_such_setting'), undefined);
      t.throws(() => ensureSysctls(netns, { 'net.ipv4.no_such_setting': '1' }), { code: 'Unsupported' });
      t.throws(() => ensureSysctls(netns, { 'kernel.hostname': 'x' }), { code: 'BadRequest' });
    });
  });

  await t.test('the monitor reports added and removed links and routes', async (t) => {
    await withNetns(1, async (netns) => {
      const seen: NetworkChange[] = [];
      let wake = () => {};
      const monitor = new NetworkMonitor(netns, (change) => {
        seen.push(change);
        wake();
      });
      const until = async (match: (change: NetworkChange) => boolean) => {
        while (!seen.some(match)) await new Promise<void>((resolve) => (wake = resolve));
      };
      const keepAlive = setInterval(() => {}, 1000);
      try {
        await netns.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
        await until((c) => c.type === 'link' && c.link.name === 'br0');
        await netns.run('ip', 'link', 'set', 'br0', 'up');
        await netns.run('ip', 'route', 'add', '10.1.0.0/24', 'dev', 'br0', 'proto', '84');
        await until((c) => c.type === 'route' && c.route.destination === '10.1.0.0/24' && c.route.protocol === 84);
        await netns.run('ip', 'route', 'del', '10.1.0.0/24');
        await until((c) => c.type === 'route-removed' && c.route.destination === '10.1.0.0/24');
        await netns.run('ip', 'link', 'del', 'br0');
        await until((c) => c.type === 'link-removed' && c.link.name === 'br0');
        const types = ['link', 'route', 'route-removed', 'link-removed'];
        t.same(
          [...new Set(seen.map(({ type }) => type))].filter((type) => types.includes(type)),
          types,
          'in this order',
        );
      } finally {
        clearInterval(keepAlive);
        monitor.close();
      }
    });
  });

  await t.test('a monitor that loses messages reports it each time, and continues', async (t) => {
    await withNetns(1, async (netns) => {
      const count = 20_000;
      const file = join(t.testdir(), 'batch');
      writeFileSync(
        file,
        Array.from({ length: count }, (_, i) => `route add 10.64.${i >> 8}.${i & 255} dev br0\n`).join(''),
      );
      await netns.run('ip', 'link', 'add', 'br0', 'type', 'bridge');
      await netns.run('ip', 'link', 'set', 'br0', 'up');
      let overruns = 0;
      let told = '';
      let wake = () => {};
      const monitor = new NetworkMonitor(netns, (change) => {
        if (change.type === 'overrun') overruns++;
        if (change.type === 'link') told = change.link.name;
        wake();
      });
      const until = async (test: () => boolean) => {
        while (!test()) await new Promise<void>((resolve) => (wake = resolve));
      };
      const keepAlive = setInterval(() => {}, 1000);
      try {
        for (const argv of [
          ['-batch', file],
          ['route', 'flush', 'root', '10.64.0.0/10'],
          ['-batch', file],
        ]) {
          const [before, lost] = [overruns, drops(netns)];
          const flood = netns.run('ip', ...argv);
          // Keeps the event loop busy until the kernel has dropped messages.
          const deadline = Date.now() + 30_000;
          while (drops(netns) === lost && Date.now() < deadline)
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
          await flood;
          await until(() => overruns > before);
        }
        await netns.run('ip', 'link', 'add', 'br1', 'type', 'bridge');
        await until(() => told === 'br1');
        t.ok(overruns >= 3, `${overruns} overruns`);
      } finally {
        clearInterval(keepAlive);
        monitor.close();
      }
    });
  });

  await t.test('a removed namespace is NotFound', async (t) => {
    const netns = await createNetns();
    await netns.teardown();
    t.throws(() => new Rtnetlink(netns), { code: 'NotFound' });
  });
});

/** The number of netlink messages that listeners in this namespace have lost. */
function drops(netns: Netns): number {
  const rows = netns
    .enter(() => readFileSync('/proc/thread-self/net/netlink', 'utf8'))
    .trim()
    .split('\n')
    .slice(1);
  // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
  return rows.map((row) => row.trim().split(/\s+/)).reduce((sum, fields) => sum + Number(fields[8]), 0);
}
