// How likely the kernel kills a container first when memory is short (oom_score_adj). Pure.
// Source: kubernetes.io "Node-pressure Eviction", node out of memory behavior; KEP-753 for sidecars, KEP-2837 for resources of pods.
import { type Pod, qosClass } from '../../../controlplane/api';
import { requestsOf } from '../../../controlplane/api/pods/requests';
import type { PodSpec } from '../../../controlplane/api/pods/types';
import { unitValue } from '../../../controlplane/api/quantity';
import { isCritical } from '../eviction/admission';
import type { Container } from './container';

/** Of Guaranteed pods and of those that the node itself needs. The kernel takes it only with CAP_SYS_RESOURCE. */
export const protectedScore = -997;
const bestEffortScore = 1000;
/** Above the memory that a Guaranteed pod uses. */
const lowestBurstableScore = bestEffortScore + protectedScore;

export interface ScoredNode {
  readonly nodeMemoryBytes: number;
  /** The lowest score that the node may give. */
  readonly lowestOomScore: number;
}

/** The more of the node's memory a container requests, the less likely it is. */
export function oomScoreAdj(pod: Pod, container: Container, { nodeMemoryBytes, lowestOomScore }: ScoredNode): number {
  const spec = pod.spec ?? { containers: [] };
  const isProtected = isCritical(pod) && spec.priorityClassName === 'system-node-critical';
  const qos = qosClass(spec);
  if (isProtected || qos === 'Guaranteed') return Math.max(lowestOomScore, protectedScore);
  if (qos === 'BestEffort') return bestEffortScore;
  const shared = unrequestedShare(spec);
  const isSidecar =
    container.restartPolicy === 'Always' && spec.initContainers?.some(({ name }) => name === container.name);
  // A sidecar lives at least as long as the containers that need it.
  const least = Math.min(...spec.containers.map(memoryOf));
  const bytes = shared + Math.max(memoryOf(container), isSidecar ? least : 0);
  const score = bestEffortScore - Math.trunc((bestEffortScore * bytes) / nodeMemoryBytes);
  return Math.min(bestEffortScore - 1, Math.max(lowestBurstableScore, score));
}

const memoryOf = ({ resources: { requests, limits } = {} }: Container): number =>
  unitValue(requests?.['memory'] ?? limits?.['memory'] ?? '0');

/** What the pod requests beyond its containers, for each of them the same. */
function unrequestedShare(spec: PodSpec): number {
  const ofPod = unitValue(spec.resources?.requests?.['memory'] ?? '0');
  if (ofPod === 0) return 0;
  const { memory } = requestsOf({ ...spec, resources: undefined } as PodSpec);
  const ofContainers = memory ? Number(memory.nano) / 1e9 : 0;
  return Math.trunc((ofPod - ofContainers) / (spec.containers.length + (spec.initContainers?.length ?? 0)));
}
