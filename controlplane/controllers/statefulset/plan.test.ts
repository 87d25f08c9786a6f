import t from 'tap';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import type { Pod } from '../../api/pod';
import type { StatefulSet } from '../../api/stateful-set';
import { newClaims } from './claims';
import { identityLabels } from './identity';
import { planStatefulSet, type Step } from './plan';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString().replace('.000', '');

type Spec = NonNullable<StatefulSet['spec']>;
const rolling = (partition = 0, maxUnavailable: number | string = 1) => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition, maxUnavailable: maxUnavailable as never } },
});
const setOf = (spec: Partial<Spec> = {}, status: object = {}, deleting = false): StatefulSet => ({
  metadata: {
    name: 'web',
    namespace: 'a',
    uid: 'set',
    generation: 1,
    ...(deleting ? { deletionTimestamp: at(0) } : {}),
  },
  spec: {
    replicas: 3,
    podManagementPolicy: 'OrderedReady',
    ...rolling(),
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c' }] } },
    ...spec,
  } as Spec,
  status: { replicas: 0, availableReplicas: 0, ...status } as StatefulSet['status'],
});
const parallel = { podManagementPolicy: 'Parallel' };
interface Shape {
  readonly phase?: string;
  readonly ready?: boolean;
  readonly readySeconds?: number;
  readonly deleting?: boolean;
  readonly revision?: string;
  readonly labels?: Record<string, string>;
}
const pod = (ordinal: number, shape: Shape = {}): Pod => {
  const { phase = 'Running', ready = phase === 'Running', readySeconds = 100, deleting, revision = 'new' } = shape;
  return {
    metadata: {
      name: `web-${ordinal}`,
      namespace: 'a',
      uid: `uid-${ordinal}`,
      labels: { ...(shape.labels ?? identityLabels(setOf(), ordinal)), 'controller-revision-hash': revision },
      ...(deleting ? { deletionTimestamp: at(1) } : {}),
    },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at(readySeconds) as never }],
    },
  };
};
const old = (ordinal: number, shape: Shape = {}) => pod(ordinal, { revision: 'old', ...shape });
const textOf = (step: Step): string => {
  switch (step.action) {
    case 'create':
      return `create ${step.ordinal} ${step.revision}`;
    case 'delete':
      return `delete ${step.pod.metadata?.name}`;
    case 'identify':
      return `identify ${step.ordinal}`;
    case 'claim':
      return `claim ${step.ordinal}`;
    case 'refuse':
      return `refuse ${step.ordinal} ${step.claim}`;
    case 'own':
      return `own ${step.claim.metadata?.name} ${step.ownerReferences.map(({ kind, name }) => `${kind} ${name}`)}${step.updates ? `, updates ${step.updates}` : ''}`;
  }
};
const planOf = (set: StatefulSet, pods: readonly Pod[], claims: readonly PersistentVolumeClaim[] = []) =>
  planStatefulSet({
    set,
    pods,
    findClaim: (name) => claims.find(({ metadata }) => metadata?.name === name),
    current: pods.some(({ metadata }) => metadata?.labels?.['controller-revision-hash'] === 'old') ? 'old' : 'new',
    update: 'new',
    now,
  });

