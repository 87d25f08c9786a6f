// What a node says of packets that pass, and of those that a program does not take, in a real kernel.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HopAnswer, HopQuestion } from '../../controlplane/base/hops';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { connectInNetns } from '../../dataplane/netns/connect';
import { inNetns } from '../../dataplane/netns/named';
import { added, type Case, ip, testCases, wrong } from '../lib/hop-cases';
import { type HopsLab, ways } from '../lib/hops-lab';
import { scopedNetns, withScope } from '../lib/pod-lab';
import { listenWithoutAccept } from '../lib/probe-lab';

/** A Service by hand: its address leads to one endpoint. */
const service = (to: string) => [
  added('iptables', `PREROUTING -t nat -d 10.96.0.10 -p tcp --dport 80 -j DNAT --to-destination ${to}:8080`),
  added('iptables', `POSTROUTING -t nat -s ${to} -d ${to} -j MASQUERADE`),
];
const hairpin = (now: 'on' | 'off', after: 'on' | 'off') =>
  ip('node', `link set vetha type bridge_slave hairpin ${now}`, `link set vetha type bridge_slave hairpin ${after}`);

const cases: readonly Case[] = [
  {
    name: 'a pod that reaches itself by its Service, and a bridge that sends no frame back',
    way: 'service',
    given: [hairpin('on', 'off'), ...service('10.244.1.5')],
    breaks: [hairpin('off', 'on')],
    code: 'HairpinOff',
    remedy: /bridge link set dev vetha hairpin on/,
  },
  {
    name: 'a Service whose endpoint is gone',
    way: 'service',
    given: [added('iptables', 'PREROUTING -t nat -d 10.96.0.10 -p tcp -j DNAT --to-destination 10.244.1.6:8080')],
    breaks: [
      [
        'node',
        'iptables -t nat -I PREROUTING -d 10.96.0.10 -p tcp -j DNAT --to-destination 10.244.1.77:8080',
        'iptables -t nat -D PREROUTING 1',
      ],
    ],
    code: 'NobodyThere',
    says: /no pod of node worker has the address 10\.244\.1\.77/,
  },
  {
    name: "the kubelet's check of a pod's addresses",
    way: 'pods',
    breaks: [
      ['node', 'nft add table bridge k8ts-pod-sources', 'nft delete table bridge k8ts-pod-sources'],
      [
        'node',
        'nft add chain bridge k8ts-pod-sources check { type filter hook prerouting priority -300; policy accept; }',
        'true',
      ],
      ['node', 'nft add rule bridge k8ts-pod-sources check iifname vetha ip saddr != 10.244.1.9 drop', 'true'],
    ],
    code: 'SourceNotOfPod',
  },
];

const endOf = ({ end, hops }: HopAnswer): string =>
  end.kind === 'machine'
    ? `${end.machine} by ${end.link}${end.tunnel ? ' in a tunnel' : ''}`
    : `${end.kind} after ${hops.length}`;
const namesOf = ({ hops }: HopAnswer) => hops.map(({ name }) => name);

