// Room that preemption has freed for a pod: until that pod has it, a node must have place for both, or a less important pod would take it.
import type { Steps } from '../base/steps';
import { filterNode, gatherChecks, type Refusal } from './filter';
import type { NodeInfo } from './node-info';
import type { SchedulerPlugin, SchedulingCycle } from './plugins/plugin';
import type { PodInfo } from './pod-info';

/**
 * Undefined when the pod fits next to the pods nominated for the node, or none of them is at least as important. `node` must be one of
 * the nodes of the cycle.
 */
export function* fitsWithNominated(
  plugins: readonly SchedulerPlugin[],
  cycle: SchedulingCycle,
  node: NodeInfo,
  nominated: readonly PodInfo[],
): Steps<Refusal | undefined> {
  const { pod, nodes } = cycle;
  const counted = nominated.filter(({ uid, priority }) => uid !== pod.uid && priority >= pod.priority);
  if (counted.length === 0) return undefined;
  const full = node.clone();
  for (const other of counted) full.add(other);
  const all = nodes.map((each) => (each === node ? full : each));
  return filterNode(yield* gatherChecks(plugins, { ...cycle, nodes: all, index: undefined }), full);
}
