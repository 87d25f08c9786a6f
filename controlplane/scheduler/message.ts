// Why a pod could not be placed, in the words of kube-scheduler: people search for them.
import type { Refusal } from './filter';

export interface Refused {
  readonly nodeCount: number;
  /** Of each node. */
  readonly refusals: Iterable<Refusal>;
  /** Of the pod itself, before any node was checked: its reasons have no numbers. */
  readonly podRefusal?: Refusal | undefined;
}

/**
 * `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. no new claims to deallocate, preemption: ...`
 * Upstream's plug-in DynamicResources says the words about claims for every pod that has no claim of a device.
 */
export function renderUnschedulable({ nodeCount, refusals, podRefusal }: Refused, preemption?: string): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods';
  const reasons = podRefusal
    ? podRefusal.reasons.join(', ')
    : renderCounts([...refusals].flatMap((refusal) => refusal.reasons));
  const base = `0/${nodeCount} nodes are available: ${reasons}.`;
  if (!preemption) return base;
  return preemption === nothingGathered
    ? `${base} ${preemption}`
    : `${base} no new claims to deallocate, preemption: ${preemption}`;
}

/**
 * In place of what preemption found for a pod that no node was checked for: upstream's plug-in DynamicResources misses what it gathers later
 * than other plug-ins refuse, and nothing is preempted.
 */
export const nothingGathered = 'not found';

/** Why preemption found no node. */
export function renderPreemption(nodeCount: number, outcomes: readonly string[]): string {
  return `0/${nodeCount} nodes are available: ${renderCounts(outcomes)}.`;
}

export const noVictims = 'No preemption victims found for incoming pod';
export const notHelpful = 'Preemption is not helpful for scheduling';

/** `1 b, 2 a`: sorted as text with the numbers, as upstream does. */
function renderCounts(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