testCases('hops', cases, async (t, lab) => {
  await t.test('the hops of healthy ways, in order', async (t) => {
    const expected: Readonly<Record<string, string | RegExp>> = {
      pods: /^pod/,
      pods6: /^pod/,
      near: '192.0.2.2 by eth0',
      near6: '2001:db8::2 by eth0',
      far: '198.51.100.2 by eth0 in a tunnel',
      service: '192.0.2.2 by eth0',
      fromNode: '192.0.2.2 by eth0',
      nodeToPod: /^pod/,
      nodeToPod6: /^pod/,
      podToNode: /^node/,
      toNode: /^node/,
      toNode6: /^node/,
      outside: /^pod/,
      outside6: /^pod/,
      fromFar: /^pod/,
    };
    for (const [name, question] of Object.entries<HopQuestion>(ways)) {
      const answer = await lab.ask(question);
      t.strictSame(wrong(answer), [], name);
      t.match(endOf(answer), expected[name], name);
    }
    t.strictSame(namesOf(await lab.ask(ways.pods)), [
      'eth0 of pod shop/a',
      'routing of pod shop/a',
      'vetha',
      'routing',
      'neighbour 10.244.1.6 on cni0',
      'vethb',
      'eth0 of pod shop/b',
      'tcp port 8080 of pod shop/b',
    ]);
    t.strictSame(namesOf(await lab.ask(ways.fromFar)), [
      'eth0',
      'tunnel from 198.51.100.2',
      'k8ts-vxlan',
      'routing',
      'neighbour 10.244.1.6 on cni0',
      'vethb',
      'eth0 of pod shop/b',
      'tcp port 8080 of pod shop/b',
    ]);
    t.match(await lab.ask(ways.fromNode), { sent: { source: '192.0.2.1' }, packet: { source: '192.0.2.1' } });
    t.match(await lab.ask(ways.nodeToPod6), { sent: { source: 'fd00:244:1::1' } });
    const { links } = await lab.ask(ways.near);
    t.match(
      links.find(({ name }) => name === 'eth0'),
      { mac: /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, mtu: 1500 },
    );
  });

  await t.test('translation, and its answer', (t) =>
    withScope(async (scope) => {
      const rules = [
        ...service('10.244.2.7'),
        added('iptables', 'POSTROUTING -t nat -o eth0 -s 10.244.1.0/24 -p tcp -j MASQUERADE'),
      ];
      for (const [place, now, after] of rules) {
        await lab.run(place, now);
        scope.defer(() => lab.run(place, after));
      }
      const asked = await lab.ask(ways.service);
      t.strictSame(wrong(asked), []);
      const dnat = asked.hops.find(({ name }) => name === 'prerouting');
      t.match(dnat, { becomes: { source: '10.244.1.5', destination: '10.244.2.7', destinationPort: 8080 } });
      t.match(dnat?.rules, [{ place: 'nat PREROUTING:1', verdict: 'dnat', packets: 0 }]);
      t.match(asked.packet, { source: '192.0.2.1', destination: '10.244.2.7', destinationPort: 8080 });
      const answered = await lab.ask({
        from: ways.outside.from,
        packet: {
          protocol: 'tcp',
          source: '10.244.2.7',
          sourcePort: 8080,
          destination: '192.0.2.1',
          destinationPort: 40_000,
        },
        answer: { destination: { address: '10.244.1.5', port: 40_000 }, source: { address: '10.96.0.10', port: 80 } },
      });
      t.strictSame(wrong(answered), []);
      t.strictSame(answered.end, { kind: 'pod', pod: 'shop/a' });
      const back = { source: '10.96.0.10', sourcePort: 80, destination: '10.244.1.5', destinationPort: 40_000 };
      t.match(answered.packet, back);
      t.notOk(
        answered.hops.some(({ kind }) => kind === 'socket'),
        'the sender waits for it',
      );
    }),
  );

  await t.test('programs', (t) =>
    withScope(async (scope) => {
      const at = (destination: string, destinationPort: number, protocol: 'tcp' | 'udp' = 'tcp') =>
        lab.ask({ from: ways.pods.from, packet: { protocol, source: '', destination, destinationPort } });
      for (const address of ['10.244.1.6', 'fd00:244:1::6', '192.0.2.1']) {
        const none = await at(address, 9);
        t.match(none.hops.at(-1), {
          kind: 'socket',
          state: 'stops',
          fault: { code: 'NothingListens', message: /8080$/ },
        });
        t.strictSame(none.end, { kind: 'stopped' });
        t.match((await at(address, 8080, 'udp')).hops.at(-1)?.fault, { code: 'NothingListens' });
      }
      for (const [address, port, pods] of [
        ['127.0.0.1', 8081, '10.244.1.6'],
        ['::1', 8082, 'fd00:244:1::6'],
      ] as const) {
        listenWithoutAccept(lab.at.b, { address, port }, scope);
        t.match((await at(pods, port)).hops.at(-1)?.fault, { code: 'ListensOnLoopback' });
      }
      await lab.run('b', 'sysctl -qw net.ipv6.bindv6only=1');
      listenWithoutAccept(lab.at.b, { address: '::', port: 8085 }, scope);
      await lab.run('b', 'sysctl -qw net.ipv6.bindv6only=0');
      t.strictSame(wrong(await at('fd00:244:1::6', 8085)), []);
      t.match((await at('10.244.1.6', 8085)).hops.at(-1)?.fault, { code: 'NothingListens', message: /without IPv4/ });
      for (const [address, port] of [
        ['10.244.1.6', 8083],
        ['fd00:244:1::6', 8084],
      ] as const) {
        listenWithoutAccept(lab.at.b, { address, port, backlog: 16 }, scope);
        t.strictSame(wrong(await at(address, port)), []);
        for (let i = 0; i < 9; i++) {
          const socket = await connectInNetns(lab.at.a, { host: address, port });
          scope.defer(() => void socket.destroy());
        }
        const slow = await at(address, port);
        t.match(wrong(slow), [{ state: 'doubtful', fault: { code: 'SlowAccept', message: /: 9 wait at port/ } }]);
        t.strictSame(slow.end, { kind: 'pod', pod: 'shop/b' });
      }
    }),
  );

  await t.test('a wire whose other end is in a third namespace', (t) =>
    withScope(async (scope) => {
      const third = await scopedNetns(scope);
      const index = Number(JSON.parse(await lab.at.node.run('ip', '-json', 'link', 'show', 'vetha'))[0].ifindex);
      t.strictSame(wrong(await lab.ask(ways.near)), []);
      await lab.run('node', `ip link set vetha netns ${third.name}`);
      // Another link of the node has its number.
      await lab.run('node', `ip link add other index ${index} type bridge`, 'ip link set other up');
      scope.defer(async () => {
        await lab.run('node', 'ip link del other');
        await third.run('ip', 'link', 'set', 'vetha', 'netns', lab.at.node.name);
        await lab.run('node', 'ip link set vetha master cni0 up');
      });
      await third.run('ip', 'link', 'set', 'vetha', 'up');
      t.match(wrong(await lab.ask(ways.near)), [{ state: 'stops', fault: { code: 'WireMissing' } }]);
      t.match(wrong(await lab.ask(ways.near)).length, 1);
    }),
  );

  await t.test('rules with words that the tracer does not know', (t) => unknownRules(t, lab));

  await t.test('more rules inside a pod than are followed', async (t) => {
    const addresses = Array.from({ length: 150_000 }, (_, i) => `11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    await new SystemExec().run(inNetns(lab.at.b, ['nft', '-f', '-']), {
      input: `table inet other {
        set many { type ipv4_addr; elements = { ${addresses.join(',')} }; }
        chain in { type filter hook input priority 0; ip saddr @many drop; }
      }`,
    });
    const [found, ...more] = wrong(await lab.ask(ways.pods));
    t.match(found, { name: 'rules of pod shop/b', state: 'unknown', facts: [/more than 2097152 bytes of rules/] });
    t.strictSame(more, []);
    await lab.run('b', 'nft delete table inet other');
    t.strictSame(wrong(await lab.ask(ways.pods)), []);
  });

  await t.test('UDP flows that connection tracking knows', async (t) => {
    const flow = '-I -p udp -s 10.244.1.5 -d 10.96.0.10 --sport 5353 --dport 53 -r 10.244.1.6 -q 10.244.1.5'.split(' ');
    const packet = { protocol: 'udp', source: '', destination: '10.96.0.10', destinationPort: 53 } as const;
    t.equal((await lab.ask({ from: ways.pods.from, packet })).flows, undefined);
    await lab.at.node.run('conntrack', ...flow, '--reply-port-src', '1053', '--reply-port-dst', '5353', '-t', '60');
    const flow6 =
      '-I -p udp -s fd00:244:1::5 -d fd00:96::a --sport 5354 --dport 53 -r fd00:244:1::6 -q fd00:244:1::5'.split(' ');
    await lab.at.node.run('conntrack', ...flow6, '--reply-port-src', '1053', '--reply-port-dst', '5354', '-t', '60');
    t.strictSame((await lab.ask({ from: ways.pods.from, packet })).flows, [
      { sourcePort: 5353, to: '10.244.1.6:1053' },
    ]);
    const six = await lab.ask({ from: ways.pods.from, packet: { ...packet, destination: 'fd00:96::a' } });
    t.strictSame(six.flows, [{ sourcePort: 5354, to: '[fd00:244:1::6]:1053' }]);
    const other = await lab.ask({ from: ways.pods.from, packet: { ...packet, destinationPort: 54 } });
    t.equal(other.flows, undefined);
  });

  await t.test('resolv.conf of the sender', async (t) => {
    const resolvConf = join(t.testdir(), 'resolv.conf');
    const hosts = join(t.testdir(), 'hosts');
    const pods = lab.pods.map((pod) => ({ ...pod, resolvConf, hosts }));
    t.equal((await lab.ask(ways.pods, pods)).resolver, undefined, 'the file is missing');
    writeFileSync(
      resolvConf,
      'search shop.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
    );
    t.strictSame((await lab.ask(ways.pods, pods)).resolver, {
      servers: ['10.96.0.10'],
      search: ['shop.svc.cluster.local', 'svc.cluster.local'],
      ndots: 5,
    });
    writeFileSync(hosts, '# by the kubelet\n127.0.0.1\tlocalhost\n10.9.9.9 far far.shop # an alias\n');
    t.strictSame((await lab.ask(ways.pods, pods)).resolver?.hosts, [
      { address: '127.0.0.1', names: ['localhost'] },
      { address: '10.9.9.9', names: ['far', 'far.shop'] },
    ]);
    writeFileSync(resolvConf, `search a.b\n${'#'.repeat(200_000)}\nsearch c.d\n`);
    t.same((await lab.ask(ways.pods, pods)).resolver?.search, ['a.b'], 'a long file is not read to its end');
  });

  await t.test('questions that no packet fits', async (t) => {
    await t.rejects(lab.ask({ ...ways.pods, from: { kind: 'pod', pod: 'shop/gone' } }), /it does not run there/);
    await t.rejects(
      lab.ask({ ...ways.outside, packet: { ...ways.outside.packet, destination: 'fd00::1' } }),
      /two families/,
    );
  });

  await t.test('the command that the kubelet starts', async (t) => {
    const input = JSON.stringify({
      nodeName: 'worker',
      pods: lab.pods,
      questions: [ways.pods, { ...ways.pods, from: { kind: 'pod', pod: 'x/y' } }],
    });
    const root = join(__dirname, '..', '..');
    const argv = [process.execPath, '-r', 'ts-node/register/transpile-only', 'agents/k8ts/main.ts', 'hops'];
    const { stdout } = await new SystemExec().run(inNetns(lab.at.node, argv), { input, cwd: root });
    const { answers } = JSON.parse(stdout);
    t.strictSame(namesOf(answers[0]), namesOf(await lab.ask(ways.pods)));
    t.match(answers[1], { error: /pod x\/y has no network on node worker/ });
  });
});

async function unknownRules(
  t: Parameters<NonNullable<Parameters<typeof testCases>[2]>>[0],
  lab: HopsLab,
): Promise<void> {
  for (const [name, now, after] of [
    ['iptables', 'iptables -A FORWARD -m length --length 100:200 -j DROP', 'iptables -F FORWARD'],
    ['nftables', 'nft add rule inet other guard meta length 100-200 drop', 'true'],
  ] as const) {
    await withScope(async (scope) => {
      await lab.run(
        'node',
        'nft add table inet other',
        'nft add chain inet other guard { type filter hook forward priority 0; }',
      );
      scope.defer(() => lab.run('node', 'nft delete table inet other'));
      await lab.run('node', now);
      scope.defer(() => lab.run('node', after));
      for (const way of [ways.pods, ways.near]) {
        const answer = await lab.ask(way);
        t.match(
          wrong(answer),
          [{ kind: 'hook', state: 'doubtful', fault: { code: 'UnreadRule', message: /length/ } }],
          name,
        );
        t.not(answer.end.kind, 'stopped', 'the packet is followed all the same');
      }
      await lab.run('node', 'iptables -A FORWARD -j DROP');
      scope.defer(() => lab.run('node', 'iptables -F FORWARD'));
      const [stop] = wrong(await lab.ask(ways.pods)).filter(({ state }) => state === 'stops');
      t.match(stop, { fault: { code: 'ForeignRule' } }, 'it hides no other rule');
    });
  }
}
