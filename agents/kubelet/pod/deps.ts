// The dependencies of all code that works on pods.
import type { Service } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import type { Limiter } from '../../../controlplane/base/limiter';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import type { EventRecorder } from '../../../controlplane/client/event-recorder';
import type { PodGroups } from '../cgroups/pod-cgroups';
import type { PodDevices } from '../devices/pod-devices';
import type { ImageCache } from '../images/image-cache';
import type { ImagePuller } from '../images/image-puller';
import type { PodNetwork } from '../network/pod-network';
import type { Prober } from '../probes/prober';
import type { ContainerRuntime } from '../runtime/runtime';
import type { ClusterDns } from '../spec/resolv-conf';
import type { PodVolumes } from '../volumes/pod-volumes';
import type { CrashLoop } from './crash-loop';
import type { PodRecords } from './pod-records';
import type { Resizes } from './resizes';

export interface NodeConfig {
  readonly nodeName: string;
  /** The node's addresses, at most one of each family; the first is its main address. */
  readonly nodeIps: readonly string[];
  readonly rootDir: string;
  readonly pauseImage: string;
  readonly dns: ClusterDns;
  /** Path of the node's own resolver configuration. */
  readonly resolvConf: string;
  readonly memoryBytes: number;
  /** The lowest oom_score_adj that the kernel takes from this process. */
  readonly lowestOomScore: number;
  /** cpu in cores, memory in bytes. */
  readonly allocatable: Readonly<Record<string, number>>;
  /** The kernel enforces AppArmor profiles. */
  readonly hasAppArmor: boolean;
  /** Names of sysctls, or their beginnings with `*`, that pods may set in addition to the safe ones. */
  readonly allowedUnsafeSysctls: readonly string[];
}

export interface PodDeps {
  readonly runtime: ContainerRuntime;
  readonly records: PodRecords;
  readonly volumes: PodVolumes;
  readonly images: ImageCache;
  readonly puller: ImagePuller;
  readonly network: PodNetwork;
  readonly cgroups: PodGroups;
  readonly devices: PodDevices;
  readonly probes: Prober;
  readonly crashLoop: CrashLoop;
  readonly resizes: Resizes;
  /** Limits the containers that start at the same time: more make Docker slower. */
  readonly starts: Limiter;
  readonly client: Client;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly node: NodeConfig;
  readonly services: () => readonly Service[];
}
