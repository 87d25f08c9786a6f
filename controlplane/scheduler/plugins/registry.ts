// All plug-ins by name, and how each is made from its arguments. The defaults of arguments are upstream's.
import type { PluginArgs } from '../config/types';
import { imageLocality } from './image-locality';
import { interPodAffinity, interPodAffinityDefaults } from './inter-pod-affinity';
import { nodeAffinity } from './node-affinity';
import { nodeName } from './node-name';
import { nodePorts } from './node-ports';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation';
import { type FitArgs, nodeResourcesFit } from './node-resources-fit';
import { nodeUnschedulable } from './node-unschedulable';
import { nodeVolumeLimits } from './node-volume-limits';
import type { SchedulerPlugin } from './plugin';
import {
  podTopologySpread,
  systemConstraints,
  type TopologySpreadArgs,
  type TopologySpreadDeps,
} from './pod-topology-spread';
import { cpuAndMemory, type ResourceSpec, type ScoringStrategy, type ShapePoint } from './resource-scoring';
import { taintToleration } from './taint-toleration';
import { type VolumeBindingDeps, volumeBinding, volumeBindingDefaults } from './volume-binding';
import { volumeRestrictions } from './volume-restrictions';
import { volumeZone } from './volume-zone';

/** What plug-ins need in addition to pods and nodes. */
export interface PluginHandle extends VolumeBindingDeps, TopologySpreadDeps {
  /** Extended resources that extenders check: NodeResourcesFit ignores them. */
  readonly ignoredResources: readonly string[];
}

type Create = (args: PluginArgs, handle: PluginHandle) => SchedulerPlugin;

export const registry: Readonly<Record<string, Create>> = {
  NodeUnschedulable: () => nodeUnschedulable,
  NodeName: () => nodeName,
  TaintToleration: () => taintToleration,
  NodeAffinity: ({ NodeAffinity = {} }) => nodeAffinity(NodeAffinity),
  NodePorts: () => nodePorts,
  NodeResourcesFit: ({ NodeResourcesFit }, handle) => nodeResourcesFit(fitArgs(NodeResourcesFit, handle)),
  VolumeRestrictions: (_, { volumes }) => volumeRestrictions(volumes),
  NodeVolumeLimits: (_, { volumes }) => nodeVolumeLimits(volumes),
  VolumeBinding: ({ VolumeBinding: { bindTimeoutSeconds = volumeBindingDefaults.bindTimeoutSeconds } = {} }, handle) =>
    volumeBinding(handle, { bindTimeoutSeconds }),
  VolumeZone: (_, { volumes }) => volumeZone(volumes),
  PodTopologySpread: ({ PodTopologySpread }, handle) => podTopologySpread(spreadArgs(PodTopologySpread), handle),
  InterPodAffinity: ({ InterPodAffinity }) => interPodAffinity({ ...interPodAffinityDefaults, ...InterPodAffinity }),
  NodeResourcesBalancedAllocation: ({ NodeResourcesBalancedAllocation: { resources } = {} }) =>
    nodeResourcesBalancedAllocation({ resources: withDefaults(resources) }),
  ImageLocality: () => imageLocality,
};

export function withDefaults(resources: readonly Partial<ResourceSpec>[] = []): readonly ResourceSpec[] {
  if (resources.length === 0) return cpuAndMemory;
  return resources.map(({ name = '', weight }) => ({ name, weight: weight || 1 }));
}

function fitArgs(args: PluginArgs['NodeResourcesFit'] = {}, handle: PluginHandle): FitArgs {
  const { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy = {} } = args;
  const { type = 'LeastAllocated', resources, requestedToCapacityRatio: { shape = [] } = {} } = scoringStrategy;
  const points = shape.map(({ utilization = 0, score = 0 }): ShapePoint => ({ utilization, score }));
  return {
    ignoredResources: [...ignoredResources, ...handle.ignoredResources],
    ignoredResourceGroups,
    scoringStrategy: { type: type as ScoringStrategy['type'], resources: withDefaults(resources), shape: points },
  };
}

function spreadArgs(args: PluginArgs['PodTopologySpread'] = {}): TopologySpreadArgs {
  const { defaultingType = 'System', defaultConstraints = [] } = args;
  if (defaultingType === 'System') return systemConstraints;
  return {
    requireAllLabels: true,
    defaultConstraints: defaultConstraints.map((constraint) => ({
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      topologyKey: constraint.topologyKey,
      hard: constraint.whenUnsatisfiable === 'DoNotSchedule',
      honorAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
      honorTaints: constraint.nodeTaintsPolicy === 'Honor',
    })),
  };
}
