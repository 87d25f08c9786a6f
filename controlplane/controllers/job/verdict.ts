// Whether a Job has succeeded or failed, and why. Pure.
import { type Job, jobCondition } from '../../api/job';
import { countIndexes } from '../../api/jobs/indexes';
import type { Pod } from '../../api/pod';
import type { Counts } from './counts';
import { matchFailurePolicy } from './failure-policy';
import { isFailed } from './pod-state';
import { matchSuccessPolicy } from './success-policy';

/** The condition that a Job has from its verdict on, until its pods have ended. */
export interface Verdict {
  readonly condition: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly reason: string;
  readonly message: string;
}
const failure = (reason: string, message: string): Verdict => ({ condition: 'FailureTarget', reason, message });
const success = (reason: string, message: string): Verdict => ({ condition: 'SuccessCriteriaMet', reason, message });

export interface Judged {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly counts: Counts;
  readonly deadlineInMs: number | undefined;
}

/** A verdict in the status does not change. */
export function earlierVerdict(job: Job): Verdict | undefined {
  for (const condition of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    if (!jobCondition(job, condition)) continue;
    const { reason = '', message = '' } = job.status?.conditions?.find(({ type }) => type === condition) ?? {};
    return { condition, reason, message };
  }
  return undefined;
}

/** In upstream's order: a failure is found before a success. */
export function judge(judged: Judged): Verdict | undefined {
  const { job, counts, active } = judged;
  const { completions } = job.spec ?? {};
  const failed = judgeFailures(judged) ?? judgeIndexes(job, counts);
  if (failed) return failed;
  const met = counts.completedIndexes && matchSuccessPolicy(job, counts.completedIndexes);
  if (met !== undefined) return success('SuccessPolicy', met);
  const { allSucceeded } = counts;
  const reached = completions === undefined ? allSucceeded > 0 && active.length === 0 : allSucceeded >= completions;
  return reached ? success('CompletionsReached', 'Reached expected number of succeeded pods') : undefined;
}

function judgeFailures({ job, pods, active, counts, deadlineInMs }: Judged): Verdict | undefined {
  const { backoffLimit = 6, template, podFailurePolicy } = job.spec ?? {};
  if (podFailurePolicy) {
    for (const pod of pods) {
      const message = isFailed(job, pod) ? matchFailurePolicy(podFailurePolicy, pod).message : undefined;
      if (message !== undefined) return failure('PodFailurePolicy', message);
    }
  }
  const tooMany = failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if (counts.allFailed > backoffLimit) return tooMany;
  if (template?.spec?.restartPolicy === 'OnFailure') {
    const restarts = active
      .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
      .reduce((total, { restartCount }) => total + restartCount, 0);
    if (backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit) return tooMany;
  }
  if (deadlineInMs === undefined || deadlineInMs > 0) return undefined;
  return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
}

/** An index that failed too often fails alone; the Job fails when too many have, or when no other index is left. */
function judgeIndexes({ spec }: Job, { completedIndexes = [], failedIndexes }: Counts): Verdict | undefined {
  const failed = countIndexes(failedIndexes ?? []);
  if (failed === 0) return undefined;
  if (spec?.maxFailedIndexes !== undefined && failed > spec.maxFailedIndexes) {
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  const isOver = failed + countIndexes(completedIndexes) >= (spec?.completions ?? 0);
  return isOver ? failure('FailedIndexes', 'Job has failed indexes') : undefined;
}
