// Which pods of a Job have succeeded and failed, counted exactly once. Pure.
//
// Counts and pods are different objects (KEP-2307). Every pod has a finalizer. A finished pod is first noted in
// status.uncountedTerminatedPods, then loses its finalizer, and is counted when the copy shows it without the finalizer. So neither a
// crash between two writes nor the deletion of a pod by a user loses or doubles a count. A success of an indexed Job is noted by its
// index, which needs no uid: an index that is noted twice counts once.

import type { Job } from '../../api/job';
import { countIndexes, hasIndex, type IndexRanges, parseIndexes, withIndexes } from '../../api/jobs/indexes';
import type { Pod } from '../../api/pod';
import { isDeleting } from '../shared/owner';
import { isActive } from '../shared/pod';
import { matchFailurePolicy } from './failure-policy';
import {
  completionIndexOf,
  finishedAt,
  indexFailures,
  isCompletion,
  isFailed,
  isIndexed,
  isSucceeded,
  isTracked,
  limitsIndexes,
  uidOf,
} from './pod-state';

/** So many uids the status holds at most, as upstream: the other pods follow in later passes. */
const maxUncounted = 500;

export interface Counts {
  /** In the final counts of the status. */
  readonly succeeded: number;
  readonly failed: number;
  /** uids of pods that are noted but not counted yet. */
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  /** Of an indexed Job. */
  readonly completedIndexes?: IndexRanges;
  /** Of an indexed Job with backoffLimitPerIndex. */
  readonly failedIndexes?: IndexRanges;
  readonly allSucceeded: number;
  readonly allFailed: number;
  /** Finished pods that may lose their finalizer once the status is written. */
  readonly released: readonly Pod[];
  /** Pods that must keep their finalizer for now: the status has no room for them. */
  readonly deferred: ReadonlySet<Pod>;
  /**
   * Index → its last failed pod, which keeps its finalizer until a pod replaces it: the new pod gets its number of failures. Of Jobs
   * with backoffLimitPerIndex.
   */
  readonly awaitingReplacement: ReadonlyMap<number, Pod>;
}

/** `ended`: the Job has a verdict, so no pod is replaced, and the pods in `failing` count as failed, whatever their state. */
export function countPods(
  job: Job,
  pods: readonly Pod[],
  now: number,
  ended?: { readonly failing: readonly Pod[] },
): Counts {
  const { status } = job;
  const known = {
    succeeded: status?.uncountedTerminatedPods?.succeeded ?? [],
    failed: status?.uncountedTerminatedPods?.failed ?? [],
  };
  const tracked = pods.filter(isTracked);
  const held = new Set(tracked.map(uidOf));
  const noted = new Set([...known.succeeded, ...known.failed]);
  const still = (uids: readonly string[]) => uids.filter((uid) => held.has(uid));
  const valid = tracked.filter((pod) => isCompletion(job, pod));
  const indexes = countByIndex(job, valid);
  // A Job that is being deleted replaces no pod: one that waited for it would keep its finalizer, and its namespace, for ever.
  const replaces = !ended && !isDeleting(job);
  const waiting = replaces ? findAwaiting(job, pods, valid, indexes, now) : new Map<number, Pod>();
  const isWaiting = (pod: Pod) => waiting.get(completionIndexOf(pod) ?? -1) === pod;

  const freshlySucceeded = isIndexed(job) ? [] : valid.filter((pod) => isSucceeded(pod) && !noted.has(uidOf(pod)));
  const failing = new Set(ended?.failing);
  const freshlyFailed = valid.filter(
    (pod) =>
      (isFailed(job, pod) || failing.has(pod)) && !isSucceeded(pod) && !noted.has(uidOf(pod)) && isCounted(job, pod),
  );
  const kept = { succeeded: still(known.succeeded), failed: still(known.failed) };
  const room = Math.max(0, maxUncounted - kept.succeeded.length - kept.failed.length);
  const nextSucceeded = freshlySucceeded.slice(0, room);
  const mayNote = freshlyFailed.filter((pod) => !isWaiting(pod));
  const nextFailed = mayNote.slice(0, room - nextSucceeded.length);
  const later = new Set([...freshlySucceeded.slice(nextSucceeded.length), ...mayNote.slice(nextFailed.length)]);

  const counted = {
    succeeded: (status?.succeeded ?? 0) + known.succeeded.length - kept.succeeded.length,
    failed: (status?.failed ?? 0) + known.failed.length - kept.failed.length,
  };
  const uncounted = {
    succeeded: [...kept.succeeded, ...nextSucceeded.map(uidOf)].sort(),
    failed: [...kept.failed, ...nextFailed.map(uidOf)].sort(),
  };
  const released = tracked.filter(
    (pod) => (isSucceeded(pod) || isFailed(job, pod)) && !isWaiting(pod) && !later.has(pod),
  );
  return {
    succeeded: indexes ? countIndexes(indexes.completed) : counted.succeeded,
    failed: counted.failed,
    uncounted,
    ...(indexes ? { completedIndexes: indexes.completed } : {}),
    ...(indexes?.failed ? { failedIndexes: indexes.failed } : {}),
    allSucceeded: indexes
      ? countIndexes(indexes.completed)
      : counted.succeeded + kept.succeeded.length + freshlySucceeded.length,
    allFailed: counted.failed + kept.failed.length + freshlyFailed.length,
    released,
    deferred: later,
    awaitingReplacement: waiting,
  };
}

