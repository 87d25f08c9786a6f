// Nodes whose resources fill up alike are better: what counts is how much the pod improves the balance.
import { maxScore, type SchedulerPlugin } from './plugin';
import { askedOf, cpuAndMemory, type ResourceSpec, useBefore } from './resource-scoring';

export interface BalancedAllocationArgs {
  readonly resources: readonly ResourceSpec[];
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
        const asked = askedOf(resources, pod, false);
        const before: number[] = [];
        const after: number[] = [];
        return feasible.map((node) => {
          let count = 0;
          for (const one of asked) {
            const offered = node.offers(one.name);
            if (offered === 0) continue;
            const used = useBefore(one, node);
            before[count] = Math.min(1, used / offered);
            after[count++] = Math.min(1, (used + one.added) / offered);
          }
          return gain(balance(before, count), balance(after, count));
        });
      },
    },
  }) satisfies SchedulerPlugin;

/** 75 when the pod changes nothing, up to 100 when it balances the node, down to 50 when it does the contrary. */
const gain = (before: number, after: number): number => maxScore / 2 + Math.trunc((maxScore / 2 + after - before) / 2);

/** 100 minus the standard deviation of the first `count` used shares. */
const balance = (shares: readonly number[], count: number): number =>
  Math.trunc((1 - deviation(shares, count)) * maxScore);

function deviation(shares: readonly number[], count: number): number {
  if (count < 2) return 0;
  if (count === 2) return Math.abs((shares[0]! - shares[1]!) / 2);
  let mean = 0;
  for (let i = 0; i < count; i++) mean += shares[i]! / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (shares[i]! - mean) ** 2;
  return Math.sqrt(squares / count);
}
