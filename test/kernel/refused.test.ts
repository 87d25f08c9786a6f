// Whose packets the rules of a node stop, on a real node's network with the real compiler of policies: by sender, port and side, and nothing is
// changed.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { networkPolicies } from '../../controlplane/api';
import type { Family } from '../../controlplane/base/cidr';
import { Scope } from '../../controlplane/base/scope';
import type { NodeTrafficStatus, RefusedFlow } from '../../controlplane/base/traffic';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { inNetns } from '../../dataplane/netns/named';
import { NftProgram } from '../../dataplane/nftables/nft';
import { listedRules } from '../../dataplane/path/listed-rules';
import { writerOf } from '../../dataplane/path/writers';
import { probe } from '../../dataplane/probe/probe';
import { foreignRules } from '../../dataplane/rules-diff/foreign';
import { TrafficCollector } from '../../dataplane/traffic/collector';
import { removeWatch } from '../../dataplane/traffic/refusal-watch';
import { maxArrived } from '../../dataplane/traffic/watch-table';
import { skipWithoutKernel, type TestNetns } from '../lib/netns';
import { policy } from '../lib/policy-fixture';
import { type Enforcement, type Place, type PodName, PolicyLab } from '../lib/policy-lab';
import { settled } from '../lib/policy-settled';
import { NetnsExec } from '../lib/service-lab';

t.setTimeout(300_000);
const exec = new SystemExec();
const outside6 = 'fd00:57::1';
const node6 = 'fd00:57::11';
const service = '10.96.0.10';

async function open(scope: Scope) {
  const lab = await PolicyLab.open(scope, [4, 6]);
  const { n1, outside } = lab.at;
  await outside.run('ip', 'address', 'add', `${outside6}/64`, 'dev', 'eth0', 'nodad');
  await n1.run('ip', 'address', 'add', `${node6}/64`, 'dev', 'eth0', 'nodad');
  await outside.run('ip', 'route', 'add', 'fd00:244:1::/64', 'via', node6);
  const enforcing = { n1: lab.enforce('n1'), n2: lab.enforce('n2') };
  const of = (name: PodName, family: Family) =>
    lab.pods.get(name)!.ips.find((ip) => ip.includes(':') === (family === 6))!;
  await exec.run(inNetns(n1, ['nft', '-f', '-']), {
    input: `table ip mine {
      chain translate { ip daddr ${service} tcp dport 8080 dnat to ${of('x/a', 4)}:80; }
      chain pre { type nat hook prerouting priority dstnat; policy accept; jump translate; }
      chain out { type nat hook output priority -100; policy accept; jump translate; }
    }`,
  });
  return { lab, enforcing, of };
}

const policies = [
  policy('x', 'web', {
    podSelector: { matchLabels: { pod: 'a' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'c' } } }], ports: [{ protocol: 'TCP', port: 80 }] }],
  }),
  policy('y', 'out', {
    podSelector: { matchLabels: { pod: 'b' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ namespaceSelector: { matchLabels: { ns: 'z' } } }] }],
  }),
];

async function enforce(lab: PolicyLab, enforcing: Record<'n1' | 'n2', Enforcement>): Promise<void> {
  for (const one of policies) await lab.client.create(networkPolicies, one);
  await settled(lab, enforcing);
}

/** Reads each part each time: nothing costs CPU time here. */
const collectorOf = (node: TestNetns): TrafficCollector =>
  new TrafficCollector({
    id: 'test',
    netns: node,
    exec: new NetnsExec(node),
    clock: { now: () => Date.now(), elapsed: () => performance.now() },
    cpuMs: () => 0,
    requests: async () => [],
    startedMs: performance.now(),
  });

const tables = (node: TestNetns): Promise<string> => node.run('nft', 'list', 'tables');

const quiet = ({ refused, problems }: NodeTrafficStatus) => [refused, problems];

type Wanted = Pick<RefusedFlow, 'protocol' | 'source' | 'destination' | 'direction'> & Partial<RefusedFlow>;
const find = ({ refused }: NodeTrafficStatus, wanted: Wanted): RefusedFlow | undefined =>
  refused.find((one) =>
    (['protocol', 'source', 'destination', 'direction', 'port', 'backend'] as const).every((k) => one[k] === wanted[k]),
  );