const cases: Array<{ name: string; set?: StatefulSet; pods: Pod[]; steps: string[]; againInMs?: number }> = [
  { name: 'the first pod', pods: [], steps: ['create 0 update'] },
  { name: 'the next pod once the one before is ready', pods: [pod(0)], steps: ['create 1 update'] },
  { name: 'no pod while one before is not ready', pods: [pod(0, { ready: false })], steps: [] },
  { name: 'no pod while one before is not running', pods: [pod(0, { phase: 'Pending', ready: true })], steps: [] },
  { name: 'no pod while one before ends', pods: [pod(0, { deleting: true })], steps: [] },
  {
    name: 'no pod while one before is not available',
    set: setOf({ minReadySeconds: 10 }),
    pods: [pod(0, { readySeconds: 4 })],
    steps: [],
    againInMs: 6_000,
  },
  { name: 'a gap is filled first', pods: [pod(0), pod(2)], steps: ['create 1 update'] },
  {
    name: 'parallel: all at once',
    set: setOf(parallel),
    pods: [pod(1, { ready: false })],
    steps: ['create 0 update', 'create 2 update'],
  },
  {
    name: 'ordinals from a start',
    set: setOf({ ordinals: { start: 5 }, ...parallel, replicas: 2 }),
    pods: [pod(4)],
    steps: ['create 5 update', 'create 6 update', 'delete web-4'],
  },
  { name: 'a failed pod is deleted', pods: [pod(0, { phase: 'Failed' })], steps: ['delete web-0'] },
  {
    name: 'a finished pod is deleted, once',
    set: setOf(parallel),
    pods: [pod(0, { phase: 'Succeeded' }), pod(1, { phase: 'Succeeded', deleting: true }), pod(2)],
    steps: ['delete web-0'],
  },
  {
    name: 'fewer replicas: the highest ordinal first',
    set: setOf({ replicas: 1 }),
    pods: [pod(0), pod(1), pod(2)],
    steps: ['delete web-2'],
  },
  {
    name: 'fewer replicas: the next one when it has ended',
    set: setOf({ replicas: 1 }),
    pods: [pod(0), pod(1), pod(2, { deleting: true })],
    steps: [],
  },
  {
    name: 'fewer replicas: none while a pod that stays is not ready',
    set: setOf({ replicas: 1 }),
    pods: [pod(0, { ready: false }), pod(1)],
    steps: [],
  },
  {
    name: 'fewer replicas: a pod that is not ready goes when it is the lowest such pod',
    set: setOf({ replicas: 1 }),
    pods: [pod(0), pod(1), pod(2, { ready: false })],
    steps: ['delete web-2'],
  },
  {
    name: 'fewer replicas: a pod that is not ready waits for a lower such pod',
    set: setOf({ replicas: 1 }),
    pods: [pod(0), pod(1, { ready: false }), pod(2, { ready: false })],
    steps: [],
  },
  {
    name: 'parallel: fewer replicas, all at once',
    set: setOf({ ...parallel, replicas: 1 }),
    pods: [pod(0, { ready: false }), pod(1), pod(2)],
    steps: ['delete web-2', 'delete web-1'],
  },
  { name: 'an update begins at the highest ordinal', pods: [old(0), old(1), old(2)], steps: ['delete web-2'] },
  { name: 'an update goes on when the new pod is available', pods: [old(0), old(1), pod(2)], steps: ['delete web-1'] },
  { name: 'an update waits for the new pod', pods: [old(0), old(1), pod(2, { ready: false })], steps: [] },
  {
    name: 'an ordered update that is stuck stays so, also with another template',
    pods: [old(0), old(1), pod(2, { ready: false, revision: 'broken' })],
    steps: [],
  },
  {
    name: 'a partition keeps the lower ordinals',
    set: setOf(rolling(2)),
    pods: [old(0), old(1), pod(2)],
    steps: [],
  },
  {
    name: 'below the partition a pod is created from the old template',
    set: setOf(rolling(2)),
    pods: [old(0), pod(2)],
    steps: ['create 1 current'],
  },
  {
    name: 'several pods may be missing',
    set: setOf(rolling(0, 2)),
    pods: [old(0), old(1), old(2)],
    steps: ['delete web-2', 'delete web-1'],
  },
  {
    name: 'a percentage is rounded down, but not to nothing',
    set: setOf(rolling(0, '50%')),
    pods: [old(0), old(1), old(2)],
    steps: ['delete web-2'],
  },
  {
    name: 'parallel: old pods that serve nothing are replaced first, beyond the bound',
    set: setOf(parallel),
    pods: [old(0, { ready: false }), old(1), old(2)],
    steps: ['delete web-0'],
  },
  {
    name: 'parallel: no more than may be missing',
    set: setOf(parallel),
    pods: [old(0), old(1), pod(2, { ready: false })],
    steps: [],
  },
  {
    name: 'OnDelete: no pod is deleted, and a missing one is new',
    set: setOf({ updateStrategy: { type: 'OnDelete' } }, { currentReplicas: 2 }),
    pods: [old(0)],
    steps: ['create 1 update'],
  },
  {
    name: 'a rolling update without parameters creates old pods among those that are old',
    set: setOf({ updateStrategy: { type: 'RollingUpdate' } }, { currentReplicas: 2 }),
    pods: [old(0)],
    steps: ['create 1 current'],
  },
  { name: 'a set that is being deleted does nothing', set: setOf({}, {}, true), pods: [pod(0)], steps: [] },
  {
    name: 'labels of the identity are written again',
    set: setOf({ replicas: 1 }),
    pods: [pod(0, { labels: {} })],
    steps: ['identify 0'],
  },
];
for (const { name, set = setOf(), pods, steps, againInMs } of cases) {
  t.test(name, async (t) => {
    const plan = planOf(set, pods);
    t.same(plan.steps.map(textOf), steps);
    t.equal(plan.againInMs, againInMs);
  });
}

