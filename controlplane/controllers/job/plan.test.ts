import t from 'tap';
import type { Job } from '../../api/job';
import type { Pod } from '../../api/pod';
import { type JobPlan, planJob } from './plan';
import { trackingFinalizer } from './pod-state';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString().replace('.000', '');

const job = (spec: Partial<Job['spec'] & object> = {}, status: object = {}, deleting = false): Job => ({
  metadata: { name: 'j', namespace: 'a', uid: 'job', ...(deleting ? { deletionTimestamp: at(0) as never } : {}) },
  spec: {
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    template: { spec: { restartPolicy: 'Never', containers: [] } },
    ...spec,
  },
  status: { startTime: at(60) as never, ...status },
});
interface Shape {
  phase?: string;
  tracked?: boolean;
  deleting?: boolean;
  endedSeconds?: number;
  restarts?: number;
}
const pod = (uid: string, shape: Shape = {}): Pod => ({
  metadata: {
    name: uid,
    namespace: 'a',
    uid,
    finalizers: shape.tracked === false ? undefined : [trackingFinalizer],
    ...(shape.deleting ? { deletionTimestamp: at(1) as never, deletionGracePeriodSeconds: 30 } : {}),
  },
  spec: { nodeName: 'n', containers: [] },
  status: {
    phase: shape.phase ?? 'Running',
    containerStatuses: [
      {
        name: 'c',
        restartCount: shape.restarts ?? 0,
        state:
          shape.endedSeconds === undefined ? {} : { terminated: { exitCode: 1, finishedAt: at(shape.endedSeconds) } },
      } as never,
    ],
  },
});
const steps = ({ steps: list }: JobPlan): string[] =>
  list.map((step) => {
    if (step.action === 'create') return `create ${step.count}`;
    return step.action === 'expire' ? 'expire' : `${step.action} ${step.pod.metadata?.name}`;
  });
const conditions = ({ status }: JobPlan): string[] =>
  (status?.conditions ?? []).map(({ type, status: value, reason }) => `${type}=${value} ${reason}`);

