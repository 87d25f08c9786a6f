// From a Job and its pods to the steps of one pass. Pure: no I/O, no clock. How pods are counted: counts.ts.
import { isDeepStrictEqual } from 'node:util';
import { isReady } from '../../api/conditions';
import { isJobFinished, type Job, jobCondition } from '../../api/job';
import { renderIndexes } from '../../api/jobs/indexes';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { formatTime } from '../../base/clock';
import { isDeleting } from '../shared/owner';
import { isActive } from '../shared/pod';
import { type Counts, countPods } from './counts';
import { type Place, planPods } from './plan-pods';
import { isTracked } from './pod-state';
import { earlierVerdict, judge, type Verdict } from './verdict';

export type Step =
  /** `places`: one for each pod of an indexed Job. */
  | { readonly action: 'create'; readonly count: number; readonly places?: readonly Place[] }
  /** Removes the tracking finalizer; only after the status is written. */
  | { readonly action: 'release'; readonly pod: Pod }
  /** The same, and then deletes the pod: what it does from now on does not count. */
  | { readonly action: 'drop'; readonly pod: Pod }
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
  if (verdict) return render(observed, ...planEnd(observed, verdict));
  return render(observed, observed.counts, planWork(observed));
}

function render(observed: Observed, counts: Counts, course: Course): JobPlan {
  const { job } = observed;
  const status = renderStatus(observed, counts, course);
  return {
    ...(isSame(job.status, status) ? {} : { status }),
    steps: [...counts.released.map((pod): Step => ({ action: 'release', pod })), ...course.steps],
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
    counts: countPods(job, pods, now),
    active: pods.filter(isActive),
    terminating: pods.filter((pod) => isDeleting(pod) && !isTerminal(pod)),
    suspended,
    startTime,
    deadlineInMs: deadline(job, startTime, now),
  };
}

const dropAll = (pods: readonly Pod[]): Step[] => pods.map((pod) => ({ action: 'drop', pod }));

/**
 * The Job has succeeded or failed: its pods are deleted, and it is finished when none is left and all are counted. Pods that a failure
 * ends count as failed; those that a success ends do not.
 */
function planEnd(observed: Observed, verdict: Verdict): [Counts, Course] {
  const { job, pods, active, terminating, now } = observed;
  const { condition: type, reason, message } = verdict;
  const complete = type === 'SuccessCriteriaMet';
  const counts = countPods(job, pods, now, { failing: complete ? [] : [...active, ...terminating] });
  const released = new Set(counts.released);
  const isFree = (pod: Pod) => !released.has(pod) && !counts.deferred.has(pod);
  const steps: Step[] = [
    ...dropAll(active.filter(isFree)),
    ...terminating.filter((pod) => isTracked(pod) && isFree(pod)).map((pod): Step => ({ action: 'release', pod })),
  ];
  const conditions = withJobCondition(job.status?.conditions, { type, status: 'True', reason, message }, now);
  const { succeeded, failed } = counts.uncounted;
  const left = [active, terminating, succeeded, failed, counts.released];
  const isOver = left.every(({ length }) => length === 0);
  if (!isOver) return [counts, { steps, conditions, reports: [] }];
  const last = { type: complete ? 'Complete' : 'Failed', status: 'True', reason, message };
  const { completions } = job.spec ?? {};
  const reports: Report[] = [];
  if (complete && completions !== undefined && counts.succeeded > completions) {
    const detail = 'Too many succeeded pods running after completion count reached';
    reports.push({ type: 'Warning', reason: 'TooManySucceededPods', message: detail });
  }
  reports.push(
    complete ? { type: 'Normal', reason: 'Completed', message: 'Job completed' } : { type: 'Warning', reason, message },
  );
  const course = { steps, conditions: withJobCondition(conditions, last, now), reports };
  return [counts, complete ? { ...course, completionTime: formatTime(now) } : course];
}

/** The Job goes on, or is suspended. */
function planWork(observed: Observed): Course {
  const { job, active, suspended, deadlineInMs, now } = observed;
  const work = suspended ? { steps: dropAll(active) } : isDeleting(job) ? { steps: [] } : planRun(observed);
  const soon = [work.inMs, deadlineInMs].filter((inMs) => inMs !== undefined);
  const againInMs = soon.length > 0 ? Math.min(...soon) : undefined;
  return { steps: work.steps, ...planSuspension(job, suspended, now), againInMs };
}

