import t from 'tap';
import type { Deployment } from '../../api/deployment';
import type { ReplicaSet } from '../../api/replica-set';
import { canonicalTemplate, hashTemplate } from '../shared/template-hash';
import { planDeployment, renderSet, type Step } from './plan';
import { limits, newSetReplicas, rescale, shrinkOldSets } from './scaling';
import { creationFailure, planStatus } from './status';

const now = Date.parse('2026-01-01T01:00:00Z');
const template = (image: string) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image }] },
});

function deployment(
  over: Partial<Deployment['spec'] & object> & { status?: object; annotations?: Record<string, string> } = {},
): Deployment {
  const { status, annotations, ...spec } = over;
  return {
    metadata: {
      name: 'web',
      namespace: 'a',
      uid: 'dep',
      generation: 1,
      annotations: annotations ?? { 'deployment.kubernetes.io/revision': '2' },
    },
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: 'web' } },
      template: template('new'),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3 as never, maxUnavailable: 2 as never } },
      ...spec,
    },
    status: status as never,
  };
}
function set(
  name: string,
  image: string,
  replicas: number,
  available = replicas,
  over: { revision?: number | bigint; desired?: number; max?: number } = {},
): ReplicaSet {
  const { revision = image === 'new' ? 2 : 1, desired = 10, max = 13 } = over;
  return {
    metadata: {
      name,
      uid: name,
      namespace: 'a',
      generation: 1,
      creationTimestamp: `2026-01-01T00:00:0${revision}Z`,
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        'deployment.kubernetes.io/desired-replicas': String(desired),
        'deployment.kubernetes.io/max-replicas': String(max),
      },
    },
    spec: { replicas, selector: {}, template: template(image) },
    status: { replicas, availableReplicas: available, readyReplicas: available, observedGeneration: 1 },
  };
}
const shown = (step: Step): string => {
  if (step.action === 'update') return `${step.set.metadata?.name} ${step.from}->${step.to}`;
  if (step.action === 'revision') return `revision ${step.revision}`;
  if (step.action === 'create') return `create ${step.set.spec?.replicas}`;
  return `delete ${step.set.metadata?.name}`;
};

t.test('maxSurge and maxUnavailable as numbers of pods', async (t) => {
  const cases = [
    { name: 'percentages: surge up, unavailable down', surge: '25%', unavailable: '25%', replicas: 10, want: [3, 2] },
    { name: 'numbers', surge: 1, unavailable: 0, replicas: 10, want: [1, 0] },
    { name: 'both zero would block the rollout', surge: 0, unavailable: 0, replicas: 10, want: [0, 1] },
    { name: 'both round to zero', surge: '0%', unavailable: '5%', replicas: 10, want: [0, 1] },
    { name: 'never more unavailable than replicas', surge: 1, unavailable: 5, replicas: 3, want: [1, 3] },
  ];
  for (const { name, surge, unavailable, replicas, want } of cases) {
    const rollingUpdate = { maxSurge: surge as never, maxUnavailable: unavailable as never };
    const { maxSurge, maxUnavailable } = limits(
      deployment({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate } }),
    );
    t.same([maxSurge, maxUnavailable], want, name);
  }
});

