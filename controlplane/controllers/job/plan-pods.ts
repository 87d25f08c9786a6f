// How many pods of a Job are created and deleted while it runs, and for which completion indexes. Pure.
import type { Job } from '../../api/job';
import { type IndexRanges, mergeRanges, withIndexes } from '../../api/jobs/indexes';
import type { Pod } from '../../api/pod';
import { isTerminal } from '../../api/pods/facts';
import { isDeleting } from '../shared/owner';
import { isActive } from '../shared/pod';
import { rankForDeletion } from '../shared/rank';
import type { Counts } from './counts';
import { matchFailurePolicy } from './failure-policy';
import {
  completionIndexOf,
  finishedAt,
  indexFailures,
  isCompletion,
  isFailed,
  isIndexed,
  isSucceeded,
  limitsIndexes,
  replacesOnlyEnded,
} from './pod-state';

/** The pod of a completion index. */
export interface Place {
  readonly index: number;
  /** How often earlier pods of the index have failed; of Jobs with backoffLimitPerIndex. */
  readonly failures?: { readonly counted: number; readonly ignored: number };
}

export interface PodsPlan {
  /** Pods to delete that count neither as failed nor as succeeded. */
  readonly drop: readonly Pod[];
  /** How many pods to create, and for which indexes if the Job is indexed. */
  readonly create: number;
  readonly places?: readonly Place[];
  /** When pods may be created after failures. */
  readonly inMs?: number;
}

/** Pods created or deleted in one pass, as upstream. */
const burst = 500;
/** The wait after the first failure, doubling with each failure in a row. */
const backoffMs = { initial: 10_000, max: 600_000 };

/** Brings the number of running pods to the number of completions that are missing, at most `parallelism` at once. */
export function planPods(job: Job, pods: readonly Pod[], counts: Counts, now: number): PodsPlan {
  const { parallelism = 1, completions } = job.spec ?? {};
  const { allSucceeded } = counts;
  const active = pods.filter(isActive);
  const open =
    completions === undefined ? (allSucceeded > 0 ? active.length : parallelism) : completions - allSucceeded;
  const desired = Math.max(0, Math.min(open, parallelism));
  const drop = surplus(job, active, Math.max(0, active.length - desired), now).slice(0, burst);
  // Deletions come first; the next pass sees what is missing then.
  if (drop.length > 0) return { drop, create: 0 };
  const terminating = pods.filter((pod) => isDeleting(pod) && !isTerminal(pod) && !isFailed(job, pod));
  const waitedFor = replacesOnlyEnded(job) ? terminating : [];
  const missing = Math.min(desired - active.length - waitedFor.length, burst);
  if (missing <= 0) return { drop: [], create: 0 };
  const inMs = limitsIndexes(job) ? 0 : backoffLeft(job, pods, now);
  if (inMs > 0) return { drop: [], create: 0, inMs };
  return isIndexed(job)
    ? planPlaces(job, [...active, ...waitedFor], counts, missing, now)
    : { drop: [], create: missing };
}

/** At least `count` of the active pods. Of an indexed Job also those that have no index of their own. */
function surplus(job: Job, active: readonly Pod[], count: number, now: number): Pod[] {
  const useless = isIndexed(job) ? withoutPlace(job, active, now) : [];
  if (useless.length >= count) return useless;
  const found = new Set(useless);
  const rest = active.filter((pod) => !found.has(pod));
  return [...useless, ...rankForDeletion(rest, rest, now).slice(0, count - useless.length)];
}

/** Pods without a valid index, and all but the best pod of each index. */
function withoutPlace(job: Job, active: readonly Pod[], now: number): Pod[] {
  const byIndex = Map.groupBy(active, (pod) => (isCompletion(job, pod) ? completionIndexOf(pod) : undefined));
  return [...byIndex].flatMap(([index, same]) => {
    if (index === undefined) return same;
    return same.length > 1 ? rankForDeletion(same, same, now).slice(0, -1) : [];
  });
}

function planPlaces(job: Job, running: readonly Pod[], counts: Counts, count: number, now: number): PodsPlan {
  const places: Place[] = [];
  const waits: number[] = [];
  for (const index of pendingIndexes(job, running, counts, count)) {
    const replaced = counts.awaitingReplacement.get(index);
    const inMs = replaced ? indexBackoffLeft(replaced, now) : 0;
    if (inMs > 0) waits.push(inMs);
    else if (limitsIndexes(job)) places.push({ index, failures: failuresAfter(job, replaced) });
    else places.push({ index });
  }
  return {
    drop: [],
    create: places.length,
    places,
    ...(waits.length > 0 ? { inMs: Math.min(...waits) } : {}),
  };
}

/** The lowest indexes that have neither ended nor a pod. */
function pendingIndexes(job: Job, running: readonly Pod[], counts: Counts, count: number): number[] {
  const { completions = 0 } = job.spec ?? {};
  const { completedIndexes = [], failedIndexes = [] } = counts;
  const indexes = new Set(running.flatMap((pod) => completionIndexOf(pod) ?? []));
  const taken: IndexRanges = withIndexes(mergeRanges(completedIndexes, failedIndexes), indexes);
  const pending: number[] = [];
  let candidate = 0;
  const takeUntil = (end: number) => {
    for (; candidate < end && pending.length < count; candidate++) pending.push(candidate);
  };
  for (const { first, last } of taken) {
    takeUntil(Math.min(first, completions));
    candidate = last + 1;
  }
  takeUntil(completions);
  return pending;
}

function failuresAfter(job: Job, replaced: Pod | undefined): NonNullable<Place['failures']> {
  if (!replaced) return { counted: 0, ignored: 0 };
  const { counted, ignored } = indexFailures(replaced);
  const isIgnored = matchFailurePolicy(job.spec?.podFailurePolicy, replaced).action === 'Ignore';
  return isIgnored ? { counted, ignored: ignored + 1 } : { counted: counted + 1, ignored };
}

const backoffAfter = (failures: number): number => Math.min(backoffMs.initial * 2 ** (failures - 1), backoffMs.max);

function indexBackoffLeft(replaced: Pod, now: number): number {
  const { counted, ignored } = indexFailures(replaced);
  return finishedAt(replaced, now) + backoffAfter(counted + ignored + 1) - now;
}

/** How long new pods must wait because of failures since the last success. */
function backoffLeft(job: Job, pods: readonly Pod[], now: number): number {
  const succeeded = pods.filter(isSucceeded).map((pod) => finishedAt(pod, now));
  const lastSuccess = succeeded.reduce((last, at) => Math.max(last, at), 0);
  const failures = pods
    .filter((pod) => isFailed(job, pod))
    .map((pod) => finishedAt(pod, now))
    .filter((at) => at > lastSuccess);
  if (failures.length === 0) return 0;
  return failures.reduce((last, at) => Math.max(last, at), 0) + backoffAfter(failures.length) - now;
}
