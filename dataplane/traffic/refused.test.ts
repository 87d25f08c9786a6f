// Who was refused, from readings of sets that are not read at one moment.
import t from 'tap';
import { addressBytes } from '../../controlplane/base/cidr';
import type { StoppedTraffic } from '../../controlplane/base/traffic';
import { type Counts, idleMs, maxKept, maxRefused, RefusedFlows } from './refused';
import { flowOf, readElements } from './watch-elements';
import { stages } from './watch-table';

const keyOf = (source: string, receiver: string, destination = receiver, protocol = 6, port?: number): string =>
  Buffer.concat([
    ...[source, receiver, destination].map(addressBytes),
    Buffer.from([protocol, 0, 0, 0]),
    ...(port === undefined ? [] : [Buffer.from([port >> 8, port & 255, 0, 0])]),
  ]).toString('latin1');
const web = keyOf('10.0.0.1', '10.0.0.2', '10.0.0.2', 6, 80);
/** Before the policies, between them and behind them. */
const counts = (...sets: readonly (number | undefined)[]): Counts => allCounts(sets[0], ...sets);
const allCounts = (...sets: readonly (number | undefined)[]): Counts =>
  stages.map((_, i) => new Map(sets[i] === undefined ? [] : [[web, sets[i]]]));
const packets = (flows: RefusedFlows) =>
  flows.report([]).map(({ by, direction = by, packets }) => `${direction} ${packets}`);
const played = (...readings: readonly Counts[]): string[] => {
  const flows = new RefusedFlows();
  for (const [i, reading] of readings.entries()) flows.add(reading, false, i * 1_000);
  return packets(flows);
};

t.test('what came before the rules less what came out behind them', async (t) => {
  t.same(played(counts(3, 3, 3)), []);
  t.same(played(counts(3)), ['egress 3']);
  t.same(played(counts(3, 3)), ['ingress 3']);
  t.same(played(counts(3, 2, 1)), ['egress 1', 'ingress 1']);
  t.same(played(counts(3), counts(5)), ['egress 5']);
  t.same(played(counts(3), counts(5, 2, 2)), ['egress 3'], 'a policy that allows it has come');
});

t.test('a rule before the policies: of a Service, or of another program', async (t) => {
  t.same(played(allCounts(3)), ['rule 3']);
  t.same(played(allCounts(4, 3, 2, 2), allCounts(6, 3, 2, 2)), ['rule 3', 'egress 1']);
  t.same(played(allCounts(undefined, 1, 1, 1), allCounts(1, 2, 2, 2)), [], 'it passed between two readings');
});

t.test('a packet that passes between two readings is none that was refused', async (t) => {
  t.same(played(counts(3, 4, 5)), []);
  t.same(played(counts(3, 4, 5), counts(6, 6, 6)), []);
  t.same(played(counts(undefined, undefined, 1), counts(2, 1, 1)), ['egress 1']);
});

t.test('elements of later sets end while a client is refused, and begin at zero when it is let in again', async (t) => {
  const flows = new RefusedFlows();
  flows.add(counts(1, 1, 1), false, 0);
  for (let i = 1; i <= 60; i++) flows.add(counts(1 + i, 1 + i, i < 30 ? 1 : undefined), false, i * 2_000);
  t.same(packets(flows), ['ingress 60']);
  flows.add(counts(62, 62, 1), false, 122_000);
  t.same(packets(flows), ['ingress 60'], 'the packet that was let through is none that was refused');
});

t.test('an element that went and comes again begins at zero', async (t) => {
  t.same(played(counts(3), counts(1)), ['egress 4'], 'not seen while it was away');
  const flows = new RefusedFlows();
  flows.add(counts(3), false, 0);
  flows.add(counts(), false, 1_000);
  flows.add(counts(3), false, 2_000);
  t.same(packets(flows), ['egress 3'], 'a listing missed it');
  flows.add(counts(), false, 62_000);
  flows.add(counts(5, 5, 5), false, 63_000);
  t.same(packets(flows), ['egress 3'], 'allowed now');
  flows.restart();
  flows.add(counts(7, 1, 1), false, 64_000);
  t.same(packets(flows), ['egress 9'], 'the table was made again');
  flows.add(counts(), false, 64_001 + idleMs);
  t.same(packets(flows), [], 'forgotten');
});

t.test('a full set behind the rules: what is missing in it was not refused', async (t) => {
  const flows = new RefusedFlows();
  flows.add(counts(3), true, 0);
  flows.add(counts(5), false, 1);
  t.same(packets(flows), [], 'it may have been full until just now');
  flows.add(counts(6), false, 2);
  t.same(packets(flows), ['egress 1']);
});