t.test('a set with two billion replicas is planned in parts', async (t) => {
  const { steps } = planOf(setOf({ ...parallel, replicas: 2_000_000_000 }), [pod(3)]);
  t.equal(steps.length, 500);
  t.equal(textOf(steps[3]!), 'create 4 update');
});

t.test('claims', async (t) => {
  const withClaims = (whenDeleted = 'Retain', whenScaled = 'Retain') => ({
    replicas: 1,
    volumeClaimTemplates: [{ metadata: { name: 'data' } }],
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
  });
  const owner = (kind: 'StatefulSet' | 'Pod', uid: string, name: string) => ({
    apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
    kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  });
  const claim = (ordinal: number, owners: object[] = [], deleting = false): PersistentVolumeClaim => ({
    metadata: {
      name: `data-web-${ordinal}`,
      ...(owners.length > 0 ? { ownerReferences: owners as never } : {}),
      ...(deleting ? { deletionTimestamp: at(0) } : {}),
    },
  });
  const ofSet = owner('StatefulSet', 'set', 'web');
  const cases: Array<{ name: string; spec: object; pods: Pod[]; claims?: PersistentVolumeClaim[]; steps: string[] }> = [
    { name: 'a new pod', spec: withClaims(), pods: [], steps: ['create 0 update'] },
    {
      name: 'a waiting pod without its claim',
      spec: withClaims(),
      pods: [pod(0, { phase: 'Pending' })],
      steps: ['claim 0'],
    },
    { name: 'a running pod without its claim', spec: withClaims(), pods: [pod(0)], steps: [] },
    {
      name: 'a claim that is deleted',
      spec: withClaims(),
      pods: [],
      claims: [claim(0, [], true)],
      steps: ['refuse 0 data-web-0'],
    },
    { name: 'claims stay', spec: withClaims(), pods: [pod(0)], claims: [claim(0)], steps: [] },
    {
      name: 'claims stay from now on',
      spec: withClaims(),
      pods: [pod(0)],
      claims: [claim(0, [ofSet])],
      steps: ['own data-web-0 , updates web-0'],
    },
    {
      name: 'claims go with the set',
      spec: withClaims('Delete'),
      pods: [pod(0)],
      claims: [claim(0)],
      steps: ['own data-web-0 StatefulSet web, updates web-0'],
    },
    {
      name: 'claims go with the set already',
      spec: withClaims('Delete'),
      pods: [pod(0)],
      claims: [claim(0, [ofSet])],
      steps: [],
    },
    {
      name: 'claims go with pods of a smaller set, before these are deleted',
      spec: withClaims('Delete', 'Delete'),
      pods: [pod(0), pod(1)],
      claims: [claim(0, [ofSet]), claim(1, [ofSet])],
      steps: ['own data-web-1 Pod web-1', 'delete web-1'],
    },
    {
      name: 'claims that go only with pods of a smaller set have no owner before',
      spec: withClaims('Retain', 'Delete'),
      pods: [pod(0)],
      claims: [claim(0, [owner('Pod', 'uid-0', 'web-0')])],
      steps: ['own data-web-0 , updates web-0'],
    },
    {
      name: 'a claim that goes with an earlier pod of this name: the new pod waits',
      spec: withClaims('Retain', 'Delete'),
      pods: [],
      claims: [claim(0, [owner('Pod', 'earlier', 'web-0')])],
      steps: [],
    },
    {
      name: 'a claim of another controller',
      spec: withClaims('Delete'),
      pods: [pod(0)],
      claims: [claim(0, [{ ...ofSet, kind: 'Other', uid: 'x' }])],
      steps: [],
    },
    {
      name: 'a claim of an earlier set of this name',
      spec: withClaims('Delete'),
      pods: [pod(0)],
      claims: [claim(0, [owner('StatefulSet', 'earlier', 'web')])],
      steps: [],
    },
    {
      name: 'a claim of an earlier pod of this name, and of the set',
      spec: withClaims('Delete', 'Delete'),
      pods: [pod(0)],
      claims: [claim(0, [owner('Pod', 'earlier', 'web-0'), ofSet])],
      steps: [],
    },
    {
      name: 'a claim of the set and of another controller',
      spec: withClaims('Delete'),
      pods: [pod(0)],
      claims: [claim(0, [ofSet, { ...ofSet, kind: 'Other', uid: 'x' }])],
      steps: ['own data-web-0 Other web, updates web-0'],
    },
  ];
  for (const { name, spec, pods, claims, steps } of cases) {
    t.same(planOf(setOf(spec), pods, claims).steps.map(textOf), steps, name);
  }
});

