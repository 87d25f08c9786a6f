import t from 'tap';
import type { Pod } from '../../api/pod';
import type { ReplicaSet } from '../../api/replica-set';
import { rankForDeletion } from '../shared/rank';
import { planReplicaSet, planStatus, type Step } from './plan';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();

const set = (
  over: { replicas?: number; deleting?: boolean; minReadySeconds?: number; status?: object } = {},
): ReplicaSet => ({
  metadata: {
    name: 'web',
    namespace: 'a',
    uid: 'set',
    generation: 2,
    ...(over.deleting ? { deletionTimestamp: at(0) } : {}),
  },
  spec: {
    replicas: over.replicas ?? 2,
    minReadySeconds: over.minReadySeconds,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web', tier: 'front' } } },
  },
  status: over.status as never,
});

interface PodShape {
  owner?: string | null;
  labels?: Record<string, string>;
  node?: string;
  phase?: string;
  readySeconds?: number;
  ageSeconds?: number;
  restarts?: number;
  cost?: string;
  deleting?: boolean;
}
function pod(name: string, shape: PodShape = {}): Pod {
  const { owner = 'set', labels = { app: 'web' }, node = 'n1', phase = 'Running', readySeconds = 100 } = shape;
  const ready = readySeconds >= 0 && phase === 'Running';
  return {
    metadata: {
      name,
      namespace: 'a',
      uid: `uid-${name}`,
      labels,
      creationTimestamp: at(shape.ageSeconds ?? 200),
      ...(shape.cost ? { annotations: { 'controller.kubernetes.io/pod-deletion-cost': shape.cost } } : {}),
      ...(shape.deleting ? { deletionTimestamp: at(1) } : {}),
      ...(owner
        ? {
            ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: owner, controller: true }],
          }
        : {}),
    },
    spec: { nodeName: node || undefined, containers: [] },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at(readySeconds) }],
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready, restartCount: shape.restarts ?? 0 }],
    },
  };
}
const shown = (step: Step) =>
  step.action === 'create' ? `create ${step.count}` : `${step.action} ${step.pod.metadata?.name}`;

t.test('planReplicaSet', async (t) => {
  const cases: {
    name: string;
    set?: ReplicaSet;
    pods: Pod[];
    want: string[];
    replicas?: number;
    terminating?: number;
  }[] = [
    { name: 'creates what is missing', pods: [pod('a')], want: ['create 1'] },
    { name: 'does nothing when all are there', pods: [pod('a'), pod('b')], want: [], replicas: 2 },
    { name: 'finished pods are not replicas', pods: [pod('a'), pod('b', { phase: 'Failed' })], want: ['create 1'] },
    {
      name: 'terminating pods are not replicas, and are counted separately',
      pods: [pod('a'), pod('b', { deleting: true })],
      want: ['create 1'],
      terminating: 1,
    },
    { name: 'at most 500 at once', set: set({ replicas: 700 }), pods: [], want: ['create 500'] },
    {
      name: 'deletes extra pods, not ready first',
      set: set({ replicas: 1 }),
      pods: [pod('a'), pod('b', { readySeconds: -1 })],
      want: ['delete b'],
    },
    { name: 'scaled to nothing', set: set({ replicas: 0 }), pods: [pod('a')], want: ['delete a'] },
    {
      name: 'adopts an orphan that matches',
      pods: [pod('a'), pod('b', { owner: null })],
      want: ['adopt b'],
      replicas: 2,
    },
    {
      name: 'an adopted pod counts at once: one extra pod is deleted',
      pods: [pod('a'), pod('b'), pod('c', { owner: null, node: '' })],
      want: ['adopt c', 'delete c'],
    },
    {
      name: 'leaves orphans that do not match',
      pods: [pod('a'), pod('b'), pod('c', { owner: null, labels: {} })],
      want: [],
    },
    {
      name: 'pods of other owners are not changed',
      pods: [pod('a'), pod('b'), pod('c', { owner: 'other' })],
      want: [],
    },
    {
      name: 'releases a pod whose labels no longer match, and replaces it',
      pods: [pod('a'), pod('b', { labels: { app: 'debug' } })],
      want: ['release b', 'create 1'],
    },
    {
      name: 'a finished orphan is not adopted',
      pods: [pod('a'), pod('b'), pod('c', { owner: null, phase: 'Succeeded' })],
      want: [],
    },
    {
      name: 'a set being deleted neither creates, deletes, adopts nor releases',
      set: set({ deleting: true }),
      pods: [pod('a', { owner: null }), pod('b', { labels: {} })],
      want: [],
    },
  ];
  for (const { name, pods, want, ...rest } of cases) {
    const plan = planReplicaSet({ set: rest.set ?? set(), pods, siblings: [], now });
    t.same(plan.steps.map(shown), want, name);
    if (rest.replicas !== undefined) t.equal(plan.replicas.length, rest.replicas, `${name}: replicas`);
    if (rest.terminating !== undefined) t.equal(plan.terminating, rest.terminating, `${name}: terminating`);
  }
});

