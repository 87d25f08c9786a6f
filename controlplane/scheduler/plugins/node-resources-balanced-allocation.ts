// Nodes whose cpu and memory fill up alike are better: with two resources the deviation is half their difference.
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { maxScore, type SchedulerPlugin } from './plugin';

export const nodeResourcesBalancedAllocation: SchedulerPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  helpedBy: {},
  score: {
    weight: 1,
    rate: ({ pod }, feasible) =>
      feasible.map(
        (node) => maxScore * (1 - Math.abs(usedShare(pod, node, 'cpu') - usedShare(pod, node, 'memory')) / 2),
      ),
  },
};

function usedShare(pod: PodInfo, node: NodeInfo, name: 'cpu' | 'memory'): number {
  const offered = node.allocatable[name] ?? 0;
  return offered === 0 ? 1 : Math.min(1, ((node.requested[name] ?? 0) + (pod.requests[name] ?? 0)) / offered);
}
