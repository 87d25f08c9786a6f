// Nodes whose resources fill up alike are better: what counts is how much the pod improves the balance.
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { maxScore, type SchedulerPlugin } from './plugin';
import { cpuAndMemory, type ResourceSpec, type Use, useOf } from './resource-scoring';

export interface BalancedAllocationArgs {
  readonly resources: readonly Pick<ResourceSpec, 'name'>[];
}

export const nodeResourcesBalancedAllocation = ({ resources }: BalancedAllocationArgs = { resources: cpuAndMemory }) =>
  ({
    name: 'NodeResourcesBalancedAllocation',
    helpedBy: {},
    score: {
      weight: 1,
      rate({ pod }, feasible) {
        // A pod without requests would go to the same node again and again.
        if (resources.every(({ name }) => (pod.requests[name] ?? 0) === 0)) return undefined;
        return feasible.map((node) => gain(pod, node, resources));
      },
    },
  }) satisfies SchedulerPlugin;

/** 75 when the pod changes nothing, up to 100 when it balances the node, down to 50 when it does the contrary. */
function gain(pod: PodInfo, node: NodeInfo, resources: readonly Pick<ResourceSpec, 'name'>[]): number {
  const uses = resources.map(({ name }) => useOf(name, pod, node, false)).filter(({ offered }) => offered > 0);
  const difference = balance(uses, ({ after }) => after) - balance(uses, ({ before }) => before);
  return maxScore / 2 + Math.trunc((maxScore / 2 + difference) / 2);
}

/** 100 minus the standard deviation of the used shares. */
function balance(uses: readonly Use[], amount: (use: Use) => number): number {
  const shares = uses.map((use) => Math.min(1, amount(use) / use.offered));
  return Math.trunc((1 - deviation(shares)) * maxScore);
}

function deviation(shares: readonly number[]): number {
  if (shares.length < 2) return 0;
  if (shares.length === 2) return Math.abs((shares[0]! - shares[1]!) / 2);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length);
}
