import t from 'tap';
import { structureOf } from './boxes';
import { changeNextTo, historyOf } from './changes';
import type { FrameInput } from './frame';
import { type Moment, withMoment } from './timeline';
import { ofDeployment, pod, shop } from './topology.fixture';
import type { Stop } from './traffic';

const structure = structureOf(shop);
const stop = (policy: string, more: Partial<Stop> = {}): Stop => ({
  verdict: 'drop',
  cause: 'policy',
  objects: [policy],
  direction: 'ingress',
  pods: [],
  rule: 'r',
  packets: 1,
  bytes: 1,
  node: 'n1',
  box: 'workload/shop/Pod/x',
  packetsPerSecond: 1,
  isShared: false,
  ...more,
});
const at = (seconds: number, more: Partial<FrameInput> = {}): FrameInput => ({
  atMs: seconds * 1000,
  structure,
  traffic: [],
  requests: [],
  stops: [],
  areStopsKnown: true,
  refused: [],
  podRates: new Map(),
  remarks: [],
  ...more,
});
const first = at(0, { areStopsKnown: false });
const of = (namespace: string, ...inputs: readonly FrameInput[]) =>
  historyOf(
    inputs.reduce<readonly Moment[]>((moments, next) => withMoment(moments, next), []),
    namespace,
  );
const words = ({ changes }: ReturnType<typeof of>) =>
  changes.map((change) => {
    const what = 'stop' in change ? change.stop.objects.join() : change.name;
    return `${change.atMs / 1000} ${change.what} ${what}`;
  });
const every2s = (from: number, to: number, more: (seconds: number) => Partial<FrameInput>) =>
  Array.from({ length: (to - from) / 2 + 1 }, (_, i) => at(from + 2 * i, more(from + 2 * i)));

t.test('a drop that stands is one part of the line, with its beginning and its end', async (t) => {
  // Senders try again after longer and longer times.
  const sends = new Set([4, 6, 10, 18, 34]);
  const history = of('', first, at(2), ...every2s(4, 70, (s) => ({ stops: sends.has(s) ? [stop('shop/deny')] : [] })));
  t.strictSame(words(history), ['4 stopBegan shop/deny', '34 stopEnded shop/deny']);
  t.strictSame(history.lasting, [{ what: 'stopped', fromMs: 4000, toMs: 34_000 }]);
});

t.test('what lasts already when the page begins to look has no beginning', async (t) => {
  const stops = [stop('shop/deny')];
  const history = of('', first, ...every2s(2, 6, () => ({ stops })));
  t.strictSame(words(history), []);
  t.strictSame(history.lasting, [{ what: 'stopped', fromMs: 2000, toMs: 6000 }]);
});

t.test('a rollout while packets are stopped', async (t) => {
  const stops = [stop('shop/deny')];
  const older = shop.pods.filter(({ metadata }) => metadata?.name?.startsWith('web-'));
  const newer = pod('web-2b-z', 'n1', '10.244.0.6', ofDeployment('web', '2b'));
  const others = shop.pods.filter((one) => !older.includes(one));
  const both = structureOf({ ...shop, pods: [...shop.pods, newer] });
  const done = structureOf({ ...shop, pods: [...others, newer] });
  const history = of(
    '',
    first,
    at(2, { stops }),
    at(4, { stops, structure: both }),
    at(6, { stops, structure: both }),
    at(8, { stops, structure: done }),
  );
  t.strictSame(words(history), ['4 rolloutBegan shop/web', '4 pods shop', '8 rolloutEnded shop/web', '8 pods shop']);
  t.strictSame(history.lasting, [
    { what: 'rollout', fromMs: 4000, toMs: 6000 },
    { what: 'stopped', fromMs: 2000, toMs: 8000 },
  ]);
  const quick = of('', first, at(2), at(4, { structure: done }));
  t.strictSame(words(quick).slice(0, 2), ['4 rolloutBegan shop/web', '4 rolloutEnded shop/web'], 'between two moments');
});

t.test('a namespace has its own changes, and those of nodes', async (t) => {
  const stops = [stop('shop/deny'), stop('other/deny'), stop('', { cause: 'other', objects: [], box: 'node/n1' })];
  t.strictSame(words(of('shop', first, at(2), at(4, { stops }))), ['4 stopBegan shop/deny', '4 stopBegan ']);
});

t.test('nothing is known of a gap', async (t) => {
  const stops = [stop('shop/deny')];
  const silent = at(6, { areStopsKnown: false, remarks: [{ key: 'trafficFailed' }] });
  const history = of('', first, at(2), at(4, { stops }), silent, at(8, { stops }), at(60, { stops }));
  t.strictSame(words(history), ['4 stopBegan shop/deny']);
  t.strictSame(
    history.lasting.filter(({ what }) => what === 'gap'),
    [
      { what: 'gap', fromMs: 4000, toMs: 6000 },
      { what: 'gap', fromMs: 8000, toMs: 60_000 },
    ],
  );
});

t.test('a reader jumps from one change to the next; pods alone are none', async (t) => {
  const changes = [
    { what: 'pods' as const, atMs: 1, name: 'a' },
    { what: 'rolloutBegan' as const, atMs: 2, name: 'a/b' },
    { what: 'rolloutEnded' as const, atMs: 5, name: 'a/b' },
    { what: 'pods' as const, atMs: 6, name: 'a' },
  ];
  t.equal(changeNextTo(changes, 2, 1)?.atMs, 5);
  t.equal(changeNextTo(changes, 5, -1)?.atMs, 2);
  t.equal(changeNextTo(changes, 5, 1), undefined);
  t.equal(changeNextTo(changes, 2, -1), undefined);
});
