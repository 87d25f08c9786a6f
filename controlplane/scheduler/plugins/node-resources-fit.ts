// Resources that a pod requests: the node must have them free, and the node with the larger free share is better.
import { always } from '../events';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { maxScore, type NodeRefusal, type SchedulerPlugin } from './plugin';

export const nodeResourcesFit: SchedulerPlugin = {
  name: 'NodeResourcesFit',
  helpedBy: {
    'node-added': (pod, { node }) => couldHold(pod, node),
    'node-capacity': (pod, { node, previous }) => couldHold(pod, node) && offersMore(pod, node, previous),
    'pod-removed': always,
    'pod-scaled-down': ({ requests }, { pod, previous }) =>
      Object.keys(requests).some(
        (name) => requests[name]! > 0 && (pod.requests[name] ?? 0) < (previous.requests[name] ?? 0),
      ),
  },
  filter:
    ({ pod }) =>
    (node) =>
      whatLacks(pod, node),
  score: {
    weight: 1,
    rate: ({ pod }, feasible) =>
      feasible.map((node) => (freeShare(pod, node, 'cpu') + freeShare(pod, node, 'memory')) / 2),
  },
};

/** Whether the empty node has room for the pod. */
function couldHold({ requests }: PodInfo, { allocatable }: NodeInfo): boolean {
  if ((allocatable['pods'] ?? 0) < 1) return false;
  return Object.keys(requests).every((name) => requests[name] === 0 || requests[name]! <= (allocatable[name] ?? 0));
}

/** Whether the node has more of a resource that the pod needs. */
function offersMore({ requests }: PodInfo, { allocatable }: NodeInfo, { allocatable: before }: NodeInfo): boolean {
  const wanted = ['pods', ...Object.keys(requests).filter((name) => requests[name]! > 0)];
  return wanted.some((name) => (allocatable[name] ?? 0) > (before[name] ?? 0));
}

function whatLacks(pod: PodInfo, node: NodeInfo): NodeRefusal | undefined {
  // The usual case: nothing lacks, and nothing is allocated.
  let reasons: string[] | undefined;
  let resolvable = true;
  if (node.pods.size + 1 > (node.allocatable['pods'] ?? 0)) reasons = ['Too many pods'];
  for (const name in pod.requests) {
    const wanted = pod.requests[name]!;
    const offered = node.allocatable[name] ?? 0;
    if (wanted === 0 || wanted <= offered - (node.requested[name] ?? 0)) continue;
    reasons ??= [];
    reasons.push(`Insufficient ${name}`);
    if (wanted > offered) resolvable = false;
  }
  return reasons && { reasons, resolvable };
}

/** The part of the node that is free after the pod is placed. */
function freeShare(pod: PodInfo, node: NodeInfo, name: 'cpu' | 'memory'): number {
  const offered = node.allocatable[name] ?? 0;
  const used = node.scoring[name] + pod.scoring[name];
  return offered === 0 || used > offered ? 0 : ((offered - used) * maxScore) / offered;
}