const cases: {
  name: string;
  job: Job;
  pods?: Pod[];
  steps?: string[];
  conditions?: string[];
  status?: object;
  againInMs?: number;
}[] = [
  {
    name: 'a new job starts its pod',
    job: job({}, { startTime: undefined }),
    steps: ['create 1'],
    status: { startTime: at(0) },
  },
  {
    name: 'as many at once as parallelism allows',
    job: job({ completions: 5, parallelism: 3 }),
    pods: [pod('a')],
    steps: ['create 2'],
  },
  {
    name: 'no more than the missing completions',
    job: job({ completions: 5, parallelism: 3 }, { succeeded: 4 }),
    pods: [pod('a')],
    steps: [],
  },
  {
    name: 'less parallelism deletes pods',
    job: job({ completions: 5, parallelism: 1 }),
    pods: [pod('a'), pod('b')],
    steps: ['drop a'],
  },
  {
    name: 'a success is recorded before the finalizer of its pod is removed',
    job: job({ completions: 2 }),
    pods: [pod('a', { phase: 'Succeeded' })],
    steps: ['release a', 'create 1'],
    status: { uncountedTerminatedPods: { succeeded: ['a'] } },
  },
  {
    name: 'a success is counted after the finalizer is removed',
    job: job({ completions: 2 }, { uncountedTerminatedPods: { succeeded: ['a'] } }),
    pods: [pod('a', { phase: 'Succeeded', tracked: false }), pod('b')],
    steps: [],
    status: { succeeded: 1, uncountedTerminatedPods: {} },
  },
  {
    name: 'a success is counted when the pod is deleted',
    job: job({ completions: 2 }, { uncountedTerminatedPods: { succeeded: ['a'] } }),
    pods: [pod('b')],
    status: { succeeded: 1, active: 1 },
  },
  {
    name: 'the job is not complete before the last success is counted',
    job: job(),
    pods: [pod('a', { phase: 'Succeeded' })],
    steps: ['release a'],
    conditions: ['SuccessCriteriaMet=True CompletionsReached'],
  },
  {
    name: 'the job is complete once the last success is counted',
    job: job(
      {},
      {
        uncountedTerminatedPods: { succeeded: ['a'] },
        conditions: [{ type: 'SuccessCriteriaMet', status: 'True', reason: 'CompletionsReached', message: 'm' }],
      },
    ),
    steps: [],
    conditions: ['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached'],
    status: { succeeded: 1, completionTime: at(0) },
  },
  {
    name: 'a work queue is complete when one pod has succeeded and none runs',
    job: job({ completions: undefined, parallelism: 2 }),
    pods: [pod('a', { phase: 'Succeeded' }), pod('b')],
    steps: ['release a'],
    conditions: [],
  },
  {
    name: 'after a failure the next pod waits',
    job: job(),
    pods: [pod('a', { phase: 'Failed', endedSeconds: 4 })],
    steps: ['release a'],
    againInMs: 6_000,
  },
  {
    name: 'the delay grows with failures in a row',
    job: job({}, { failed: 3 }),
    pods: [
      pod('a', { phase: 'Failed', endedSeconds: 100, tracked: false }),
      pod('b', { phase: 'Failed', endedSeconds: 50, tracked: false }),
      pod('c', { phase: 'Failed', endedSeconds: 39, tracked: false }),
    ],
    steps: [],
    againInMs: 1_000,
  },
  {
    name: 'too many failures',
    job: job({ backoffLimit: 1, parallelism: 2 }, { failed: 1 }),
    pods: [pod('a', { phase: 'Failed', endedSeconds: 1 }), pod('b')],
    steps: ['release a', 'drop b'],
    conditions: ['FailureTarget=True BackoffLimitExceeded'],
    status: { failed: 1, uncountedTerminatedPods: { failed: ['a', 'b'] } },
  },
  {
    name: 'restarts count when the pod restarts its containers',
    job: job({ backoffLimit: 2, template: { spec: { restartPolicy: 'OnFailure', containers: [] } } }),
    pods: [pod('a', { restarts: 2 })],
    steps: ['drop a'],
    conditions: ['FailureTarget=True BackoffLimitExceeded'],
  },
  {
    name: 'a failing job waits for its pods to end',
    job: job(
      {},
      { failed: 7, conditions: [{ type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded' }] },
    ),
    pods: [pod('b', { deleting: true, tracked: false })],
    conditions: ['FailureTarget=True BackoffLimitExceeded'],
  },
  {
    name: 'the job has failed once its pods have ended',
    job: job(
      {},
      { failed: 7, conditions: [{ type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded' }] },
    ),
    conditions: ['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'],
  },
  {
    name: 'after its deadline',
    job: job({ activeDeadlineSeconds: 60 }),
    pods: [pod('a')],
    steps: ['drop a'],
    conditions: ['FailureTarget=True DeadlineExceeded'],
  },
  {
    name: 'before its deadline',
    job: job({ activeDeadlineSeconds: 90 }),
    pods: [pod('a')],
    steps: [],
    againInMs: 30_000,
  },
  {
    name: 'suspended: pods are deleted, the start time is removed',
    job: job({ suspend: true }),
    pods: [pod('a')],
    steps: ['drop a'],
    conditions: ['Suspended=True JobSuspended'],
    status: { startTime: undefined, active: undefined, ready: 0, terminating: 1 },
  },
  {
    name: 'resumed: a new start time',
    job: job({}, { startTime: undefined, conditions: [{ type: 'Suspended', status: 'True' }] }),
    steps: ['create 1'],
    conditions: ['Suspended=False JobResumed'],
    status: { startTime: at(0) },
  },
  {
    name: 'a pod that is being deleted counts as failed and is replaced',
    job: job({ completions: 2, parallelism: 2 }),
    pods: [pod('a'), pod('b', { deleting: true })],
    steps: ['release b'],
    againInMs: 9_000,
  },
  {
    name: 'with podReplacementPolicy Failed a pod is replaced only when it has ended',
    job: job({ podReplacementPolicy: 'Failed' }),
    pods: [pod('b', { deleting: true })],
    steps: [],
  },
  {
    name: 'a success drops the other pods, which do not count as failed',
    job: job({ completions: 1, parallelism: 2 }),
    pods: [pod('a', { phase: 'Succeeded' }), pod('b'), pod('c', { deleting: true })],
    steps: ['release a', 'release c', 'drop b'],
    conditions: ['SuccessCriteriaMet=True CompletionsReached'],
    status: { uncountedTerminatedPods: { succeeded: ['a'], failed: ['c'] } },
  },
  {
    name: 'a job that ends while it is suspended has a start time',
    job: job({ completions: 0, suspend: true }, { startTime: undefined }),
    steps: [],
    conditions: ['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached'],
    status: { startTime: at(0), completionTime: at(0) },
  },
  {
    name: 'the status names at most five hundred pods: the others wait',
    job: job({ completions: 600, parallelism: 600 }),
    pods: Array.from({ length: 502 }, (_, i) => pod(`p${i}`, { phase: 'Succeeded' })),
    steps: [...Array.from({ length: 500 }, (_, i) => `release p${i}`), 'create 98'],
  },
  { name: 'a job that is being deleted creates no pods', job: job({}, {}, true), steps: [] },
];
for (const each of cases) {
  t.test(each.name, async (t) => {
    const plan = planJob(each.job, each.pods ?? [], now);
    if (each.steps) t.same(steps(plan), each.steps);
    if (each.conditions) t.same(conditions(plan), each.conditions);
    if (each.status) t.has(plan.status, each.status);
    if (each.againInMs !== undefined) t.equal(plan.againInMs, each.againInMs);
  });
}

t.test('an unchanged status is not written again', async (t) => {
  const { status } = planJob(job(), [pod('a')], now);
  const stored = JSON.parse(JSON.stringify(status)) as object;
  t.equal(planJob(job({}, stored), [pod('a')], now).status, undefined);
});

t.test('conditions have both times', async (t) => {
  const { status } = planJob(job({ suspend: true }), [], now);
  t.match(status?.conditions, [{ type: 'Suspended', lastProbeTime: at(0), lastTransitionTime: at(0) }]);
});

t.test('too many successes are reported', async (t) => {
  const conditions = [{ type: 'SuccessCriteriaMet', status: 'True' }];
  const { reports } = planJob(job({ completions: 1 }, { succeeded: 2, conditions }), [], now);
  t.same(
    reports.map(({ reason }) => reason),
    ['TooManySucceededPods', 'Completed'],
  );
});

t.test('a finished job removes finalizers and is deleted after its TTL', async (t) => {
  const done = { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: at(50) }] };
  const waiting = planJob(job({ ttlSecondsAfterFinished: 60 }, done), [pod('a', { phase: 'Succeeded' })], now);
  t.same(steps(waiting), ['release a']);
  t.equal(waiting.againInMs, 10_000);
  t.same(steps(planJob(job({ ttlSecondsAfterFinished: 50 }, done), [], now)), ['expire']);
  t.same(steps(planJob(job({}, done), [], now)), []);
  const timeless = { conditions: [{ type: 'Complete', status: 'True' }] };
  const unknown = planJob(job({ ttlSecondsAfterFinished: 0 }, timeless), [pod('a', { phase: 'Succeeded' })], now);
  t.same(steps(unknown), ['release a'], 'at an unknown time');
});
