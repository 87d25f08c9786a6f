// What the changes of objects mean for the scheduler. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Node } from '../api/node';
import type { Pod } from '../api/pod';
import type { PodDisruptionBudget } from '../api/pod-disruption-budget';
import { selectorFromLabelSelector } from '../api/selector';
import type { ClusterEvent } from './events';
import { type NodeInfo, nodeInfo } from './node-info';
import type { PodInfo } from './pod-info';
import type { Budget } from './preemption';

export function toBudget({ metadata, spec, status }: PodDisruptionBudget): Budget {
  return {
    namespace: metadata?.namespace ?? '',
    // An absent selector selects no pod, so it becomes a requirement that no pod meets. An empty selector selects every pod.
    selector: selectorFromLabelSelector(spec?.selector) ?? [{ key: '', operator: 'Exists', values: [] }],
    allowed: status?.disruptionsAllowed ?? 0,
    disrupted: new Set(Object.keys(status?.disruptedPods ?? {})),
  };
}

/** Another scheduler, or this scheduler before a restart, has evicted the pod. */
export function isPreempted({ metadata, status }: Pod): boolean {
  if (metadata?.deletionTimestamp === undefined) return false;
  return (status?.conditions ?? []).some(
    ({ type, status: value, reason }) =>
      type === 'DisruptionTarget' && value === 'True' && reason === 'PreemptionByScheduler',
  );
}

export function nodeEvents(before: Node, node: NodeInfo): ClusterEvent[] {
  const after = node.node!;
  const types: ('node-labels' | 'node-taints' | 'node-capacity')[] = [];
  if (!isDeepStrictEqual(before.metadata?.labels, after.metadata?.labels)) types.push('node-labels');
  if (
    !isDeepStrictEqual(before.spec?.taints, after.spec?.taints) ||
    before.spec?.unschedulable !== after.spec?.unschedulable
  ) {
    types.push('node-taints');
  }
  if (!isDeepStrictEqual(before.status?.allocatable, after.status?.allocatable)) types.push('node-capacity');
  if (types.length === 0) return [];
  const previous = nodeInfo(before);
  return types.map((type) => ({ type, node, previous }));
}

export const requestsLess = ({ requests }: PodInfo, { requests: before }: PodInfo): boolean =>
  Object.keys(before).some((name) => (requests[name] ?? 0) < before[name]!);

export function mattersForScheduling(before: Pod, after: Pod): boolean {
  return (
    !isDeepStrictEqual(before.spec, after.spec) || !isDeepStrictEqual(before.metadata?.labels, after.metadata?.labels)
  );
}