function planRun({ job, pods, counts, now }: Observed): { steps: readonly Step[]; inMs?: number } {
  const { drop, create, places, inMs } = planPods(job, pods, counts, now);
  const creation: Step[] = create > 0 ? [{ action: 'create', count: create, ...(places ? { places } : {}) }] : [];
  return { steps: [...dropAll(drop), ...creation], ...(inMs === undefined ? {} : { inMs }) };
}

function renderStatus(
  { job, active, terminating, startTime, now }: Observed,
  counts: Counts,
  { conditions, completionTime, steps }: Course,
): JobStatus {
  const { succeeded, failed } = counts.uncounted;
  // Pods that this pass deletes are no longer active, as upstream: a Job that is reported as suspended has no pods.
  const dropped = new Set(steps.flatMap((step) => (step.action === 'drop' ? [step.pod] : [])));
  const left = active.filter((pod) => !dropped.has(pod));
  const isOver = conditions.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
  return {
    active: left.length || undefined,
    ready: left.filter(isReady).length,
    terminating: terminating.length + dropped.size,
    succeeded: counts.succeeded || undefined,
    failed: counts.failed || undefined,
    // A Job that ends while it is suspended has a start, as every finished Job.
    startTime: startTime ?? (isOver ? (job.status?.startTime ?? formatTime(now)) : undefined),
    completionTime,
    completedIndexes: (counts.completedIndexes && renderIndexes(counts.completedIndexes)) || undefined,
    // An empty text says that no index has failed so far.
    failedIndexes: counts.failedIndexes && renderIndexes(counts.failedIndexes),
    uncountedTerminatedPods: {
      ...(succeeded.length > 0 ? { succeeded: [...succeeded] } : {}),
      ...(failed.length > 0 ? { failed: [...failed] } : {}),
    },
    conditions: conditions.length > 0 ? [...conditions] : undefined,
  };
}

function deadline(job: Job, startTime: string | undefined, now: number): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  return seconds === undefined || !startTime ? undefined : Date.parse(startTime) + seconds * 1000 - now;
}

/** The condition Suspended, and the report of its change. */
function planSuspension(job: Job, suspended: boolean, now: number): Pick<Course, 'conditions' | 'reports'> {
  const before = job.status?.conditions ?? [];
  if (suspended === jobCondition(job, 'Suspended')) return { conditions: before, reports: [] };
  const [reason, message] = suspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  const next = { type: 'Suspended', status: suspended ? 'True' : 'False', reason, message };
  return {
    conditions: withJobCondition(before, next, now),
    reports: [{ type: 'Normal', reason: suspended ? 'Suspended' : 'Resumed', message }],
  };
}

/** Conditions of Jobs have two times, which change together with any other field. */
function withJobCondition(
  conditions: readonly JobCondition[] | undefined,
  next: Pick<JobCondition, 'type' | 'status' | 'reason' | 'message'>,
  now: number,
): readonly JobCondition[] {
  const list = conditions ?? [];
  const before = list.find(({ type }) => type === next.type);
  const isKnown =
    before?.status === next.status &&
    (before.reason ?? '') === (next.reason ?? '') &&
    (before.message ?? '') === (next.message ?? '');
  if (isKnown) return list;
  const time = formatTime(now);
  const after = { ...next, lastProbeTime: time, lastTransitionTime: time } as JobCondition;
  return before ? list.map((condition) => (condition === before ? after : condition)) : [...list, after];
}

/** Running pods are deleted, finalizers are removed, and the Job is deleted when its time is over. */
function planFinished(job: Job, pods: readonly Pod[], now: number): JobPlan {
  const steps = pods.flatMap((pod): Step[] => {
    if (isActive(pod)) return [{ action: 'drop', pod }];
    return isTracked(pod) ? [{ action: 'release', pod }] : [];
  });
  const { againInMs, ...expiry } = planExpiry(job, now);
  return { ...expiry, steps: [...steps, ...expiry.steps], ...(againInMs === undefined ? {} : { againInMs }) };
}

/** All that is done for a finished Job whose pods another controller manages. */
export function planExpiry(job: Job, now: number): JobPlan {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  const idle = { steps: [], reports: [] };
  if (ttl === undefined || isDeleting(job) || !isJobFinished(job)) return idle;
  const finished = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const left = Date.parse(finished?.lastTransitionTime ?? '') + ttl * 1000 - now;
  // The time of the end is unknown, so it is unknown whether the Job's time is over.
  if (Number.isNaN(left)) return idle;
  return left > 0 ? { ...idle, againInMs: left } : { ...idle, steps: [{ action: 'expire' }] };
}

function isSame(before: Job['status'], after: JobStatus): boolean {
  return isDeepStrictEqual(before ?? {}, JSON.parse(JSON.stringify(after)));
}