t.test('rankForDeletion: each rule decides when those before it do not', async (t) => {
  const base = pod('z');
  const cases: { name: string; first: Pod; second: Pod; related?: Pod[] }[] = [
    { name: 'without a node', first: pod('b', { node: '' }), second: pod('a') },
    {
      name: 'pending before running',
      first: pod('b', { phase: 'Pending', readySeconds: -1 }),
      second: pod('a', { readySeconds: -1 }),
    },
    { name: 'not ready before ready', first: pod('b', { readySeconds: -1 }), second: pod('a') },
    { name: 'lower deletion cost first', first: pod('b', { cost: '-5' }), second: pod('a') },
    { name: 'an unreadable cost counts as none', first: pod('b', { cost: '-1' }), second: pod('a', { cost: 'cheap' }) },
    {
      name: 'a pod on the node with more replicas first',
      first: pod('b', { node: 'n2' }),
      second: pod('a', { node: 'n1' }),
      related: [base, pod('x', { node: 'n2' }), pod('y', { node: 'n2' })],
    },
    {
      name: 'ready for a shorter time first',
      first: pod('b', { readySeconds: 10 }),
      second: pod('a', { readySeconds: 1000 }),
    },
    { name: 'more restarts first', first: pod('b', { restarts: 3 }), second: pod('a') },
    { name: 'much younger first', first: pod('b', { ageSeconds: 110 }), second: pod('a', { ageSeconds: 9000 }) },
    {
      name: 'similar age: by uid, so that the order is stable',
      first: pod('a', { ageSeconds: 200 }),
      second: pod('b', { ageSeconds: 201 }),
    },
  ];
  for (const { name, first, second, related = [] } of cases) {
    for (const input of [
      [first, second],
      [second, first],
    ]) {
      const ranked = rankForDeletion(input, [...input, ...related], now);
      t.equal(ranked[0]?.metadata?.name, first.metadata?.name, name);
    }
  }
});

t.test('planStatus', async (t) => {
  const replicas = [
    pod('a'),
    pod('b', { readySeconds: 4 }),
    pod('c', { readySeconds: -1, labels: { app: 'web', tier: 'front' } }),
  ];
  const plan = planStatus(set({ replicas: 3, minReadySeconds: 10 }), { replicas, terminating: 1 }, undefined, now);
  t.same(plan.status, {
    replicas: 3,
    fullyLabeledReplicas: 1,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 2,
  });
  t.equal(plan.againInMs, 6000, 'the next check is when the next pod will have been ready long enough');
  const again = planStatus(set({ status: plan.status }), { replicas, terminating: 1 }, undefined, now);
  t.equal(again.status?.availableReplicas, 2, 'without minReadySeconds ready is available');
  const settled = planStatus(
    set({ minReadySeconds: 10, status: plan.status }),
    { replicas, terminating: 1 },
    undefined,
    now,
  );
  t.equal(settled.status, undefined, 'an unchanged status is not written');
  const failure = { reason: 'FailedCreate', message: 'quota' } as const;
  const failed = planStatus(set(), { replicas: [], terminating: 0 }, failure, now);
  t.match(failed.status?.conditions, [
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' },
  ]);
  const other = { reason: 'FailedCreate', message: 'another quota' } as const;
  const repeated = planStatus(set({ status: failed.status }), { replicas: [], terminating: 0 }, other, now + 60_000);
  t.equal(repeated.status, undefined, 'a failure is written once, whatever message the next failure has');
  t.notOk('availableReplicas' in JSON.parse(JSON.stringify(failed.status)), 'zero is left out');
  t.equal(failed.status?.replicas, 0, 'the required count is always written');
  const healed = planStatus(set({ status: failed.status }), { replicas: [], terminating: 0 }, undefined, now);
  t.equal(healed.status?.conditions, undefined);
});