t.test('status', async (t) => {
  const base = { observedGeneration: 1, updateRevision: 'new', collisionCount: 0 };
  const cases: Array<{ name: string; set?: StatefulSet; pods: Pod[]; status: object }> = [
    {
      name: 'no pods',
      pods: [],
      status: { ...base, replicas: 0, currentRevision: 'new', availableReplicas: 0 },
    },
    {
      name: 'an update on its way',
      pods: [old(0), old(1, { deleting: true }), pod(2, { ready: false })],
      status: {
        ...base,
        replicas: 3,
        readyReplicas: 2,
        currentReplicas: 1,
        updatedReplicas: 1,
        currentRevision: 'old',
        availableReplicas: 2,
      },
    },
    {
      name: 'ready, not yet available',
      set: setOf({ replicas: 1, minReadySeconds: 60 }),
      pods: [pod(0, { readySeconds: 20 })],
      status: {
        ...base,
        replicas: 1,
        readyReplicas: 1,
        currentReplicas: 1,
        updatedReplicas: 1,
        currentRevision: 'new',
        availableReplicas: 0,
      },
    },
  ];
  for (const { name, set = setOf(), pods, status } of cases) {
    t.same(JSON.parse(JSON.stringify(planOf(set, pods).status)), status, name);
  }
  const before = { observedGeneration: 1, currentRevision: 'old' };
  const over = planStatefulSet({
    set: setOf({}, before),
    pods: [pod(0), pod(1), pod(2)],
    findClaim: () => undefined,
    current: 'old',
    update: 'new',
    now,
  });
  t.match(over.status, { currentRevision: 'new', currentReplicas: 3 }, 'the end of an update');
  const settled = { ...setOf(), status: JSON.parse(JSON.stringify(over.status)) as StatefulSet['status'] };
  t.equal(planOf(settled, [pod(0), pod(1), pod(2)]).status, undefined, 'it is written once');
});

t.test('new claims have the owner of the policy', async (t) => {
  const owners = (whenDeleted: string, whenScaled: string) => {
    const persistentVolumeClaimRetentionPolicy = { whenDeleted, whenScaled };
    const set = setOf({ volumeClaimTemplates: [{ metadata: { name: 'data' } }], persistentVolumeClaimRetentionPolicy });
    return newClaims(set, 0).map(({ metadata }) => metadata?.ownerReferences);
  };
  t.match(owners('Delete', 'Retain'), [[{ kind: 'StatefulSet', name: 'web', controller: true }]]);
  t.same(owners('Retain', 'Delete'), [undefined]);
});
