// spec.activeDeadlineSeconds: a pod that is active on its node for longer fails. Pure.
import { isTerminal, type Pod } from '../../../controlplane/api';
import type { PodVerdict } from './status-input';

const reason = 'DeadlineExceeded';
export const deadlineMessage = 'Pod was active on the node longer than the specified deadline';

/** When the pod's time is over, in ms since the epoch; undefined without a limit, or when it has ended already. */
export function deadlineMs(pod: Pod, takenAtMs: number): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  if (seconds === undefined || isTerminal(pod)) return undefined;
  const { startTime } = pod.status ?? {};
  return (startTime ? Date.parse(startTime) : takenAtMs) + seconds * 1000;
}

/** The verdict that the pod's time is over, from now or from before a restart of the kubelet. */
export function deadlineVerdict(pod: Pod, takenAtMs: number, now: number): PodVerdict | undefined {
  const verdict = { phase: 'Failed', reason, message: deadlineMessage } as const;
  if (pod.status?.phase === 'Failed' && pod.status.reason === reason) return verdict;
  const deadline = deadlineMs(pod, takenAtMs);
  return deadline !== undefined && deadline <= now ? verdict : undefined;
}
