// What one pod of a Job is to the Job: tracked, failed, of which completion index. Pure.
import { conditionOf } from '../../api/conditions';
import type { Job } from '../../api/job';
import {
  completionIndexAnnotation,
  indexFailureCountAnnotation,
  indexIgnoredFailureCountAnnotation,
} from '../../api/jobs/names';
import type { Pod } from '../../api/pod';
import { parseInt32 } from '../../base/integers';
import { isDeleting } from '../shared/owner';

/** Every pod of a Job has it until it is counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export const uidOf = ({ metadata }: Pod): string => metadata?.uid ?? '';
export const isTracked = ({ metadata }: Pod): boolean => (metadata?.finalizers ?? []).includes(trackingFinalizer);
export const isSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';
export const isIndexed = ({ spec }: Job): boolean => spec?.completionMode === 'Indexed';
export const limitsIndexes = (job: Job): boolean => isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined;

/** A failure policy looks at the end of a pod, so it also waits for it. */
export const replacesOnlyEnded = ({ spec }: Job): boolean =>
  spec?.podReplacementPolicy === 'Failed' || spec?.podFailurePolicy !== undefined;

/** A pod that is being deleted counts as failed at once, unless the Job waits for its end. */
export const isFailed = (job: Job, pod: Pod): boolean =>
  pod.status?.phase === 'Failed' ||
  (!replacesOnlyEnded(job) && isDeleting(pod) && !isSucceeded(pod)) ||
  // The kubelet has ended the pod, whatever its phase is.
  (isDeleting(pod) && pod.metadata?.deletionGracePeriodSeconds === 0 && !isSucceeded(pod));

/** Undefined for a pod without an index: it belongs to no index of an indexed Job. */
export function completionIndexOf({ metadata }: Pod): number | undefined {
  const index = parseInt32(metadata?.annotations?.[completionIndexAnnotation]);
  return index !== undefined && index >= 0 ? index : undefined;
}

/** False for a pod that is none of the Job's completions: without an index, or with one that the Job no longer has. */
export function isCompletion(job: Job, pod: Pod): boolean {
  if (!isIndexed(job)) return true;
  const index = completionIndexOf(pod);
  return index !== undefined && index < (job.spec?.completions ?? 0);
}

/** Failures of earlier pods of the same index. */
export const indexFailures = (pod: Pod) => ({
  counted: countIn(pod, indexFailureCountAnnotation),
  ignored: countIn(pod, indexIgnoredFailureCountAnnotation),
});

const countIn = ({ metadata }: Pod, annotation: string): number =>
  Math.max(0, parseInt32(metadata?.annotations?.[annotation]) ?? 0);

export function finishedAt({ metadata, status }: Pod, now: number): number {
  const ends = (status?.containerStatuses ?? []).flatMap(({ state }) => {
    const at = Date.parse(state?.terminated?.finishedAt ?? '');
    return Number.isNaN(at) ? [] : [at];
  });
  if (ends.length > 0) return Math.max(...ends);
  const ready = conditionOf({ status }, 'Ready')?.lastTransitionTime;
  return Date.parse(ready ?? metadata?.deletionTimestamp ?? '') || now;
}
