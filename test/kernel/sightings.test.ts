// What a watch sees of real packets: at each link of several namespaces, through NAT, in a tunnel, of both families.
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import type { Scope } from '../../controlplane/base/scope';
import { probe } from '../../dataplane/probe/probe';
import type { Sighting, SightingFilter } from '../../dataplane/probe/sighting';
import { type PacketWatch, watchPackets } from '../../dataplane/probe/watch';
import { connect, createNetns, skipWithoutKernel, type TestNetns } from '../lib/netns';
import { scopedNetns, withScope } from '../lib/pod-lab';
import { client4, client6, listenIn, openProbeLab, server4, server6 } from '../lib/probe-lab';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(300_000);

const openFiles = () => readdirSync('/proc/self/fd').length;
const timeoutMs = 5_000;

/** `link direction source>destination`, in the order of time. */
const ways = (sightings: readonly Sighting[]): readonly string[] =>
  sightings.map(({ link, direction, source, destination }) => `${link} ${direction} ${source}>${destination}`);
const syns = (sightings: readonly Sighting[]): readonly Sighting[] =>
  sightings.filter(({ flags }) => flags?.join() === 'SYN');

/** Stops with the scope, if the test did not come so far. */
function watch(netns: TestNetns, scope: Scope, filter: SightingFilter, maxPackets?: number): PacketWatch {
  const watch = watchPackets(netns, { filter, ...(maxPackets !== undefined && { maxPackets }) });
  scope.defer(() => watch.stop());
  return watch;
}

