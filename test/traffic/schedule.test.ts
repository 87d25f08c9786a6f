import t from 'tap';
import { type FaultKind, faultKinds } from './accounts';
import { events, kills, planSchedule, type Step } from './schedule';

const nodes = ['control', 'worker-1', 'worker-2'];
const plan = (seed: number, kinds: readonly FaultKind[] = faultKinds, names = nodes) =>
  planSchedule({ seed, kinds, nodes: names, clientNode: 'control' });
const take = (next: () => Step | undefined, count: number) =>
  Array.from({ length: count }, next).filter((step) => step !== undefined);

t.test('every kind of fault is in one of the two lists', async (t) => {
  t.strictSame([...kills, ...events].sort(), [...faultKinds].sort());
});

t.test('one seed, one schedule', async (t) => {
  t.strictSame(take(plan(4).kills, 50), take(plan(4).kills, 50));
  t.strictSame(take(plan(4).events, 50), take(plan(4).events, 50));
  t.not(JSON.stringify(take(plan(4).kills, 50)), JSON.stringify(take(plan(5).kills, 50)));
});

t.test('each process of each node is killed once before one is killed again', async (t) => {
  const all = kills.length * nodes.length;
  for (const seed of [1, 2, 3]) {
    const steps = take(plan(seed).kills, all);
    t.equal(new Set(steps.map(({ kind, node }) => `${kind} ${node}`)).size, all);
  }
});

t.test('each event comes once before one comes again', async (t) => {
  const steps = take(plan(9).events, 2 * events.length);
  t.strictSame(
    steps
      .slice(0, events.length)
      .map(({ kind }) => kind)
      .sort(),
    [...events].sort(),
  );
});

t.test('the node with the client is never drained and never lost', async (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const steps = take(plan(seed).events, 10).filter(({ kind }) => kind === 'drain' || kind === 'node-loss');
    t.equal(steps.length, 4);
    t.ok(steps.every(({ node }) => node === 'worker-1' || node === 'worker-2'));
  }
  t.strictSame(take(plan(1, ['drain', 'node-loss'], ['control']).events, 5), [], 'there is no other node');
});

t.test('only the wanted kinds', async (t) => {
  t.strictSame([...new Set(take(plan(1, ['dns', 'rollout']).kills, 20).map(({ kind }) => kind))], ['dns']);
  t.strictSame([...new Set(take(plan(1, ['dns', 'rollout']).events, 20).map(({ kind }) => kind))], ['rollout']);
  t.equal(plan(1, []).kills(), undefined);
});

t.test('pauses are positive and differ', async (t) => {
  const pauses = take(plan(1).kills, 100).map(({ pauseMs }) => pauseMs);
  t.ok(pauses.every((ms) => ms >= 1_500 && ms <= 6_000) && new Set(pauses).size > 50);
});