t.test('planDeployment', async (t) => {
  const cases: { name: string; deployment?: Deployment; sets: ReplicaSet[]; running?: boolean; want: string[] }[] = [
    { name: 'the first set gets all replicas', sets: [], want: ['create 10'] },
    { name: 'a new template starts with the surge', sets: [set('old', 'old', 10)], want: ['create 3'] },
    {
      name: 'old replicas are removed as new ones become available',
      sets: [set('old', 'old', 10), set('new', 'new', 3, 0)],
      want: ['old 10->8'],
    },
    {
      name: 'the new set grows while the surge allows',
      sets: [set('old', 'old', 8), set('new', 'new', 3, 3)],
      want: ['new 3->5'],
    },
    {
      name: 'unhealthy old replicas are removed first',
      sets: [set('old', 'old', 10, 6), set('new', 'new', 3, 0)],
      want: ['old 10->8'],
    },
    {
      name: 'replicas that an old set will lose do not count as available',
      sets: [set('old', 'old', 5, 9), set('new', 'new', 8, 7)],
      want: ['old 5->1'],
    },
    {
      name: 'the available replicas never fall below the minimum',
      sets: [set('old', 'old', 8), set('new', 'new', 5, 0)],
      want: [],
    },
    { name: 'done', sets: [set('old', 'old', 0), set('new', 'new', 10)], want: [] },
    {
      name: 'paused: only scaling, no new set',
      deployment: deployment({ paused: true, template: template('newer') }),
      sets: [set('new', 'new', 10)],
      want: [],
    },
    {
      name: 'paused and scaled',
      deployment: deployment({ paused: true, replicas: 12 }),
      sets: [set('new', 'new', 10)],
      want: ['new 10->12'],
    },
    {
      name: 'scaled during a rollout: in proportion',
      deployment: deployment({
        replicas: 20,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3 as never, maxUnavailable: 2 as never } },
      }),
      sets: [set('old', 'old', 8), set('new', 'new', 5, 2)],
      want: ['old 8->14', 'new 5->9'],
    },
    {
      name: 'scaled to nothing',
      deployment: deployment({ replicas: 0 }),
      sets: [set('new', 'new', 10)],
      want: ['new 10->0'],
    },
    {
      name: 'Recreate: old sets are scaled to zero first',
      deployment: deployment({ strategy: { type: 'Recreate' } }),
      sets: [set('old', 'old', 10, 10, { max: 10 })],
      want: ['old 10->0'],
    },
    {
      name: 'Recreate: waits for old pods',
      deployment: deployment({ strategy: { type: 'Recreate' } }),
      sets: [set('old', 'old', 0)],
      running: true,
      want: [],
    },
    {
      name: 'Recreate: then the new set gets all replicas',
      deployment: deployment({ strategy: { type: 'Recreate' } }),
      sets: [set('old', 'old', 0)],
      want: ['create 10'],
    },
    {
      name: 'revisions beyond 2^53',
      deployment: deployment({ annotations: { 'deployment.kubernetes.io/revision': '2' } }),
      sets: [set('new', 'new', 0, 0, { revision: 1 }), set('old', 'old', 10, 10, { revision: 3546343826724305832n })],
      want: ['new 0->3', 'revision 3546343826724305833'],
    },
    {
      name: 'rollback: the earlier set becomes the newest revision',
      deployment: deployment({ annotations: { 'deployment.kubernetes.io/revision': '2' } }),
      sets: [set('new', 'new', 0, 0, { revision: 1 }), set('old', 'old', 10, 10, { revision: 2 })],
      want: ['new 0->3', 'revision 3'],
    },
    {
      name: 'revisions beyond the limit are deleted, oldest first',
      deployment: deployment({ revisionHistoryLimit: 1, annotations: { 'deployment.kubernetes.io/revision': '3' } }),
      sets: [
        set('a', 'a', 0, 0, { revision: 1 }),
        set('b', 'b', 0, 0, { revision: 2 }),
        set('new', 'new', 10, 10, { revision: 3 }),
      ],
      want: ['delete a'],
    },
    {
      name: 'revisions stay during the rollout',
      deployment: deployment({ revisionHistoryLimit: 0, annotations: { 'deployment.kubernetes.io/revision': '3' } }),
      sets: [
        set('a', 'a', 0, 0, { revision: 1 }),
        set('b', 'b', 2, 2, { revision: 2 }),
        set('new', 'new', 10, 6, { revision: 3 }),
      ],
      want: [],
    },
  ];
  for (const { name, sets, want, running = false, ...rest } of cases) {
    const plan = planDeployment({
      deployment: rest.deployment ?? deployment(),
      sets,
      oldPodsRunning: () => running,
      now,
    });
    t.same(plan.steps.map(shown), want, name);
  }
});

t.test('sizes of the new and the old sets', async (t) => {
  t.equal(newSetReplicas(deployment(), undefined, [set('old', 'old', 13)]), 0, 'no surge is left');
  t.same(shrinkOldSets(deployment(), set('new', 'new', 10, 10), [set('old', 'old', 0)]), [], 'no old replicas');
  const saturated = rescale(deployment(), set('new', 'new', 10), [set('old', 'old', 3, 0)]);
  t.same(
    saturated.map(({ set, replicas }) => [set.metadata?.name, replicas]),
    [['old', 0]],
    'the new set has all replicas, so the old set gets none',
  );
});

t.test('renderSet sets revision, sizes, owner, and the hash in name, labels and selector', async (t) => {
  const made = renderSet(
    deployment({ annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } }),
    [set('old', 'old', 10)],
  );
  const hash = hashTemplate(deployment().spec!.template!);
  t.equal(made.metadata?.name, `web-${hash}`);
  t.same(made.metadata?.annotations, {
    note: 'x',
    'deployment.kubernetes.io/revision': '2',
    'deployment.kubernetes.io/desired-replicas': '10',
    'deployment.kubernetes.io/max-replicas': '13',
  });
  t.equal(made.spec?.selector.matchLabels?.['pod-template-hash'], hash);
  t.equal(made.spec?.template?.metadata?.labels?.['pod-template-hash'], hash);
  t.match(made.metadata?.ownerReferences, [
    { kind: 'Deployment', uid: 'dep', controller: true, blockOwnerDeletion: true },
  ]);
});

t.test('templates with the same meaning are equal', async (t) => {
  const base = template('x');
  const same = [
    { ...base, metadata: { ...base.metadata, creationTimestamp: null } },
    { ...base, metadata: { labels: { ...base.metadata.labels, 'pod-template-hash': 'abc' } } },
    { ...base, spec: { containers: [{ image: 'x', name: 'c', resources: {}, env: [] }] } },
  ];
  for (const other of same) t.equal(canonicalTemplate(other as never), canonicalTemplate(base as never));
  const volume = (source: object) => ({ ...base, spec: { ...base.spec, volumes: [{ name: 'v', ...source }] } });
  t.not(canonicalTemplate(volume({ emptyDir: {} }) as never), canonicalTemplate(volume({}) as never));
  t.not(hashTemplate(base as never), hashTemplate(base as never, 1), 'a collision gives another hash');
});

