// KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1 as it stands in a file. Every field may be absent.
import type { PodSpec } from '../../api/pods/types';
import type { ResourceSpec, ShapePoint } from '../plugins/resource-scoring';

export interface SchedulerConfiguration {
  readonly leaderElection?: LeaderElectionSettings;
  /** Accepted without effect: the scheduler decides for one pod after another. */
  readonly parallelism?: number;
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly profiles?: readonly ProfileSettings[];
  readonly extenders?: readonly ExtenderSettings[];
}

export interface LeaderElectionSettings {
  readonly leaderElect?: boolean;
  /** Go durations. */
  readonly leaseDuration?: string;
  readonly renewDeadline?: string;
  readonly retryPeriod?: string;
  readonly resourceLock?: string;
  readonly resourceName?: string;
  readonly resourceNamespace?: string;
}

export interface ProfileSettings {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: PluginSets;
  readonly pluginConfig?: readonly { readonly name?: string; readonly args?: unknown }[];
}

/** The extension points of upstream's framework. */
export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

export type PluginSets = { readonly [P in ExtensionPoint | 'multiPoint']?: PluginSet };

export interface PluginSet {
  readonly enabled?: readonly PluginSetting[];
  /** `*` disables all. */
  readonly disabled?: readonly PluginSetting[];
}
export interface PluginSetting {
  readonly name?: string;
  /** Of its scores; absent or 0: 1. */
  readonly weight?: number;
}

/** The arguments of the plug-ins that have some, by the name of the plug-in. */
export interface PluginArgs {
  readonly DefaultPreemption?: {
    readonly minCandidateNodesPercentage?: number;
    readonly minCandidateNodesAbsolute?: number;
  };
  readonly InterPodAffinity?: {
    readonly hardPodAffinityWeight?: number;
    readonly ignorePreferredTermsOfExistingPods?: boolean;
  };
  readonly NodeAffinity?: { readonly addedAffinity?: NonNullable<PodSpec['affinity']>['nodeAffinity'] };
  readonly NodeResourcesBalancedAllocation?: { readonly resources?: readonly Partial<ResourceSpec>[] };
  readonly NodeResourcesFit?: {
    readonly ignoredResources?: readonly string[];
    readonly ignoredResourceGroups?: readonly string[];
    readonly scoringStrategy?: {
      readonly type?: string;
      readonly resources?: readonly Partial<ResourceSpec>[];
      readonly requestedToCapacityRatio?: { readonly shape?: readonly Partial<ShapePoint>[] };
    };
  };
  readonly PodTopologySpread?: {
    readonly defaultConstraints?: NonNullable<PodSpec['topologySpreadConstraints']>;
    readonly defaultingType?: string;
  };
  readonly VolumeBinding?: { readonly bindTimeoutSeconds?: number; readonly shape?: readonly Partial<ShapePoint>[] };
}

export interface ExtenderSettings {
  readonly urlPrefix?: string;
  readonly filterVerb?: string;
  readonly preemptVerb?: string;
  readonly prioritizeVerb?: string;
  readonly bindVerb?: string;
  readonly weight?: number;
  readonly enableHTTPS?: boolean;
  readonly tlsConfig?: ExtenderTls;
  /** A Go duration; absent or 0: 5 s. */
  readonly httpTimeout?: string;
  readonly nodeCacheCapable?: boolean;
  readonly managedResources?: readonly { readonly name?: string; readonly ignoredByScheduler?: boolean }[];
  readonly ignorable?: boolean;
}

/** Files, or the same content as base64. */
export interface ExtenderTls {
  readonly insecure?: boolean;
  readonly serverName?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  readonly certData?: string;
  readonly keyData?: string;
  readonly caData?: string;
}
