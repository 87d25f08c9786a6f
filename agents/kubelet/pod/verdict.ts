// When the kubelet itself fails a pod: refused before it runs, evicted, or past its deadline. Pure.
import type { Pod } from '../../../controlplane/api';
import { evicted } from '../eviction/admission';
import type { Eviction } from '../eviction/evictor';
import { shutdownMessage, shutdownReason } from '../node/shutdown-plan';
import { forbiddenSysctl } from '../spec/sysctls';
import type { Refusal } from './admission';
import { deadlineMessage, deadlineVerdict } from './deadline';
import type { PodVerdict } from './status-input';

export interface VerdictInput {
  readonly takenAtMs: number;
  /** Why the node does not admit the pod next to its others. */
  readonly refusal?: Refusal | undefined;
  /** Why the node ends the pod. */
  readonly eviction?: Pick<Eviction, 'reason' | 'message' | 'disrupted'> | undefined;
  readonly now: number;
  readonly allowedUnsafeSysctls: readonly string[];
}

const sysctlReason = 'SysctlForbidden';

/** Undefined while the pod may run. A verdict in the API is kept, even if this kubelet would decide otherwise. */
export function podVerdict(pod: Pod, input: VerdictInput): PodVerdict | undefined {
  const { takenAtMs, now, allowedUnsafeSysctls, refusal, eviction } = input;
  const { phase, reason = '', message = '' } = pod.status ?? {};
  if (phase === 'Failed' && message.startsWith(prefix)) return { phase, reason, message, rejected: true };
  const shutDown = reason === shutdownReason && message === shutdownMessage;
  if (phase === 'Failed' && (reason === evicted || shutDown)) return { phase, reason, message };
  if (eviction) return { phase: 'Failed', reason: eviction.reason ?? evicted, ...pick(eviction) };
  if (refusal) return rejected(refusal);
  const forbidden = forbiddenSysctl(pod, allowedUnsafeSysctls);
  if (forbidden === undefined) return deadlineVerdict(pod, takenAtMs, now);
  return rejected({ reason: sysctlReason, message: `forbidden sysctl: ${forbidden}` });
}

const rejected = ({ reason, message }: Refusal): PodVerdict => ({
  phase: 'Failed',
  reason,
  message: `${prefix}${message}`,
  rejected: true,
});

const pick = ({ message, disrupted }: Pick<Eviction, 'message' | 'disrupted'>) => ({ message, disrupted });

const prefix = 'Pod was rejected: ';

/** The Event that reports a verdict. The shutdown of the node has an Event of its own. */
export function verdictEvent(
  verdict: PodVerdict,
): readonly [type: 'Normal' | 'Warning', reason: string, message: string] | undefined {
  if (verdict.reason === shutdownReason) return undefined;
  if (verdict.reason === evicted && !verdict.rejected) return ['Warning', verdict.reason, verdict.message];
  if (!verdict.rejected) return ['Normal', verdict.reason, deadlineMessage];
  return ['Warning', verdict.reason, verdict.message.slice(prefix.length)];
}
