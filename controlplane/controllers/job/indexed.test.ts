import t from 'tap';
import type { Job } from '../../api/job';
import {
  completionIndexAnnotation,
  indexFailureCountAnnotation,
  indexIgnoredFailureCountAnnotation,
} from '../../api/jobs/names';
import type { Pod } from '../../api/pod';
import { type JobPlan, planJob } from './plan';
import { trackingFinalizer } from './pod-state';
import { renderPod } from './render-pod';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString().replace('.000', '');

type Spec = NonNullable<Job['spec']>;
const job = (spec: Partial<Spec> = {}, status: object = {}): Job => ({
  metadata: { name: 'j', namespace: 'a', uid: 'job' },
  spec: {
    completions: 3,
    parallelism: 3,
    completionMode: 'Indexed',
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1,
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c' }] } },
    ...spec,
  },
  status: { startTime: at(60) as never, ...status },
});
const deleting = (one: Job): Job => ({ ...one, metadata: { ...one.metadata, deletionTimestamp: at(1) as never } });
interface Shape {
  readonly phase?: string;
  readonly tracked?: boolean;
  readonly deleting?: boolean;
  readonly endedSeconds?: number;
  readonly exitCode?: number;
  readonly failures?: number;
  readonly ignored?: number;
  readonly condition?: string;
}
const pod = (uid: string, index: number | undefined, shape: Shape = {}): Pod => ({
  metadata: {
    name: uid,
    namespace: 'a',
    uid,
    finalizers: shape.tracked === false ? undefined : [trackingFinalizer],
    annotations: {
      ...(index === undefined ? {} : { [completionIndexAnnotation]: String(index) }),
      ...(shape.failures === undefined ? {} : { [indexFailureCountAnnotation]: String(shape.failures) }),
      ...(shape.ignored === undefined ? {} : { [indexIgnoredFailureCountAnnotation]: String(shape.ignored) }),
    },
    ...(shape.deleting ? { deletionTimestamp: at(1) as never, deletionGracePeriodSeconds: 30 } : {}),
  },
  spec: { nodeName: 'n', containers: [] },
  status: {
    phase: shape.phase ?? 'Running',
    ...(shape.condition ? { conditions: [{ type: shape.condition, status: 'True' }] } : {}),
    containerStatuses:
      shape.endedSeconds === undefined
        ? []
        : [
            {
              name: 'c',
              restartCount: 0,
              state: { terminated: { exitCode: shape.exitCode ?? 1, finishedAt: at(shape.endedSeconds) } },
            } as never,
          ],
  },
});
const failed = (uid: string, index: number, shape: Shape = {}) =>
  pod(uid, index, { phase: 'Failed', endedSeconds: 100, failures: 0, ...shape });
const steps = ({ steps: list }: JobPlan): string[] =>
  list.flatMap((step) => {
    if (step.action === 'expire') return ['expire'];
    if (step.action !== 'create') return [`${step.action} ${step.pod.metadata?.name}`];
    return (step.places ?? []).map(({ index, failures }) =>
      failures ? `create ${index} after ${failures.counted}+${failures.ignored}` : `create ${index}`,
    );
  });