t.test('bounds: the largest are reported, those that are quiet go', async (t) => {
  const flows = new RefusedFlows();
  const keys = Array.from({ length: maxKept + 10 }, (_, i) => keyOf('10.0.0.1', '10.0.0.2', '10.0.0.2', 6, i));
  const all = (some: readonly string[]): Counts =>
    stages.map((_, stage) => new Map(stage === 0 ? some.map((key, i) => [key, i + 1]) : []));
  flows.add(all(keys.slice(0, 10)), false, 0);
  flows.add(all(keys), false, 1);
  const report = flows.report([]);
  t.equal(report.length, maxRefused);
  t.match(report[0], { port: maxKept + 9, packets: maxKept + 10 });
  flows.add(all([]), false, 2);
  t.equal((flows as unknown as { flows: Map<string, unknown> }).flows.size, maxKept);
});

t.test('the policies are those whose rules have stopped packets of the pod', async (t) => {
  const flows = new RefusedFlows();
  const key = keyOf('10.0.0.1', '10.0.0.2', '10.96.0.1', 17, 53);
  flows.add(
    [3, 2, 1, 0].map((n) => new Map([[key, n]])),
    false,
    0,
  );
  const stopped = (direction: 'ingress' | 'egress', pod: string, policy: string): StoppedTraffic => ({
    ...{ verdict: 'drop', cause: 'policy', objects: [policy], direction, pods: [pod], rule: '', packets: 1, bytes: 1 },
  });
  const ends = { protocol: 'udp', source: '10.0.0.1', destination: '10.96.0.1', backend: '10.0.0.2', port: 53 };
  const rule = 'nft ip mine fwd: drop';
  const foreign: StoppedTraffic = {
    ...{ verdict: 'drop', cause: 'other', objects: [], pods: [], rule, packets: 1, bytes: 1 },
  };
  t.same(flows.report([stopped('ingress', '10.0.0.2', 'a/in'), stopped('egress', '10.0.0.2', 'a/out'), foreign]), [
    { ...ends, by: 'rule', packets: 1, rule },
    { ...ends, by: 'policy', direction: 'egress', packets: 1 },
    { ...ends, by: 'policy', direction: 'ingress', packets: 1, policies: ['a/in'] },
  ]);
});

t.test('keys of elements', async (t) => {
  t.same(flowOf(keyOf('fd00::1', 'fd00::2', 'fd00::3', 132, 8080)), {
    ...{ protocol: 'sctp', source: 'fd00::1', destination: 'fd00::3', backend: 'fd00::2', port: 8080 },
  });
  t.same(flowOf(keyOf('fd00::1', 'fd00::2', 'fd00::2', 58)), {
    ...{ protocol: 'icmp', source: 'fd00::1', destination: 'fd00::2' },
  });
  t.equal(flowOf(keyOf('10.0.0.1', '10.0.0.2', '10.0.0.2', 47)), undefined);
});

t.test('elements as the kernel lists them', async (t) => {
  const attr = (type: number, ...data: Buffer[]): Buffer => {
    const value = Buffer.concat(data);
    const out = Buffer.alloc((4 + value.length + 3) & ~3);
    out.writeUInt16LE(4 + value.length, 0);
    out.writeUInt16LE(type, 2);
    value.copy(out, 4);
    return out;
  };
  const nested = 0x8000;
  const number = (value: bigint) => {
    const out = Buffer.alloc(8);
    out.writeBigUInt64BE(value);
    return out;
  };
  const counter = [attr(1, Buffer.from('counter\0')), attr(2 | nested, attr(1, number(80n)), attr(2, number(7n)))];
  const element = (key: string, expression: Buffer) =>
    attr(1 | nested, attr(1 | nested, attr(1, Buffer.from(key, 'latin1'))), attr(4, number(60_000n)), expression);
  const message = (...elements: Buffer[]) =>
    Buffer.concat([Buffer.from([1, 0, 0, 0]), attr(1, Buffer.from('k8ts-watch\0')), attr(3 | nested, ...elements)]);
  const read = (bytes: Buffer) => {
    const found: [string, number][] = [];
    readElements(bytes, (key, packets) => found.push([key, packets]));
    return found;
  };
  const other = keyOf('10.0.0.1', '10.0.0.3', '10.0.0.3', 6, 80);
  t.same(
    read(
      message(
        element(web, attr(7 | nested, ...counter)),
        element(other, attr(11 | nested, attr(1 | nested, ...counter))),
      ),
    ),
    [
      [web, 7],
      [other, 7],
    ],
  );
  t.same(read(message(element(web, attr(6, Buffer.from('x'))))), [], 'without a counter');
  t.same(read(Buffer.from([1, 0, 0, 0])), []);
});
