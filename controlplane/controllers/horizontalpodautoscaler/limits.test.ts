import t from 'tap';
import type { HorizontalPodAutoscaler } from '../../api/horizontal-pod-autoscaler';
import { type History, type Limited, limitReplicas, recent } from './limits';

const now = 10_000_000;
type Spec = NonNullable<HorizontalPodAutoscaler['spec']>;
const ago = (seconds: number) => now - seconds * 1000;
const recommended = (...list: [secondsAgo: number, replicas: number][]): History => ({
  recommendations: list.map(([seconds, replicas]) => ({ at: ago(seconds), replicas })),
  changes: [],
});
const policy = (type: string, value: number, periodSeconds = 60) => ({ type, value, periodSeconds });

const cases: Array<{
  name: string;
  spec?: Partial<Spec>;
  current: number;
  asked: number;
  history?: History;
  limited: Limited;
}> = [
  { name: 'as asked', current: 3, asked: 5, limited: { replicas: 5 } },
  { name: 'not above the maximum', current: 15, asked: 25, limited: { replicas: 20, bound: 'TooManyReplicas' } },
  { name: 'not below the minimum', current: 3, asked: 1, limited: { replicas: 2, bound: 'TooFewReplicas' } },
  { name: 'at most doubled', current: 3, asked: 9, limited: { replicas: 6, bound: 'ScaleUpLimit' } },
  {
    name: 'at most four from one',
    spec: { minReplicas: 1 },
    current: 1,
    asked: 9,
    limited: { replicas: 4, bound: 'ScaleUpLimit' },
  },
  {
    name: 'the highest recommendation of five minutes holds a target that shrinks',
    current: 8,
    asked: 3,
    history: recommended([400, 9], [200, 6], [100, 4]),
    limited: { replicas: 6, stabilized: 'down' },
  },
  {
    name: 'a window of its own: the lowest recommendation holds a target that grows',
    spec: { behavior: { scaleUp: { stabilizationWindowSeconds: 60, policies: [policy('Pods', 100)] } } },
    current: 3,
    asked: 6,
    history: recommended([30, 4]),
    limited: { replicas: 4, stabilized: 'up' },
  },
  {
    name: 'the largest of two policies',
    spec: { behavior: { scaleUp: { selectPolicy: 'Max', policies: [policy('Pods', 1), policy('Percent', 50)] } } },
    current: 4,
    asked: 20,
    limited: { replicas: 6, bound: 'ScaleUpLimit' },
  },
  {
    name: 'the smallest of two policies',
    spec: { behavior: { scaleUp: { selectPolicy: 'Min', policies: [policy('Pods', 1), policy('Percent', 50)] } } },
    current: 4,
    asked: 20,
    limited: { replicas: 5, bound: 'ScaleUpLimit' },
  },
  {
    name: 'what was added in the period counts',
    spec: { behavior: { scaleUp: { selectPolicy: 'Max', policies: [policy('Pods', 3)] } } },
    current: 6,
    asked: 20,
    history: {
      recommendations: [],
      changes: [
        { at: ago(90), change: 2 },
        { at: ago(30), change: 2 },
      ],
    },
    limited: { replicas: 7, bound: 'ScaleUpLimit' },
  },
  {
    name: 'no growth',
    spec: { behavior: { scaleUp: { selectPolicy: 'Disabled', policies: [policy('Pods', 3)] } } },
    current: 6,
    asked: 9,
    limited: { replicas: 6, bound: 'ScaleUpLimit' },
  },
  {
    name: 'one pod less in a minute',
    spec: { behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies: [policy('Pods', 1)] } } },
    current: 9,
    asked: 3,
    limited: { replicas: 8, bound: 'ScaleDownLimit' },
  },
];
for (const { name, spec, current, asked, history = recommended(), limited } of cases) {
  t.test(name, async (t) => {
    const all = { minReplicas: 2, maxReplicas: 20, ...spec } as Spec;
    t.same(limitReplicas(all, current, asked, history, now), limited);
  });
}

t.test('a history keeps an hour', async (t) => {
  const { recommendations, changes } = recent(
    { recommendations: recommended([3700, 1], [10, 2]).recommendations, changes: [{ at: ago(3700), change: 1 }] },
    now,
  );
  t.same(recommendations, [{ at: ago(10), replicas: 2 }]);
  t.same(changes, []);
});

t.test('a history has a bounded size, however often its autoscaler changes', async (t) => {
  const entries = Array.from({ length: 200_000 }, (_, i) => ({ at: now, replicas: i, change: i }));
  const kept = recent({ recommendations: entries, changes: entries }, now);
  t.match([kept.recommendations.length, kept.changes.length], [480, 480]);
  t.equal(kept.recommendations.at(-1)?.replicas, 199_999, 'the newest ones');
});

t.test('without behavior, a higher recommendation of the window counts above the current size', async (t) => {
  const now = Date.parse('2026-01-01T01:00:00Z');
  const history = { recommendations: [{ at: now - 15_000, replicas: 7 }], changes: [] };
  const spec = { minReplicas: 1, maxReplicas: 5, scaleTargetRef: { kind: 'Deployment', name: 'd' } };
  t.same(limitReplicas(spec, 5, 5, history, now), { replicas: 5, bound: 'TooManyReplicas', stabilized: 'down' });
  const withBehavior = { ...spec, behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } };
  t.same(limitReplicas(withBehavior, 5, 5, history, now), { replicas: 5 });
});