const verdicts = ({ status }: JobPlan): string[] =>
  (status?.conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
const exit = (action: string, code: number) => ({ action, onExitCodes: { operator: 'In', values: [code] } });

const cases: Array<{
  name: string;
  job: Job;
  pods?: Pod[];
  steps?: string[];
  verdicts?: string[];
  status?: object;
  againInMs?: number;
}> = [
  { name: 'each index gets a pod', job: job(), steps: ['create 0', 'create 1', 'create 2'], status: {} },
  {
    name: 'the lowest indexes that are neither done nor running',
    job: job({ completions: 9 }, { completedIndexes: '0,2-3', succeeded: 3 }),
    pods: [pod('a', 4)],
    steps: ['create 1', 'create 5'],
    status: { completedIndexes: '0,2,3', succeeded: 3 },
  },
  {
    name: 'a success is noted by its index, and its pod is released at once',
    job: job({ completions: 9, parallelism: 1 }, { completedIndexes: '0,2', succeeded: 2 }),
    pods: [pod('a', 1, { phase: 'Succeeded' })],
    steps: ['release a', 'create 3'],
    status: { completedIndexes: '0-2', succeeded: 3, uncountedTerminatedPods: {} },
  },
  {
    name: 'two successes of one index count once',
    job: job({ parallelism: 1 }),
    pods: [pod('a', 1, { phase: 'Succeeded' }), pod('b', 1, { phase: 'Succeeded' })],
    steps: ['release a', 'release b', 'create 0'],
    status: { completedIndexes: '1', succeeded: 1 },
  },
  {
    name: 'pods without an index of their own are dropped before others are created',
    job: job({ completions: 5, parallelism: 5 }),
    pods: [pod('a', 0), pod('b', 0), pod('none', undefined), pod('c', 5)],
    steps: ['drop a', 'drop none', 'drop c'],
  },
  {
    name: 'a smaller Job forgets the indexes that it no longer has',
    job: job({ completions: 2, parallelism: 2 }, { completedIndexes: '0,2', succeeded: 2 }),
    pods: [pod('b', 1), pod('d', 3, { phase: 'Failed' })],
    steps: ['release d'],
    status: { completedIndexes: '0', succeeded: 1, uncountedTerminatedPods: {} },
  },
  {
    name: 'with podReplacementPolicy Failed an index waits for the end of its pod',
    job: job({ completions: 2, parallelism: 2, podReplacementPolicy: 'Failed' }),
    pods: [pod('a', 0, { deleting: true })],
    steps: ['create 1'],
  },
  {
    name: 'all indexes are done',
    job: job({ completions: 2 }, { completedIndexes: '0' }),
    pods: [pod('b', 1, { phase: 'Succeeded' })],
    steps: ['release b'],
    verdicts: ['SuccessCriteriaMet CompletionsReached: Reached expected number of succeeded pods'],
  },
  {
    name: 'a failed index waits, and its pod keeps the number of failures until then',
    job: job({ backoffLimitPerIndex: 1, completions: 2 }),
    pods: [failed('a', 0, { endedSeconds: 4 })],
    steps: ['create 1 after 0+0'],
    status: { failedIndexes: '', failed: undefined },
    againInMs: 6_000,
  },
  {
    name: 'the new pod of an index has one failure more',
    job: job({ backoffLimitPerIndex: 3, completions: 1 }),
    pods: [failed('a', 0, { failures: 2, ignored: 1 })],
    steps: ['create 0 after 3+1'],
  },
  {
    name: 'the wait of an index grows with its own failures, ignored ones too',
    job: job({ backoffLimitPerIndex: 9, completions: 1 }),
    pods: [failed('a', 0, { failures: 2, ignored: 1, endedSeconds: 79 })],
    steps: [],
    againInMs: 1_000,
  },
  {
    name: 'a Job that is being deleted replaces no pod, so none waits for that',
    job: deleting(job({ backoffLimitPerIndex: 1, completions: 1 })),
    pods: [pod('a', 0, { phase: 'Pending', deleting: true, failures: 0 })],
    steps: ['release a'],
  },
  {
    name: 'a replaced pod is counted',
    job: job({ backoffLimitPerIndex: 1, completions: 1 }),
    pods: [failed('a', 0), pod('b', 0, { failures: 1 })],
    steps: ['release a'],
    status: { uncountedTerminatedPods: { failed: ['a'] } },
  },
  {
    name: 'an index fails alone after its last retry',
    job: job({ backoffLimitPerIndex: 1 }),
    pods: [failed('a', 0, { failures: 1 }), pod('b', 1), pod('c', 2)],
    steps: ['release a'],
    status: { failedIndexes: '0', uncountedTerminatedPods: { failed: ['a'] } },
    verdicts: [],
  },
  {
    name: 'too many indexes have failed',
    job: job({ backoffLimitPerIndex: 0, maxFailedIndexes: 1, completions: 5 }, { failedIndexes: '3' }),
    pods: [failed('a', 0), pod('b', 1)],
    steps: ['release a', 'drop b'],
    status: { failedIndexes: '0,3', uncountedTerminatedPods: { failed: ['a', 'b'] } },
    verdicts: [
      'FailureTarget MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes',
    ],
  },
  {
    name: 'no index is left and one has failed',
    job: job({ backoffLimitPerIndex: 0 }, { completedIndexes: '1,2', failedIndexes: '' }),
    pods: [failed('a', 0)],
    verdicts: ['FailureTarget FailedIndexes: Job has failed indexes'],
  },
  {
    name: 'a rule fails an index at once',
    job: job({ backoffLimitPerIndex: 6, podFailurePolicy: { rules: [exit('FailIndex', 42)] } }),
    pods: [failed('a', 0, { exitCode: 42 }), pod('b', 1), pod('c', 2)],
    status: { failedIndexes: '0' },
  },
  {
    name: 'an ignored failure does not count, and its index goes on',
    job: job({ backoffLimitPerIndex: 0, completions: 1, podFailurePolicy: { rules: [exit('Ignore', 3)] } }),
    pods: [failed('a', 0, { exitCode: 3 })],
    steps: ['create 0 after 0+1'],
    status: { failedIndexes: '', failed: undefined },
  },
  {
    name: 'without a limit per index an ignored pod is only released',
    job: job({ completions: 1, backoffLimit: 0, podFailurePolicy: { rules: [exit('Ignore', 3)] } }),
    pods: [failed('a', 0, { exitCode: 3 })],
    steps: ['release a', 'create 0'],
    status: { uncountedTerminatedPods: {} },
    verdicts: [],
  },
  {
    name: 'a rule about exit codes fails the Job',
    job: job({ podFailurePolicy: { rules: [exit('Ignore', 3), exit('FailJob', 42)] } }),
    pods: [failed('a', 0, { exitCode: 42 }), pod('b', 1)],
    steps: ['release a', 'drop b'],
    verdicts: [
      'FailureTarget PodFailurePolicy: Container c for pod a/a failed with exit code 42 matching FailJob rule at index 1',
    ],
  },
  {
    name: 'a rule about conditions fails the Job',
    job: job({
      podFailurePolicy: {
        rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
    }),
    pods: [failed('a', 0, { condition: 'DisruptionTarget' })],
    verdicts: [
      'FailureTarget PodFailurePolicy: Pod a/a has condition DisruptionTarget matching FailJob rule at index 0',
    ],
  },
  {
    name: 'a failure policy waits for the end of a pod',
    job: job({ completions: 1, podFailurePolicy: { rules: [exit('FailJob', 42)] } }),
    pods: [pod('a', 0, { deleting: true, endedSeconds: 1, exitCode: 42 })],
    steps: [],
    verdicts: [],
  },
  {
    name: 'a success policy: named indexes',
    job: job({ successPolicy: { rules: [{ succeededIndexes: '2' }, { succeededIndexes: '0,1', succeededCount: 1 }] } }),
    pods: [pod('a', 1, { phase: 'Succeeded' }), pod('b', 0), pod('c', 2)],
    steps: ['release a', 'drop b', 'drop c'],
    status: { completedIndexes: '1', uncountedTerminatedPods: {} },
    verdicts: ['SuccessCriteriaMet SuccessPolicy: Matched rules at index 1'],
  },
  {
    name: 'a success policy: all of the named indexes',
    job: job({ successPolicy: { rules: [{ succeededIndexes: '0,1' }] } }, { completedIndexes: '1' }),
    pods: [pod('a', 0), pod('c', 2)],
    verdicts: [],
  },
  {
    name: 'a success policy: a number of indexes',
    job: job({ successPolicy: { rules: [{ succeededCount: 2 }] } }, { completedIndexes: '0,2' }),
    pods: [pod('b', 1)],
    steps: ['drop b'],
    verdicts: ['SuccessCriteriaMet SuccessPolicy: Matched rules at index 0'],
  },
];
for (const each of cases) {
  t.test(each.name, async (t) => {
    const plan = planJob(each.job, each.pods ?? [], now);
    if (each.steps) t.same(steps(plan), each.steps);
    if (each.verdicts) t.same(verdicts(plan), each.verdicts);
    if (each.status) t.has(plan.status, each.status);
    if (each.againInMs !== undefined) t.equal(plan.againInMs, each.againInMs);
  });
}

t.test('a Job with a million completions costs what its ranges cost', async (t) => {
  const large = job({ completions: 1_000_000, parallelism: 2 }, { completedIndexes: '0-499999', succeeded: 500_000 });
  t.same(steps(planJob(large, [], now)), ['create 500000', 'create 500001']);
});

t.test('the pod of an index', async (t) => {
  const own = { name: 'JOB_COMPLETION_INDEX', value: 'mine' };
  const indexed = job({
    template: {
      metadata: { labels: { app: 'a' } },
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'c' }, { name: 'd', env: [own] }],
        initContainers: [{ name: 'i', env: [{ name: 'A', value: 'a' }] }],
      },
    },
  });
  const { metadata, spec } = renderPod(indexed, { index: 7, failures: { counted: 2, ignored: 0 } });
  t.equal(metadata?.generateName, 'j-7-');
  t.same(metadata?.labels, { app: 'a', [completionIndexAnnotation]: '7' });
  t.same(metadata?.annotations, { [completionIndexAnnotation]: '7', [indexFailureCountAnnotation]: '2' });
  t.equal(spec?.hostname, 'j-7');
  const variable = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${completionIndexAnnotation}']` } },
  };
  t.same(
    spec?.containers.map(({ env }) => env),
    [[variable], [own]],
  );
  t.same(spec?.initContainers?.[0]?.env, [{ name: 'A', value: 'a' }, variable]);
  const ignored = renderPod(indexed, { index: 0, failures: { counted: 0, ignored: 3 } });
  t.equal(ignored.metadata?.annotations?.[indexIgnoredFailureCountAnnotation], '3');
  const long = renderPod({ ...indexed, metadata: { name: 'x'.repeat(60) } }, { index: 12 });
  t.equal(long.metadata?.generateName, `${'x'.repeat(54)}-12-`, 'the name is cut, the index is not');
  t.equal(renderPod(indexed).spec?.hostname, undefined, 'a Job without indexes has none of this');
});
