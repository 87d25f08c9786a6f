// Pods that wait for room made for them: a node must have place for those that are at least as important, too, or the room
// would go to whoever asks first.
import type { NamespaceLabels } from './affinity';
import { filterNode, gatherFilterFacts, type Refusal } from './filter';
import type { NodeInfo } from './node-info';
import type { PodInfo } from './pod-info';

/** Undefined when the pod fits beside the nominated ones, or none of them counts. `node` must be one of `nodes`. */
export function fitsWithNominated(
  pod: PodInfo,
  node: NodeInfo,
  nodes: readonly NodeInfo[],
  namespaceLabels: NamespaceLabels,
  nominated: readonly PodInfo[],
): Refusal | undefined {
  const counted = nominated.filter(({ uid, priority }) => uid !== pod.uid && priority >= pod.priority);
  if (counted.length === 0) return undefined;
  const full = node.clone();
  for (const other of counted) full.add(other);
  const all = nodes.map((each) => (each === node ? full : each));
  return filterNode(pod, full, gatherFilterFacts(pod, all, namespaceLabels));
}
