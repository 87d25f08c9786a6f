// From a Job and its pods to the steps of one pass. Pure: no I/O, no clock.
//
// Finished pods are counted exactly once, although counts and pods are different objects (KEP-2307). Every pod has a finalizer. A
// finished pod is first noted in status.uncountedTerminatedPods, then loses its finalizer, and is counted when the copy shows it without
// the finalizer. So neither a crash between two writes nor the deletion of a pod by a user loses or doubles a count.
import { isDeepStrictEqual } from 'node:util';
import { conditionOf, isReady, withCondition } from '../../api/conditions';
import { isJobFinished, type Job, jobCondition } from '../../api/job';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { formatTime } from '../../base/clock';
import { isDeleting } from '../shared/owner';
import { isActive } from '../shared/pod';
import { rankForDeletion } from '../shared/rank';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export type Step =
  | { readonly action: 'create'; readonly count: number }
  | { readonly action: 'delete'; readonly pod: Pod }
  /** Removes the tracking finalizer; only after the status is written. */
  | { readonly action: 'release'; readonly pod: Pod }
  /** Deletes the Job: its ttlSecondsAfterFinished is over. */
  | { readonly action: 'expire' };

export interface Report {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

type JobStatus = NonNullable<Job['status']>;
type JobCondition = NonNullable<JobStatus['conditions']>[number];

export interface JobPlan {
  /** The status to write first; undefined when it is right already. */
  readonly status?: JobStatus;
  readonly steps: readonly Step[];
  readonly reports: readonly Report[];
  /** When to plan again without an event, in ms from now. */
  readonly againInMs?: number;
}

/** Pods created in one pass, as upstream. */
const burst = 500;
/** The wait after the first failure, doubling with each failure in a row. */
const backoffMs = { initial: 10_000, max: 600_000 };

interface Verdict {
  readonly condition: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}
const success: Verdict = {
  condition: 'SuccessCriteriaMet',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
};
const tooManyFailures: Verdict = {
  condition: 'FailureTarget',
  reason: 'BackoffLimitExceeded',
  message: 'Job has reached the specified backoff limit',
};
const tooLate: Verdict = {
  condition: 'FailureTarget',
  reason: 'DeadlineExceeded',
  message: 'Job was active longer than specified deadline',
};

interface Counts {
  /** In the final counts of the status. */
  readonly succeeded: number;
  readonly failed: number;
  /** uids of pods that are noted but not counted yet. */
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  readonly allSucceeded: number;
  readonly allFailed: number;
}

/** What one plan rests on. */
interface Observed {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly now: number;
  readonly counts: Counts;
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  readonly suspended: boolean;
  readonly startTime: string | undefined;
  readonly deadlineInMs: number | undefined;
}

/** What is done in this pass, apart from the release of pods that are counted. */
interface Course {
  readonly steps: readonly Step[];
  readonly conditions: readonly JobCondition[];
  readonly reports: readonly Report[];
  readonly completionTime?: string;
  readonly againInMs?: number;
}

export function planJob(job: Job, pods: readonly Pod[], now: number): JobPlan {
  if (isJobFinished(job)) return planFinished(job, pods, now);
  const observed = observe(job, pods, now);
  const verdict = earlierVerdict(job) ?? judge(observed);
  const course = verdict ? planEnd(observed, verdict) : planWork(observed);
  const status = renderStatus(observed, course);
  return {
    ...(isSame(job.status, status) ? {} : { status }),
    steps: [...planReleases(observed), ...course.steps],
    reports: course.reports,
    againInMs: course.againInMs,
  };
}

function observe(job: Job, pods: readonly Pod[], now: number): Observed {
  const suspended = job.spec?.suspend === true;
  const startTime = suspended ? undefined : (job.status?.startTime ?? formatTime(now));
  return {
    job,
    pods,
    now,
    counts: countPods(job, pods),
    active: pods.filter(isActive),
    terminating: pods.filter((pod) => isDeleting(pod) && !isTerminal(pod)),
    suspended,
    startTime,
    deadlineInMs: deadline(job, startTime, now),
  };
}

/** Pods that are noted in the status lose their finalizer. */
function planReleases({ pods, counts }: Observed): readonly Step[] {
  const noted = new Set([...counts.uncounted.succeeded, ...counts.uncounted.failed]);
  return pods
    .filter((pod) => noted.has(pod.metadata?.uid ?? '') && isTracked(pod))
    .map((pod) => ({ action: 'release', pod }));
}

const deleteAll = (pods: readonly Pod[]): Step[] => pods.map((pod) => ({ action: 'delete', pod }));

/** The Job has succeeded or failed: its pods are deleted, and it is finished when none is left and all are counted. */
function planEnd({ job, counts, active, terminating, now }: Observed, verdict: Verdict): Course {
  const { condition: type, reason, message } = verdict;
  const steps = deleteAll(active);
  const conditions = withCondition(job.status?.conditions, { type, status: 'True', reason, message }, now);
  const { succeeded, failed } = counts.uncounted;
  const finished = active.length + terminating.length + succeeded.length + failed.length === 0;
  if (!finished) return { steps, conditions, reports: [] };
  const complete = type === 'SuccessCriteriaMet';
  const last = { type: complete ? 'Complete' : 'Failed', status: 'True', reason, message };
  return {
    steps,
    conditions: withCondition(conditions, last, now),
    reports: [
      complete
        ? { type: 'Normal', reason: 'Completed', message: 'Job completed' }
        : { type: 'Warning', reason, message },
    ],
    ...(complete ? { completionTime: formatTime(now) } : {}),
  };
}

/** The Job goes on, or is suspended. */
function planWork(observed: Observed): Course {
  const { job, pods, counts, active, suspended, deadlineInMs, now } = observed;
  const work: PodsPlan = suspended
    ? { steps: deleteAll(active) }
    : isDeleting(job)
      ? { steps: [] }
      : planPods(job, pods, counts, now);
  const soon = [work.inMs, deadlineInMs].filter((inMs) => inMs !== undefined);
  const againInMs = soon.length > 0 ? Math.min(...soon) : undefined;
  return { steps: work.steps, ...planSuspension(job, suspended, now), againInMs };
}

function renderStatus(
  { counts, active, terminating, startTime }: Observed,
  { conditions, completionTime }: Course,
): JobStatus {
  const { succeeded, failed } = counts.uncounted;
  return {
    active: active.length || undefined,
    ready: active.filter(isReady).length,
    terminating: terminating.length,
    succeeded: counts.succeeded || undefined,
    failed: counts.failed || undefined,
    startTime,
    completionTime,
    uncountedTerminatedPods: {
      ...(succeeded.length > 0 ? { succeeded: [...succeeded] } : {}),
      ...(failed.length > 0 ? { failed: [...failed] } : {}),
    },
    conditions: conditions.length > 0 ? [...conditions] : undefined,
  };
}

const isTracked = ({ metadata }: Pod): boolean => (metadata?.finalizers ?? []).includes(trackingFinalizer);
const isSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';
/** A pod that is being deleted counts as failed at once, unless podReplacementPolicy waits for its end. */
const isFailed = (job: Job, pod: Pod): boolean =>
  pod.status?.phase === 'Failed' ||
  (job.spec?.podReplacementPolicy !== 'Failed' && isDeleting(pod) && !isSucceeded(pod)) ||
  // The kubelet has ended the pod, whatever its phase is.
  (isDeleting(pod) && pod.metadata?.deletionGracePeriodSeconds === 0 && !isSucceeded(pod));

function countPods(job: Job, pods: readonly Pod[]): Counts {
  const { status } = job;
  const tracked = pods.filter(isTracked);
  const held = new Set(tracked.map(({ metadata }) => metadata?.uid ?? ''));
  const known = {
    succeeded: status?.uncountedTerminatedPods?.succeeded ?? [],
    failed: status?.uncountedTerminatedPods?.failed ?? [],
  };
  const noted = new Set([...known.succeeded, ...known.failed]);
  const fresh = (test: (pod: Pod) => boolean) =>
    tracked
      .filter((pod) => test(pod) && !noted.has(pod.metadata?.uid ?? ''))
      .map(({ metadata }) => metadata?.uid ?? '');
  const still = (uids: readonly string[]) => uids.filter((uid) => held.has(uid));
  const succeeded = (status?.succeeded ?? 0) + known.succeeded.length - still(known.succeeded).length;
  const failed = (status?.failed ?? 0) + known.failed.length - still(known.failed).length;
  const uncounted = {
    succeeded: [...still(known.succeeded), ...fresh(isSucceeded)].sort(),
    failed: [...still(known.failed), ...fresh((pod) => isFailed(job, pod))].sort(),
  };
  return {
    succeeded,
    failed,
    uncounted,
    allSucceeded: succeeded + uncounted.succeeded.length,
    allFailed: failed + uncounted.failed.length,
  };
}

/** A verdict in the status does not change. */
function earlierVerdict(job: Job): Verdict | undefined {
  for (const condition of ['FailureTarget', 'SuccessCriteriaMet'] as const) {
    if (!jobCondition(job, condition)) continue;
    const { reason = '', message = '' } = job.status?.conditions?.find(({ type }) => type === condition) ?? {};
    return { condition, reason, message };
  }
  return undefined;
}

function judge({ job, counts, active, deadlineInMs }: Observed): Verdict | undefined {
  const { allSucceeded, allFailed } = counts;
  const { backoffLimit = 6, completions, template } = job.spec ?? {};
  if (allFailed > backoffLimit) return tooManyFailures;
  if (template?.spec?.restartPolicy === 'OnFailure') {
    const restarts = active
      .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
      .reduce((total, { restartCount }) => total + restartCount, 0);
    if (backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit) return tooManyFailures;
  }
  if (deadlineInMs !== undefined && deadlineInMs <= 0) return tooLate;
  const reached = completions === undefined ? allSucceeded > 0 && active.length === 0 : allSucceeded >= completions;
  return reached ? success : undefined;
}

function deadline(job: Job, startTime: string | undefined, now: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  return seconds === undefined || !startTime ? undefined : Date.parse(startTime) + seconds * 1000 - now;
}

interface PodsPlan {
  readonly steps: readonly Step[];
  /** When pods may be created after failures. */
  readonly inMs?: number;
}

/** Brings the number of running pods to the number of completions that are missing, at most `parallelism` at once. */
function planPods(job: Job, pods: readonly Pod[], { allSucceeded }: Counts, now: number): PodsPlan {
  const { parallelism = 1, completions, podReplacementPolicy } = job.spec ?? {};
  const active = pods.filter(isActive);
  const open =
    completions === undefined ? (allSucceeded > 0 ? active.length : parallelism) : completions - allSucceeded;
  const desired = Math.max(0, Math.min(open, parallelism));
  if (active.length > desired) {
    const ranked = rankForDeletion(active, active, now);
    return { steps: deleteAll(ranked.slice(0, active.length - desired)) };
  }
  const waitedFor =
    podReplacementPolicy === 'Failed' ? pods.filter((pod) => isDeleting(pod) && !isFailed(job, pod)).length : 0;
  const missing = Math.min(desired - active.length - waitedFor, burst);
  if (missing <= 0) return { steps: [] };
  const inMs = backoffLeft(job, pods, now);
  return inMs > 0 ? { steps: [], inMs } : { steps: [{ action: 'create', count: missing }] };
}

/** How long new pods must wait because of failures since the last success. */
function backoffLeft(job: Job, pods: readonly Pod[], now: number): number {
  const lastSuccess = Math.max(0, ...pods.filter(isSucceeded).map((pod) => finishedAt(pod, now)));
  const failures = pods
    .filter((pod) => isFailed(job, pod))
    .map((pod) => finishedAt(pod, now))
    .filter((at) => at > lastSuccess);
  if (failures.length === 0) return 0;
  const wait = Math.min(backoffMs.initial * 2 ** (failures.length - 1), backoffMs.max);
  return Math.max(...failures) + wait - now;
}

function finishedAt({ metadata, status }: Pod, now: number): number {
  const ends = (status?.containerStatuses ?? []).flatMap(({ state }) => {
    const at = Date.parse(state?.terminated?.finishedAt ?? '');
    return Number.isNaN(at) ? [] : [at];
  });
  if (ends.length > 0) return Math.max(...ends);
  const ready = conditionOf({ status }, 'Ready')?.lastTransitionTime;
  return Date.parse(ready ?? metadata?.deletionTimestamp ?? '') || now;
}

/** The condition Suspended, and the report of its change. */
function planSuspension(job: Job, suspended: boolean, now: number): Pick<Course, 'conditions' | 'reports'> {
  const before = job.status?.conditions ?? [];
  if (suspended === jobCondition(job, 'Suspended')) return { conditions: before, reports: [] };
  const [reason, message] = suspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  const next = { type: 'Suspended', status: suspended ? 'True' : 'False', reason, message };
  return {
    conditions: withCondition(before, next, now),
    reports: [{ type: 'Normal', reason: suspended ? 'Suspended' : 'Resumed', message }],
  };
}

/** Running pods are deleted, finalizers are removed, and the Job is deleted when its time is over. */
function planFinished(job: Job, pods: readonly Pod[], now: number): JobPlan {
  const steps: Step[] = pods.filter(isTracked).map((pod) => ({ action: 'release', pod }));
  for (const pod of pods) if (isActive(pod)) steps.push({ action: 'delete', pod });
  const ttl = job.spec?.ttlSecondsAfterFinished;
  if (ttl === undefined || isDeleting(job)) return { steps, reports: [] };
  const finished = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const left = Date.parse(finished?.lastTransitionTime ?? '') + ttl * 1000 - now;
  // The time of the end is unknown, so it is unknown whether the Job's time is over.
  if (Number.isNaN(left)) return { steps, reports: [] };
  if (left > 0) return { steps, reports: [], againInMs: left };
  return { steps: [...steps, { action: 'expire' }], reports: [] };
}

function isSame(before: Job['status'], after: JobStatus): boolean {
  return isDeepStrictEqual(before ?? {}, JSON.parse(JSON.stringify(after)));
}