/** Tries until the collector has it, and gives up then. */
async function refuse(
  collector: TrafficCollector,
  attempt: (signal: AbortSignal) => Promise<unknown>,
  wanted: Wanted,
): Promise<RefusedFlow> {
  const stop = new AbortController();
  let end: Error | undefined;
  const failed = attempt(stop.signal).then(
    () => {
      end = new Error('it was let through');
    },
    (error: unknown) => {
      if (!stop.signal.aborted) end = error as Error;
    },
  );
  for (;;) {
    const found = find(await collector.read([]), wanted);
    if (end) throw end;
    if (!found) continue;
    stop.abort(new Error('enough'));
    await failed;
    return found;
  }
}

t.test('who is refused', { skip: skipWithoutKernel() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const { lab, enforcing, of } = await open(scope);
  const node = lab.at.n1;
  const collector = collectorOf(node);
  const live = new AbortController().signal;

  t.same(quiet(await collector.read([])), [[], []]);
  await t.test('what a receiver resets, because nothing listens there: also without policies', async (t) => {
    const resets = collectorOf(node);
    t.same((await resets.read([])).refused, []);
    t.notMatch(await node.run('nft', 'list', 'table', 'inet', 'k8ts-watch'), /left|entered/);
    const closed = (to: string) => t.rejects(lab.ask('outside', to, 9999, live), to);
    for (let i = 0; i < 3; i++) await closed(of('x/a', 4));
    await closed(of('x/a', 6));
    t.match(await lab.ask('outside', of('x/a', 4), 80, live), /^x\/a/, 'a connection that works');
    const side = { protocol: 'tcp', port: 9999, by: 'receiver' };
    t.same((await resets.read([])).refused, [
      { ...side, source: lab.ipOf('outside'), destination: of('x/a', 4), packets: 3 },
      { ...side, source: outside6, destination: of('x/a', 6), packets: 1 },
    ]);
    for (const family of [4, 6] as const) {
      const source = family === 4 ? lab.ipOf('outside') : outside6;
      const to = of('x/a', family);
      const asks = (signal: AbortSignal) => lab.askUdp('outside', to, 9999, signal);
      const wanted = { protocol: 'udp', source, destination: to, port: 9999 } as const;
      t.match(await refuse(resets, asks, wanted), { by: 'receiver' });
    }
    await resets.close();
    t.notMatch(await tables(node), /k8ts-watch/);
  });
  await t.test('what a rule of another program stops: with and without policies', (t) => byForeignRules(t, lab, of));
  await enforce(lab, enforcing);
  await t.test('the same with policies', (t) => byForeignRules(t, lab, of));
  t.same(quiet(await collector.read([])), [[], []]);
  t.match(await tables(node), /k8ts-watch/);

  const asks = (from: Place, to: string, port: number) => (signal: AbortSignal) => lab.ask(from, to, port, signal);
  await t.test('who is allowed is not listed', async (t) => {
    for (const family of [4, 6] as const) {
      t.match(await lab.ask('x/c', of('x/a', family), 80, live), /^x\/a/);
      t.match(await lab.ask('y/b', of('z/a', family), 80, live), /^z\/a/);
      t.match(await lab.ask('outside', of('x/c', family), 80, live), /^x\/c/);
    }
    t.match(await lab.askUdp('y/b', of('z/a', 4), 80, live), /^z\/a/);
    t.same((await collector.read([])).refused, []);
  });

  await t.test('at the receiver', async (t) => {
    const side = { protocol: 'tcp', direction: 'ingress' } as const;
    for (const family of [4, 6] as const) {
      const to = of('x/a', family);
      const ends = (from: PodName, port: number) => ({ ...side, source: of(from, family), destination: to, port });
      t.match(await refuse(collector, asks('z/a', to, 80), ends('z/a', 80)), { policies: ['x/web'] });
      t.match(await refuse(collector, asks('x/c', to, 81), ends('x/c', 81)), { policies: ['x/web'] });
      const from = family === 4 ? lab.ipOf('outside') : outside6;
      await refuse(collector, asks('outside', to, 80), { ...side, source: from, destination: to, port: 80 });
    }
  });

  await t.test('at the sender', async (t) => {
    const side = { protocol: 'tcp', direction: 'egress' } as const;
    for (const family of [4, 6] as const) {
      const ends = { source: of('y/b', family), destination: of('x/c', family), port: 80 };
      const found = await refuse(collector, asks('y/b', ends.destination, 80), { ...side, ...ends });
      t.match(found, { policies: ['y/out'] });
    }
    const ends = { source: of('y/b', 4), destination: lab.ipOf('outside'), port: 443 };
    await refuse(collector, asks('y/b', ends.destination, 443), { ...side, ...ends });
    const udp = { source: of('y/b', 4), destination: of('x/b', 4), port: 81 };
    await refuse(collector, (signal) => lab.askUdp('y/b', udp.destination, 81, signal), {
      ...side,
      ...udp,
      protocol: 'udp',
    });
  });

  await t.test('a ping, and a Service as its client wrote it', async (t) => {
    for (const family of [4, 6] as const) {
      const ends = { source: of('z/c', family), destination: of('x/a', family) };
      const ping = async (signal: AbortSignal) => {
        const { outcome } = await probe(
          lab.netnsOf('z/c'),
          { protocol: 'icmp', address: ends.destination, timeoutMs: 5_000 },
          signal,
        );
        throw new Error(outcome);
      };
      await refuse(collector, ping, { protocol: 'icmp', direction: 'ingress', ...ends });
    }
    const found = await refuse(collector, asks('z/c', service, 8080), {
      ...{ protocol: 'tcp', direction: 'ingress', source: of('z/c', 4), destination: service },
      ...{ backend: of('x/a', 4), port: 80 },
    });
    t.match(found, { policies: ['x/web'] });
    t.equal(await lab.ask('x/c', service, 8080, live), `x/a ${of('x/c', 4)}`);
  });

  await t.test('as many packets as the rules have dropped', async (t) => {
    const { refused, stopped, problems } = await collector.read([]);
    const sumOf = (all: readonly { readonly direction?: string; readonly packets: number }[], direction: string) =>
      all.reduce((sum, one) => sum + (one.direction === direction ? one.packets : 0), 0);
    t.equal(sumOf(refused, 'ingress'), sumOf(stopped, 'ingress'));
    // The bridge shows neighbour discovery to the rules as well, which connection tracking does not know.
    t.ok(sumOf(refused, 'egress') <= sumOf(stopped, 'egress'));
    t.same(problems, []);
    t.notOk(refused.some(({ source, port }) => source === of('x/c', 4) && port === 80));
  });

  await t.test('the table is known as ours', async (t) => {
    const listing = await node.run('nft', '-n', '-s', '-t', 'list', 'ruleset');
    const { chains, notes } = foreignRules([], listing);
    t.notOk(chains.some(({ table }) => table.includes('k8ts-watch')));
    t.same(notes, []);
    const rules = listedRules({ nft: listing }).rules.filter(({ table }) => table === 'inet k8ts-watch');
    t.ok(rules.length > 0);
    for (const rule of rules) t.match(writerOf(rule), /reader of traffic of k8ts/);
  });

  await t.test('full sets lose what they would have told, and nothing else', async (t) => {
    // The receiver refuses by itself what comes to its closed ports.
    const byRules = async () => (await collector.read([])).refused.filter(({ by }) => by !== 'receiver').length;
    const before = await byRules();
    const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
    const bound = once(socket, 'listening');
    lab.netnsOf('z/c').enter(() => socket.bind(0, '0.0.0.0'));
    await bound;
    socket.on('error', () => {});
    for (let port = 1_000; port < 1_000 + 5 * maxArrived; port++) {
      await new Promise((done) => socket.send('x', port, of('x/c', 4), done));
    }
    socket.close();
    const { problems } = await collector.read([]);
    t.match(problems, [/^more than 4096 pairs of ends/]);
    t.equal(await byRules(), before, 'who was let through is not listed');
    t.match(await lab.ask('outside', of('x/c', 4), 81, live), /^x\/c/);
    t.match(await lab.ask('x/c', of('x/a', 4), 80, live), /^x\/a/);
    const stopped = async () =>
      (await collector.read([])).stopped.reduce((n, { packets, cause }) => n + (cause === 'policy' ? packets : 0), 0);
    const packets = await stopped();
    const stop = new AbortController();
    const attempt = lab.ask('outside', of('x/a', 4), 82, stop.signal);
    attempt.catch(() => {});
    while ((await stopped()) === packets);
    stop.abort(new Error('enough'));
    await t.rejects(attempt, 'it is dropped');
    t.equal(await byRules(), before, 'and not seen');
  });

  await t.test('the table of a collector that was killed is replaced, and goes with the last one', async (t) => {
    const other = collectorOf(node);
    t.same((await other.read([])).refused, [], 'its own counts begin');
    const ends = { source: of('z/a', 4), destination: of('x/a', 4), port: 80 };
    await refuse(other, asks('z/a', ends.destination, 80), { protocol: 'tcp', direction: 'ingress', ...ends });
    await other.close();
    t.notMatch(await tables(node), /k8ts-watch/);
    await collector.read([]);
    t.match(await tables(node), /k8ts-watch/, 'one that goes on makes it again');
    await removeWatch(node, new NftProgram(new NetnsExec(node)));
    t.notMatch(await tables(node), /k8ts-watch/, 'as the kubelet does it for one that was killed');
    await removeWatch(node, new NftProgram(new NetnsExec(node)));
    await collector.read([]);
    for (const { metadata } of policies) {
      await lab.client.delete(networkPolicies, `${metadata?.namespace}/${metadata?.name}`);
    }
    await settled(lab, enforcing);
    await collector.read([]);
    t.notMatch(
      await node.run('nft', 'list', 'table', 'inet', 'k8ts-watch'),
      /entered/,
      'no policy, no counting around it',
    );
    await collector.close();
    t.notMatch(await tables(node), /k8ts-watch/);
  });
});

