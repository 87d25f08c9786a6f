import t from 'tap';
import { structureOf } from './boxes';
import type { Refused } from './refused';
import { drawnRows, maxRows, refusedAt, refusedRows, wholeMs } from './refused-rows';
import { shop, webBox } from './topology.fixture';

const flow = (source: string, packetsPerSecond: number, packets = 9): Refused => ({
  protocol: 'tcp',
  source,
  destination: '10.96.0.7',
  by: 'policy',
  direction: 'ingress',
  port: 80,
  packets,
  node: 'n1',
  from: `box-${source}`,
  to: 'web',
  packetsPerSecond,
});
const structure = structureOf(shop);
const at = (seconds: number, ...refused: readonly Refused[]) => ({ atMs: seconds * 1000, refused, structure });
const sources = (rows: readonly Refused[]) => rows.map(({ source }) => source);

t.test('rows stay at their place while their senders wait between two tries', async (t) => {
  const moments = [at(0, flow('a', 1)), at(2, flow('b', 5), flow('a', 0)), at(4, flow('a', 0, 10))];
  const rows = refusedRows(moments, at(6, flow('b', 2, 30), flow('a', 0, 10)));
  t.match(rows, [
    { source: 'a', lastMs: 0, packets: 10, packetsPerSecond: 0 },
    { source: 'b', lastMs: 6000, packets: 30, packetsPerSecond: 2 },
  ]);
  const later = refusedRows([...moments, at(61, flow('b', 1))], at(61, flow('b', 1)));
  t.strictSame(sources(later), ['b'], 'after a minute without packets a row goes');
});

t.test(
  'a moment of the past has the rows of its time; a flow that its node no longer lists keeps its count',
  async (t) => {
    const moments = [at(0, flow('a', 1, 7)), at(2), at(4, flow('b', 1))];
    t.match(refusedRows(moments, moments[1]!), [{ source: 'a', packets: 7, packetsPerSecond: 0 }]);
    t.equal(refusedRows(moments, moments[1]!).length, 1);
  },
);

t.test('the policies of a pod that is gone stay', async (t) => {
  const before = at(0, { ...flow('a', 1), policies: ['shop/deny'] });
  t.match(refusedRows([before], at(2, flow('a', 0))), [{ policies: ['shop/deny'], packetsPerSecond: 0 }]);
});

t.test('of many rows those seen last stay', async (t) => {
  const many = Array.from({ length: maxRows }, (_, i) => flow(`s${i}`, 1));
  const rows = refusedRows([at(0, flow('first', 1))], at(2, ...many));
  t.equal(rows.length, maxRows);
  t.notOk(sources(rows).includes('first'));
});

t.test('at a box also what was refused before the page looked', async (t) => {
  const rows = refusedRows([], at(2, flow('b', 1), flow('a', 0), flow('c', 1)));
  t.strictSame(sources(refusedAt('web', rows, [flow('a', 0), flow('b', 1)])), ['b', 'c', 'a']);
  t.strictSame(sources(refusedAt('box-a', rows, [flow('a', 0), flow('b', 1)])), ['a']);
});

t.test('for a box the rows of the whole timeline stay', async (t) => {
  const moments = [at(0, flow('a', 1)), at(100, flow('a', 0))];
  t.equal(refusedRows(moments, moments[1]!).length, 0);
  t.match(refusedRows(moments, moments[1]!, wholeMs), [{ source: 'a', lastMs: 0 }]);
});

t.test('an address is that of the pod that had it when the packets came', async (t) => {
  const moments = [at(0, flow('a', 1)), at(2, { ...flow('a', 0), to: 'unknown' })];
  const rows = refusedRows(moments, moments[1]!);
  t.match(rows, [{ from: 'box-a', to: 'web', found: { to: 'unknown' } }]);
  t.match(drawnRows(rows, new Set(['box-a', 'web'])), [{ to: 'web' }]);
  t.match(
    drawnRows(rows, new Set(['box-a', 'unknown'])),
    [{ to: 'unknown' }],
    'where its box is gone from the picture',
  );
  t.strictSame(drawnRows(rows, new Set(['box-a'])), []);
  const late = [at(0, { ...flow('a', 1), from: 'unknown' }), at(2, flow('a', 0))];
  t.match(refusedRows(late, late[1]!), [{ from: 'box-a' }], 'known later');
});

t.test('silence goes as soon as its reason is known', async (t) => {
  const moments = [at(0, { ...flow('a', 1), by: 'silence' }), at(2, flow('a', 1))];
  t.match(refusedRows(moments, moments[0]!), [{ by: 'silence' }]);
  const rows = refusedRows(moments, moments[1]!);
  t.equal(rows.length, 1);
  t.match(rows, [{ by: 'policy' }]);
});

t.test('a pod that is gone, and whose box is gone with it, keeps its name', async (t) => {
  const before = at(0, { ...flow('a', 1), to: webBox });
  const after = { ...at(2, { ...flow('a', 0), to: 'unknown' }), structure: structureOf({ ...shop, pods: [] }) };
  const rows = drawnRows(refusedRows([before], after), new Set(['box-a', 'unknown']));
  t.match(rows, [{ to: 'unknown', named: { to: { type: 'Deployment', name: 'web' } } }]);
  t.equal(rows[0]?.named?.from, undefined, 'it was in no structure');
});