t.test('planStatus', async (t) => {
  const of = (
    status: object | undefined,
    newSet: ReplicaSet | undefined,
    old: ReplicaSet[],
    over: object = {},
    at = now,
  ) => planStatus({ deployment: deployment({ ...over, status }), newSet, old, now: at });
  const reason = (plan: ReturnType<typeof of>, type = 'Progressing') =>
    plan.status?.conditions?.find((condition) => condition.type === type)?.reason;

  const started = of(undefined, set('new', 'new', 10, 0), []);
  t.equal(reason(started), 'ReplicaSetUpdated');
  t.equal(reason(started, 'Available'), 'MinimumReplicasUnavailable');
  t.equal(started.againInMs, 601_000, 'the deadline is checked');
  const settled = of(started.status, set('new', 'new', 10, 0), []);
  t.equal(settled.status, undefined, 'an unchanged status is not written');

  const late = of(started.status, set('new', 'new', 10, 0), [], {}, now + 601_000);
  t.equal(reason(late), 'ProgressDeadlineExceeded');
  t.equal(late.againInMs, undefined);
  const renewed = of(started.status, set('new', 'new', 10, 4), [], {}, now + 601_000);
  t.equal(reason(renewed), 'ReplicaSetUpdated', 'progress renews the deadline');

  const done = of(started.status, set('new', 'new', 10), []);
  t.equal(reason(done), 'NewReplicaSetAvailable');
  t.equal(reason(done, 'Available'), 'MinimumReplicasAvailable');
  t.ok(done.complete);
  const dip = of(done.status, set('new', 'new', 10, 7), [], {}, now + 5_000_000);
  t.equal(reason(dip), 'NewReplicaSetAvailable', 'failing pods do not undo a complete rollout');
  const again = of(done.status, set('new', 'new', 3, 0), [set('old', 'old', 10)], {}, now + 5_000_000);
  t.equal(reason(again), 'NewReplicaSetCreated', 'a new template starts a new rollout with its own deadline');
  t.equal(again.status?.conditions?.find(({ type }) => type === 'Progressing')?.status, 'True');

  t.equal(reason(of(done.status, set('new', 'new', 10), [], { paused: true })), 'DeploymentPaused');
  const paused = of(done.status, set('new', 'new', 10), [], { paused: true });
  t.equal(reason(of(paused.status, set('new', 'new', 10), [])), 'DeploymentResumed');
  const endless = of(done.status, set('new', 'new', 10), [], { progressDeadlineSeconds: 2147483647 });
  t.equal(reason(endless), undefined);

  const failing = set('new', 'new', 10, 0);
  failing.status!.conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }];
  t.equal(reason(of(undefined, failing, []), 'ReplicaFailure'), 'FailedCreate');
});

t.test('the pass that creates a set starts a rollout by its name', (t) => {
  const progressing = (status: object | undefined) =>
    (status as Deployment['status'])?.conditions?.find(({ type }) => type === 'Progressing');
  const empty = deployment({ replicas: 0 });
  const first = planDeployment({ deployment: empty, sets: [], oldPodsRunning: () => false, now });
  const name = renderSet(empty, []).metadata?.name;
  t.match(progressing(first.status), {
    status: 'True',
    reason: 'NewReplicaSetCreated',
    message: `Created new replica set "${name}"`,
  });
  // Nothing is to be rolled out, so the next pass finds the rollout complete: of the new set, not of the one before.
  const created = { ...renderSet(empty, []), status: { replicas: 0 } } as ReplicaSet;
  const next = planDeployment({
    deployment: { ...empty, status: first.status as never },
    sets: [created],
    oldPodsRunning: () => false,
    now,
  });
  t.match(progressing(next.status), {
    reason: 'NewReplicaSetAvailable',
    message: `ReplicaSet "${name}" has successfully progressed.`,
  });
  const changed = planDeployment({
    deployment: deployment({ replicas: 0, template: template('newer'), status: next.status as never }),
    sets: [created],
    oldPodsRunning: () => false,
    now,
  });
  t.match(progressing(changed.status), { reason: 'NewReplicaSetCreated' });
  const resumed = {
    conditions: [
      { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' },
    ],
  };
  const after = planDeployment({
    deployment: deployment({ status: resumed }),
    sets: [],
    oldPodsRunning: () => false,
    now,
  });
  t.equal(progressing(after.status)?.reason, 'NewReplicaSetCreated', 'also the pass that resumes it');
  t.end();
});

t.test('a set that cannot be created is a condition, with its first message', (t) => {
  const message = 'Failed to create new replica set "web-1": replicasets.apps "web-1" is forbidden: exceeded quota: q';
  const status = creationFailure(deployment({ status: { replicas: 3 } }), message, now);
  t.match(status, {
    replicas: 3,
    conditions: [{ type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message }],
  });
  t.equal(creationFailure(deployment({ status: status as never }), 'another message', now), undefined);
  t.equal(creationFailure(deployment({ progressDeadlineSeconds: 2147483647 }), message, now), undefined);
  t.end();
});
