// When the kubelet itself fails a pod: refused before it runs, or past its deadline. Pure.
import type { Pod } from '../../../controlplane/api';
import { forbiddenSysctl } from '../spec/sysctls';
import { deadlineMessage, deadlineVerdict } from './deadline';
import type { PodVerdict } from './status-input';

export interface VerdictInput {
  readonly takenAtMs: number;
  readonly now: number;
  readonly allowedUnsafeSysctls: readonly string[];
}

const sysctlReason = 'SysctlForbidden';

/** Undefined while the pod may run. A verdict in the API is kept, even if this kubelet would decide otherwise. */
export function podVerdict(pod: Pod, { takenAtMs, now, allowedUnsafeSysctls }: VerdictInput): PodVerdict | undefined {
  const { phase, reason, message = '' } = pod.status ?? {};
  if (phase === 'Failed' && reason === sysctlReason) return { phase, reason, message, rejected: true };
  const forbidden = forbiddenSysctl(pod, allowedUnsafeSysctls);
  if (forbidden === undefined) return deadlineVerdict(pod, takenAtMs, now);
  const text = `${prefix}forbidden sysctl: ${forbidden}`;
  return { phase: 'Failed', reason: sysctlReason, message: text, rejected: true };
}

const prefix = 'Pod was rejected: ';

/** The Event that reports a verdict. */
export function verdictEvent(
  verdict: PodVerdict,
): readonly [type: 'Normal' | 'Warning', reason: string, message: string] {
  if (!verdict.rejected) return ['Normal', verdict.reason, deadlineMessage];
  return ['Warning', verdict.reason, verdict.message.slice(prefix.length)];
}
