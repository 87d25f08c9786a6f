import t from 'tap';
import { isResolved, judge, noPressure, type PressureState } from './pressure';
import type { Observations } from './signals';
import type { Threshold } from './thresholds';

const hard: Threshold = {
  signal: 'memory.available',
  value: { amount: 100, text: '100' },
  graceMs: 0,
  minReclaim: { amount: 50, text: '50' },
};
const soft: Threshold = { signal: 'nodefs.available', value: { share: 0.5 }, graceMs: 30_000 };
const pids: Threshold = { signal: 'pid.available', value: { amount: 10, text: '10' }, graceMs: 0 };
const thresholds = [pids, soft, hard];
const transitionMs = 300_000;
const plenty = { available: 1000, capacity: 1000 };
const fine: Observations = { 'memory.available': plenty, 'nodefs.available': plenty, 'pid.available': plenty };
const left = (available: number) => ({ available, capacity: 1000 });
const at = (now: number, observations: Observations, before: PressureState = noPressure) =>
  judge({ thresholds, observations, before, transitionMs, now });

t.test('nothing is met', async (t) => {
  t.same(at(0, fine), { state: noPressure, conditions: [], starved: [] });
  t.same(at(0, {}).starved, [], 'a signal that was not read meets nothing');
  t.same(at(0, { ...fine, 'memory.available': left(100) }).starved, [], 'exactly the amount is enough');
});

t.test('a hard threshold: at once, and until its minimum reclaim is available', async (t) => {
  const first = at(0, { ...fine, 'memory.available': left(99) });
  t.match(first, { conditions: ['MemoryPressure'], starved: [hard] });
  const second = at(10_000, { ...fine, 'memory.available': left(149) }, first.state);
  t.same(second.starved, [hard], 'the minimum reclaim is not available yet');
  const third = at(20_000, { ...fine, 'memory.available': left(150) }, second.state);
  t.match(third, { starved: [], conditions: ['MemoryPressure'] }, 'the condition stays for the transition period');
  const last = at(309_999, fine, third.state);
  t.same(last.conditions, ['MemoryPressure']);
  t.same(at(310_000, fine, last.state).conditions, []);
  t.notOk(isResolved(thresholds, { ...fine, 'memory.available': left(149) }));
  t.ok(isResolved(thresholds, { ...fine, 'memory.available': left(150) }));
});

t.test('a soft threshold: the condition at once, evictions after its grace period', async (t) => {
  const short = { ...fine, 'nodefs.available': left(400) };
  const first = at(0, short);
  t.match(first, { conditions: ['DiskPressure'], starved: [] });
  const second = at(29_999, short, first.state);
  t.same(second.starved, []);
  t.same(at(30_000, short, second.state).starved, [soft]);
  const relieved = at(20_000, fine, first.state);
  t.same(at(30_000, short, relieved.state).starved, [], 'the grace period starts again');
});

t.test('memory comes first, and conditions have the order of the Node', async (t) => {
  const short = { 'memory.available': left(1), 'nodefs.available': left(1), 'pid.available': left(1) };
  const first = at(0, short);
  t.same(first.conditions, ['MemoryPressure', 'DiskPressure', 'PIDPressure']);
  t.same(at(30_000, short, first.state).starved, [hard, pids, soft]);
});
