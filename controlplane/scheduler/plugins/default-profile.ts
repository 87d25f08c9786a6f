// The plug-ins in the order of kube-scheduler's default profile: the first refusal is the one reported.
import { imageLocality } from './image-locality';
import { interPodAffinity } from './inter-pod-affinity';
import { nodeAffinity } from './node-affinity';
import { nodeName } from './node-name';
import { nodePorts } from './node-ports';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation';
import { nodeResourcesFit } from './node-resources-fit';
import { nodeUnschedulable } from './node-unschedulable';
import type { SchedulerPlugin } from './plugin';
import { podTopologySpread } from './pod-topology-spread';
import { taintToleration } from './taint-toleration';

export const defaultProfile: readonly SchedulerPlugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  podTopologySpread,
  interPodAffinity,
  nodeResourcesBalancedAllocation,
  imageLocality,
];
