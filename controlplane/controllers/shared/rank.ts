// Which pods are deleted first when a ReplicaSet shrinks: the order of Kubernetes' ActivePodsWithRanks.

import { isReady } from '../../api/conditions';
import type { Pod } from '../../api/pod';
import { parseInt32 } from '../../base/integers';
import { readySince } from './pod';

const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * `pods` in the order of deletion. `related` are all active pods of the same application, also those of other ReplicaSets of the
 * Deployment: a node with many of them loses a pod first.
 */
export function rankForDeletion(pods: readonly Pod[], related: readonly Pod[], now: number): Pod[] {
  const perNode = new Map<string, number>();
  for (const { spec } of related) perNode.set(spec?.nodeName ?? '', (perNode.get(spec?.nodeName ?? '') ?? 0) + 1);
  const keyed = pods.map((pod) => ({ pod, key: sortKey(pod, perNode, now) }));
  keyed.sort((a, b) => {
    const i = a.key.findIndex((value, at) => value !== b.key[at]);
    return i >= 0 ? a.key[i]! - b.key[i]! : (a.pod.metadata?.uid ?? '') < (b.pod.metadata?.uid ?? '') ? -1 : 1;
  });
  return keyed.map(({ pod }) => pod);
}

/** Compared from left to right; the pod with the smaller value is deleted first. */
function sortKey(pod: Pod, perNode: ReadonlyMap<string, number>, now: number): number[] {
  const node = pod.spec?.nodeName ?? '';
  const restarts = Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
  return [
    node === '' ? 0 : 1,
    phaseOrder[pod.status?.phase ?? 'Pending'] ?? 0,
    isReady(pod) ? 1 : 0,
    costOf(pod),
    -(perNode.get(node) ?? 0),
    ageRank(readySince(pod), now),
    -restarts,
    ageRank(Date.parse(pod.metadata?.creationTimestamp ?? '') || undefined, now),
  ];
}

function costOf({ metadata }: Pod): number {
  const text = metadata?.annotations?.[deletionCost] ?? '0';
  // As upstream: no plus sign and no leading zero.
  return /^(-|[1-9])/.test(text) ? (parseInt32(text) ?? 0) : 0;
}

/** Ages within a factor of two count as equal, so that not only the youngest pods are deleted (KEP-2185). */
function ageRank(sinceMs: number | undefined, now: number): number {
  const age = sinceMs === undefined ? 0 : now - sinceMs;
  return age > 0 ? Math.floor(Math.log2(age)) : -1;
}
