import t from 'tap';
import type { Pod } from '../../api/pod';
import type { PodDisruptionBudget } from '../../api/pod-disruption-budget';
import { evictionTimeoutMs, goSelector, planBudget, planFailure, staleDisruptionIn } from './plan';

const now = Date.parse('2026-01-01T00:10:00Z');
const at = (agoMs: number) => `${new Date(now - agoMs).toISOString().slice(0, 19)}Z`;

function pod(name: string, { ready = true, deleting = false } = {}): Pod {
  return {
    metadata: { name, ...(deleting ? { deletionTimestamp: at(0) } : {}) },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}
const budget = (spec: object, status?: object): PodDisruptionBudget =>
  ({ metadata: { name: 'b', generation: 3 }, spec, ...(status ? { status } : {}) }) as PodDisruptionBudget;
const four = ['a', 'b', 'c', 'd'].map((name) => pod(name));

t.test('how many disruptions are allowed', async (t) => {
  const cases = [
    { name: 'a number available', spec: { minAvailable: 3 }, pods: four, desired: 4, want: [4, 4, 3, 1] },
    {
      name: 'a percentage available, rounded up',
      spec: { minAvailable: '60%' },
      pods: four,
      desired: 4,
      want: [4, 4, 3, 1],
    },
    { name: 'a number unavailable', spec: { maxUnavailable: 1 }, pods: four, desired: 4, want: [4, 4, 3, 1] },
    { name: 'a percentage unavailable', spec: { maxUnavailable: '30%' }, pods: four, desired: 4, want: [4, 4, 2, 2] },
    { name: 'pods are missing', spec: { maxUnavailable: 1 }, pods: four, desired: 6, want: [6, 4, 5, 0] },
    {
      name: 'a number above the number of pods',
      spec: { maxUnavailable: 9 },
      pods: four,
      desired: 4,
      want: [4, 4, 0, 4],
    },
    { name: 'no pods', spec: { minAvailable: 0 }, pods: [], desired: 0, want: [0, 0, 0, 0] },
    {
      name: 'unready and terminating pods do not count',
      spec: { minAvailable: 1 },
      pods: [pod('a'), pod('b'), pod('c', { ready: false }), pod('d', { deleting: true })],
      desired: 4,
      want: [4, 2, 1, 1],
    },
  ];
  for (const { name, spec, pods, desired, want } of cases) {
    const { status } = planBudget({ budget: budget(spec), pods, desired, now });
    t.same(
      [status?.expectedPods, status?.currentHealthy, status?.desiredHealthy, status?.disruptionsAllowed],
      want,
      name,
    );
    t.equal(status?.observedGeneration, 3);
    const [condition] = status?.conditions ?? [];
    t.match(condition, { type: 'DisruptionAllowed', status: want[3]! > 0 ? 'True' : 'False' }, name);
    const again = planBudget({ budget: budget(spec, status), pods, desired, now: now + 60_000 });
    t.same(again, {}, `${name}: a second plan changes nothing`);
  }
});

t.test('an allowed eviction counts until its pod is deleted, or for two minutes', async (t) => {
  const disruptedPods = { a: at(30_000), b: at(evictionTimeoutMs + 1000), gone: at(0) };
  const pods = [pod('a'), pod('b'), pod('c')];
  const { status, againInMs } = planBudget({
    budget: budget({ minAvailable: 1 }, { disruptedPods }),
    pods,
    desired: 3,
    now,
  });
  t.match(status, { currentHealthy: 2, disruptionsAllowed: 1 });
  t.same(status?.disruptedPods, { a: at(30_000) });
  t.equal(againInMs, evictionTimeoutMs - 30_000);
});

t.test('pods that cannot be counted: no disruption is allowed, and why', async (t) => {
  const message = 'jobs.batch does not implement the scale subresource';
  const first = planFailure(budget({ maxUnavailable: 1 }), message, now);
  t.same(first, {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    disruptionsAllowed: 0,
    conditions: [
      { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message, lastTransitionTime: at(0) },
    ],
  });
  t.equal(planFailure(budget({ maxUnavailable: 1 }, first), message, now + 1000), undefined);
  const later = planFailure(
    budget({ maxUnavailable: 1 }, { observedGeneration: 2, disruptionsAllowed: 1, expectedPods: 3 }),
    message,
    now,
  );
  t.match(later, { disruptionsAllowed: 0, expectedPods: 3, conditions: [{ observedGeneration: 2 }] });
});

t.test('an announced eviction that does not come is taken back after two minutes', async (t) => {
  const announced = (agoMs: number, reason: string, over: object = {}): Pod => ({
    metadata: { name: 'p' },
    status: {
      phase: 'Running',
      conditions: [{ type: 'DisruptionTarget', status: 'True', reason, lastTransitionTime: at(agoMs) as never }],
    },
    ...over,
  });
  t.equal(staleDisruptionIn(announced(30_000, 'EvictionByEvictionAPI'), now), 90_000);
  t.equal(staleDisruptionIn(announced(500_000, 'EvictionByEvictionAPI'), now), 0);
  t.equal(staleDisruptionIn(announced(500_000, 'TerminationByKubelet'), now), undefined);
  const deleting = { metadata: { name: 'p', deletionTimestamp: at(0) } };
  t.equal(staleDisruptionIn(announced(500_000, 'EvictionByEvictionAPI', deleting), now), undefined);
  t.equal(staleDisruptionIn(pod('p'), now), undefined);
});

t.test('selectors in the notation of Events', async (t) => {
  t.equal(goSelector(undefined), 'nil');
  t.equal(
    goSelector({ matchLabels: { app: 'x' } }),
    '&LabelSelector{MatchLabels:map[string]string{app: x,},MatchExpressions:[]LabelSelectorRequirement{},}',
  );
  t.equal(
    goSelector({ matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'c'] }] }),
    '&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{' +
      'LabelSelectorRequirement{Key:a,Operator:In,Values:[b c],},},}',
  );
});
