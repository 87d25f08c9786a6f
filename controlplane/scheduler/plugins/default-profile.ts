// The plug-ins in the order of kube-scheduler's default profile: the first refusal is the one reported.
import { imageLocality } from './image-locality';
import { interPodAffinity } from './inter-pod-affinity';
import { nodeAffinity } from './node-affinity';
import { nodeName } from './node-name';
import { nodePorts } from './node-ports';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation';
import { nodeResourcesFit } from './node-resources-fit';
import { nodeUnschedulable } from './node-unschedulable';
import { nodeVolumeLimits } from './node-volume-limits';
import type { SchedulerPlugin } from './plugin';
import { podTopologySpread } from './pod-topology-spread';
import { taintToleration } from './taint-toleration';
import { type VolumeBindingDeps, volumeBinding } from './volume-binding';
import { volumeRestrictions } from './volume-restrictions';
import { volumeZone } from './volume-zone';

const withVolumes = (plugins: readonly SchedulerPlugin[]): readonly SchedulerPlugin[] => [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  ...plugins,
  podTopologySpread,
  interPodAffinity,
  nodeResourcesBalancedAllocation,
  imageLocality,
];

/** The plug-ins that know nothing but pods, nodes and namespaces. */
export const defaultProfile = withVolumes([]);

export function openDefaultProfile(deps: VolumeBindingDeps): readonly SchedulerPlugin[] {
  const { volumes } = deps;
  return withVolumes([
    volumeRestrictions(volumes),
    nodeVolumeLimits(volumes),
    volumeBinding(deps),
    volumeZone(volumes),
  ]);
}