const isCounted = ({ spec }: Job, pod: Pod): boolean =>
  spec?.podFailurePolicy === undefined || matchFailurePolicy(spec.podFailurePolicy, pod).action !== 'Ignore';

interface Indexes {
  readonly completed: IndexRanges;
  readonly failed?: IndexRanges;
}

function countByIndex(job: Job, valid: readonly Pod[]): Indexes | undefined {
  if (!isIndexed(job)) return undefined;
  const { status, spec } = job;
  const completions = spec?.completions ?? 0;
  const indexesOf = (pods: readonly Pod[]) => pods.map((pod) => completionIndexOf(pod)!);
  const completed = withIndexes(
    parseIndexes(status?.completedIndexes, completions),
    indexesOf(valid.filter(isSucceeded)),
  );
  if (!limitsIndexes(job)) return { completed };
  const before = parseIndexes(status?.failedIndexes, completions);
  return { completed, failed: withIndexes(before, indexesOf(valid.filter((pod) => failsIndex(job, pod)))) };
}

/** The failure of this pod is the last one of its index. */
function failsIndex(job: Job, pod: Pod): boolean {
  if (!isFailed(job, pod) || isSucceeded(pod)) return false;
  const { action } = matchFailurePolicy(job.spec?.podFailurePolicy, pod);
  if (action === 'FailIndex') return true;
  return action !== 'Ignore' && indexFailures(pod).counted >= (job.spec?.backoffLimitPerIndex ?? 0);
}

function findAwaiting(
  job: Job,
  pods: readonly Pod[],
  valid: readonly Pod[],
  indexes: Indexes | undefined,
  now: number,
): ReadonlyMap<number, Pod> {
  const waiting = new Map<number, Pod>();
  if (!indexes?.failed) return waiting;
  const active = new Set(pods.filter(isActive).map(completionIndexOf));
  const failures = (pod: Pod) => indexFailures(pod).counted + indexFailures(pod).ignored;
  for (const pod of valid) {
    const index = completionIndexOf(pod)!;
    if (!isFailed(job, pod) || active.has(index)) continue;
    if (hasIndex(indexes.completed, index) || hasIndex(indexes.failed, index)) continue;
    const before = waiting.get(index);
    const isLater = !before || (failures(before) <= failures(pod) && finishedAt(before, now) <= finishedAt(pod, now));
    if (isLater) waiting.set(index, pod);
  }
  return waiting;
}