t.test('sightings', { skip: skipWithoutKernel() }, async (t) => {
  // The first child process makes Node open descriptors that it keeps.
  await withScope(async (scope) => void (await scopedNetns(scope)));
  const part = (name: string, fn: (t: Test, scope: Scope) => Promise<void>) =>
    t.test(name, async (t) => {
      const before = openFiles();
      await withScope((scope) => fn(t, scope));
      // A thread closes the sockets of stopped watches, and no event says when. A descriptor that is left fails by tap's time limit.
      while (openFiles() > before) await new Promise((resolve) => setImmediate(resolve));
      t.pass('no descriptor is left');
    });

  await part('one SYN at each link of three namespaces, in both families', async (t, scope) => {
    const { client, router, server } = await openProbeLab(scope);
    await listenIn(server, createServer(), 80, scope);
    for (const [from, to] of [
      [client4, server4],
      [client6, server6],
    ] as const) {
      const filter: SightingFilter = { protocol: 'tcp', addresses: [to], ports: [40_010] };
      const watches = [client, router, server].map((netns) => watch(netns, scope, filter));
      const request = { protocol: 'tcp', port: 80, sourcePort: 40_010, timeoutMs } as const;
      t.match(await probe(client, { ...request, address: to }), { outcome: 'connected' });
      // Another source port: not seen.
      await probe(client, { ...request, address: to, sourcePort: 40_011 });
      t.ok(watches[0]!.count() >= 3, 'SYN, SYN and ACK, ACK');
      const all = watches.map((each) => each.stop());
      const seen = syns(all.flat().sort((a, b) => a.atUs - b.atUs));
      t.strictSame(ways(seen), [
        `eth0 out ${from}>${to}`,
        `near in ${from}>${to}`,
        `far out ${from}>${to}`,
        `eth0 in ${from}>${to}`,
      ]);
      t.equal(new Set(seen.map(({ seq }) => seq)).size, 1, 'one sequence number');
      t.equal(seen[0]!.ttl - seen[3]!.ttl, 1, 'one router');
      const nowUs = Date.now() * 1_000;
      t.ok(nowUs - seen[0]!.atUs < 60_000_000 && nowUs + 1_000 >= seen[0]!.atUs, 'the clock of the machine');
      t.match(seen[0], { protocol: 'tcp', sourcePort: 40_010, destinationPort: 80, flags: ['SYN'] });
      t.equal(seen[0]!.length, to === server4 ? 60 : 80);
      const answer = all[0]!.find(({ flags }) => flags?.join() === 'SYN,ACK');
      t.match(answer, { link: 'eth0', direction: 'in', source: to, ack: (seen[0]!.seq! + 1) % 2 ** 32 });
      t.ok(all[0]!.every(({ sourcePort, destinationPort }) => [sourcePort, destinationPort].includes(40_010)));
      t.strictSame(
        watches.map((each) => each.lost()),
        [0, 0, 0],
      );
      t.equal(watches[0]!.stop(), all[0], 'stop can be repeated');
      t.equal(watches[0]!.count(), all[0]!.length);
    }
  });

  await part('DNAT, MASQUERADE and a bridge', async (t, scope) => {
    const { client, router, server } = await openProbeLab(scope);
    await listenIn(server, createServer(), 8080, scope);
    // The wire to the server becomes a port of a bridge, as that of a pod.
    for (const command of [
      'link add br0 type bridge',
      'address flush dev far',
      'link set far master br0',
      'address add 198.51.100.1/24 dev br0',
      'link set br0 up',
    ]) {
      await router.run('ip', ...command.split(' '));
    }
    const nat = (...rule: string[]) => router.run('iptables', '-w', '-t', 'nat', '-A', ...rule);
    await nat(
      'PREROUTING',
      '-d',
      '203.0.113.10',
      '-p',
      'tcp',
      '--dport',
      '80',
      '-j',
      'DNAT',
      '--to',
      `${server4}:8080`,
    );
    await nat('POSTROUTING', '-d', server4, '-j', 'MASQUERADE');
    const filter: SightingFilter = { protocol: 'tcp', addresses: [client4, server4, '203.0.113.10'], ports: [40_012] };
    const watches = [client, router, server].map((netns) => watch(netns, scope, filter));
    const found = await probe(client, {
      protocol: 'tcp',
      address: '203.0.113.10',
      port: 80,
      sourcePort: 40_012,
      timeoutMs,
    });
    t.match(found, { outcome: 'connected' });
    const all = watches.flatMap((each) => each.stop()).sort((a, b) => a.atUs - b.atUs);
    const { seq } = syns(all)[0]!;
    t.strictSame(ways(syns(all).filter((each) => each.seq === seq)), [
      `eth0 out ${client4}>203.0.113.10`,
      `near in ${client4}>203.0.113.10`,
      `br0 out 198.51.100.1>${server4}`,
      `far out 198.51.100.1>${server4}`,
      `eth0 in 198.51.100.1>${server4}`,
    ]);
    t.strictSame(
      syns(all).map(({ destinationPort }) => destinationPort),
      [80, 80, 8080, 8080, 8080],
    );
    t.equal(new Set(syns(all).map(({ ipId }) => ipId)).size, 1, 'the identifier of the IP packet stays');
  });

  await part('a VXLAN tunnel', async (t, scope) => {
    const { client, router, server } = await openProbeLab(scope);
    const tunnel = async (netns: TestNetns, local: string, remote: string, own: string) => {
      const options = ['type', 'vxlan', 'id', '1', 'dstport', '8472', 'nolearning'];
      await netns.run('ip', 'link', 'add', 'vx0', 'mtu', '1400', ...options, 'local', local, 'remote', remote);
      await netns.run('ip', 'address', 'add', `${own}/24`, 'dev', 'vx0');
      await netns.run('ip', '-6', 'address', 'add', `fd00::${own.at(-1)}/64`, 'dev', 'vx0', 'nodad');
      await netns.run('ip', 'link', 'set', 'vx0', 'up');
    };
    await tunnel(client, client4, server4, '10.0.0.1');
    await tunnel(server, server4, client4, '10.0.0.2');
    await listenIn(server, createServer(), 80, scope);
    for (const address of ['10.0.0.2', 'fd00::2']) {
      const filter: SightingFilter = { protocol: 'tcp', addresses: [address], ports: [80] };
      const watches = [client, router, server].map((netns) => watch(netns, scope, filter));
      t.match(await probe(client, { protocol: 'tcp', address, port: 80, timeoutMs }), { outcome: 'connected' });
      const all = watches.flatMap((each) => each.stop()).sort((a, b) => a.atUs - b.atUs);
      const from = address.replace(/2$/, '1');
      t.strictSame(
        ways(syns(all)),
        ['vx0 out', 'eth0 out', 'near in', 'far out', 'eth0 in', 'vx0 in'].map((way) => `${way} ${from}>${address}`),
      );
      const outer = { source: client4, destination: server4 };
      t.strictSame(
        syns(all).map((each) => each.tunnel),
        [undefined, outer, outer, outer, outer, undefined],
      );
      t.equal(new Set(syns(all).map(({ seq }) => seq)).size, 1);
    }
    const pings = watch(router, scope, { protocol: 'icmp', addresses: ['10.0.0.1'] });
    t.match(await probe(client, { protocol: 'icmp', address: '10.0.0.2', timeoutMs }), { outcome: 'answered' });
    t.match(pings.stop(), [
      { link: 'near', icmp: { type: 8 }, tunnel: {} },
      { link: 'far', icmp: { type: 8 } },
      { link: 'far', icmp: { type: 0 } },
      { link: 'near', icmp: { type: 0 } },
    ]);
  });

  await part('ICMP errors about watched packets', async (t, scope) => {
    const { client, router, server } = await openProbeLab(scope);
    await router.run('ip', 'link', 'set', 'far', 'mtu', '1300');
    for (const [address, iptables] of [
      [server4, 'iptables'],
      [server6, 'ip6tables'],
    ] as const) {
      await router.run(iptables, '-w', '-A', 'FORWARD', '-p', 'tcp', '--dport', '83', '-j', 'REJECT');
      const v4 = address === server4;
      const about = { destination: address, destinationPort: 83, sourcePort: 40_013, protocol: 'tcp' };
      const tcp = watch(client, scope, { protocol: 'tcp', addresses: [address], ports: [83] });
      await probe(client, { protocol: 'tcp', address, port: 83, sourcePort: 40_013, timeoutMs });
      t.match(tcp.stop(), [
        { direction: 'out', protocol: 'tcp', flags: ['SYN'] },
        { direction: 'in', protocol: v4 ? 'icmp' : 'icmpv6', icmp: { type: v4 ? 3 : 1, about } },
      ]);
      // The port of the host itself is closed; another port is not watched.
      const udp = watch(server, scope, { protocol: 'udp', addresses: [address], ports: [7] });
      for (const port of [7, 8]) await probe(client, { protocol: 'udp', address, port, timeoutMs });
      t.match(udp.stop(), [
        { direction: 'in', protocol: 'udp', destinationPort: 7 },
        { direction: 'out', icmp: { about: { destinationPort: 7, protocol: 'udp' } } },
      ]);
      const ping = watch(client, scope, { protocol: v4 ? 'icmp' : 'icmpv6', addresses: [address] });
      await probe(client, { protocol: 'icmp', address, size: 1_400, timeoutMs });
      t.match(ping.stop(), [
        { direction: 'out', icmp: { echo: {} } },
        { direction: 'in', icmp: { mtu: 1_300, about: { destination: address } } },
      ]);
    }
  });

  await part(
    'loopback shows a packet twice; a link that is made later is seen, one that is gone has no name',
    async (t, scope) => {
      const [one, two] = [await scopedNetns(scope), await scopedNetns(scope)];
      const seen = watch(one, scope, { protocol: 'udp', addresses: ['127.0.0.1', '192.0.2.20'], ports: [9] });
      await probe(one, { protocol: 'udp', address: '127.0.0.1', port: 9, timeoutMs });
      await connect(
        { netns: one, link: 'later', address: '192.0.2.10/24' },
        { netns: two, link: 'later', address: '192.0.2.20/24' },
      );
      await probe(one, { protocol: 'udp', address: '192.0.2.20', port: 9, timeoutMs });
      await one.run('ip', 'link', 'delete', 'later');
      const sightings = seen.stop();
      t.match(
        sightings.map(({ link, direction, protocol }) => `${link} ${direction} ${protocol}`),
        ['lo out udp', 'lo in udp', 'lo out icmp', 'lo in icmp', /^#\d+ out udp$/, /^#\d+ in icmp$/],
      );
    },
  );

  await part('a bounded number, and what is missing is counted', async (t, scope) => {
    const netns = await scopedNetns(scope);
    // Otherwise the kernel limits how many ICMP errors it sends.
    await netns.run('sysctl', '-qw', 'net.ipv4.icmp_ratemask=0');
    const filter: SightingFilter = { protocol: 'udp', addresses: ['127.0.0.1'], ports: [9] };
    const send = (sourcePort: number) =>
      probe(netns, { protocol: 'udp', address: '127.0.0.1', port: 9, sourcePort, timeoutMs });
    // Each probe is four packets: a datagram and an ICMP error, out and in.
    const few = watch(netns, scope, filter, 6);
    for (const port of [1_001, 1_002, 1_003]) await send(port);
    t.equal(few.count(), 6);
    t.equal(few.lost(), 6);
    t.strictSame(
      few.stop().map((each) => each.sourcePort ?? each.icmp?.about?.sourcePort),
      [1_001, 1_001, 1_001, 1_001, 1_002, 1_002],
      'the first ones',
    );
    t.equal(few.lost(), 6, 'after the end');
    // The kernel has room for 128 packets, the smallest ring.
    const full = watch(netns, scope, filter, 100);
    for (let i = 1; i <= 40; i++) await send(2_000 + i);
    t.equal(full.lost(), 60);
    t.equal(full.count(), 100);
    // count() makes room, so a long watch of few packets loses none.
    const long = watch(netns, scope, filter, 300);
    for (let i = 1; i <= 70; i++) {
      await send(3_000 + i);
      t.equal(long.count(), i * 4);
    }
    t.equal(long.lost(), 0);
    t.equal(new Set(long.stop().map((each) => each.sourcePort ?? each.icmp?.about?.sourcePort)).size, 70);
  });

  await part('a watch with the largest filter; many watches one after the other; errors', async (t, scope) => {
    const netns = await scopedNetns(scope);
    // Linux before 6.7 has this limit for all namespaces, newer kernels 128 KiB.
    await netns.run('sysctl', '-qw', 'net.core.optmem_max=20480').catch(() => {});
    const addresses = Array.from({ length: 64 }, (_, i) =>
      i === 63 ? '127.0.0.1' : i % 2 ? `240.0.0.${i}` : `fd00::ff00:${i}`,
    );
    const ports = Array.from({ length: 64 }, (_, i) => i + 1);
    for (let i = 0; i < 60; i++) {
      const large = watchPackets(netns, { filter: { protocol: 'udp', addresses, ports } });
      if (i % 20 === 0) await probe(netns, { protocol: 'udp', address: '127.0.0.1', port: 9, timeoutMs });
      t.equal(large.stop().length, i % 20 === 0 ? 4 : 0);
    }
    const filter: SightingFilter = { protocol: 'tcp', addresses: ['127.0.0.1'] };
    for (const maxPackets of [0, 20_001, 1.5]) {
      t.throws(() => watchPackets(netns, { filter, maxPackets }), { code: 'BadRequest' });
    }
    t.throws(() => watchPackets(netns, { filter: { ...filter, addresses: [] } }), { code: 'BadRequest' });
    const gone = await createNetns();
    await gone.teardown();
    t.throws(() => watchPackets(gone, { filter }), { code: 'NotFound' });
  });
});