const foreign = `table inet other {
  chain forward { type filter hook forward priority filter; policy accept; tcp dport 7001 counter drop; }
  chain input { type filter hook input priority mangle; policy accept; tcp dport 7002 counter drop; }
  chain output { type filter hook output priority filter; policy accept; tcp dport 7003 counter reject; }
}`;

async function byForeignRules(t: Test, lab: PolicyLab, of: (name: PodName, family: Family) => string): Promise<void> {
  const node = lab.at.n1;
  const collector = collectorOf(node);
  t.same((await collector.read([])).refused, []);
  await exec.run(inNetns(node, ['nft', '-f', '-']), { input: foreign });
  t.teardown(() => node.run('nft', 'delete', 'table', 'inet', 'other'));
  const live = new AbortController().signal;
  const asks = (from: Place, to: string, port: number) => (signal: AbortSignal) => lab.ask(from, to, port, signal);
  const tcp = (source: string, destination: string, port: number) =>
    ({ protocol: 'tcp', source, destination, port }) as const;
  const rule = (chain: string, text: string) => ({ by: 'rule', rule: `nft inet other ${chain}: ${text}` });

  for (const family of [4, 6] as const) {
    const to = of('x/c', family);
    const found = await refuse(collector, asks('z/c', to, 7001), tcp(of('z/c', family), to, 7001));
    t.match(found, rule('forward', 'tcp dport 7001 drop'));
    const from = family === 4 ? lab.ipOf('outside') : outside6;
    const self = family === 4 ? lab.ipOf('n1') : node6;
    const input = await refuse(collector, asks('outside', self, 7002), tcp(from, self, 7002));
    t.match(input, rule('input', 'tcp dport 7002 drop'));
  }
  await t.rejects(lab.ask('n1', of('x/c', 4), 7003, live));
  const own = (await collector.read([])).refused.find(({ port }) => port === 7003);
  t.match(own, { ...rule('output', 'tcp dport 7003 reject'), destination: of('x/c', 4) });

  const { refused, stopped, problems } = await collector.read([]);
  const sumOf = (all: readonly { readonly packets: number }[]) => all.reduce((sum, { packets }) => sum + packets, 0);
  const byRule = (text: string) => sumOf(refused.filter((one) => one.rule?.includes(text)));
  for (const one of stopped.filter(({ rule }) => rule.includes('inet other')))
    t.equal(byRule(one.rule), one.packets, one.rule);
  t.match(
    await lab.ask('n1', service, 8080, live),
    /^x\/a/,
    'a Service changes the destination, and nothing is refused',
  );
  t.match(await lab.ask('n1', of('x/c', 4), 80, live), /^x\/c/);
  t.notOk((await collector.read([])).refused.some(({ port }) => port === 80));
  t.same(problems, []);
  await collector.close();
}
