// One measurement of the node: its machine, its pods and their containers, as plain records. The texts of /stats/summary and of the
// metrics follow from it.
import type { PodIdentity } from '../runtime/labels';
import type { CgroupSample, DiskUse, FileSystemSample, NetworkSample } from './samples';

export interface NodeSample {
  readonly atMs: number;
  readonly nodeName: string;
  readonly bootAtMs: number;
  readonly machine: MachineSample;
  readonly root: CgroupSample;
  readonly network?: NetworkSample;
  /** That of the kubelet's folder. */
  readonly fs?: FileSystemSample;
  /** That of the images and of the containers' writable layers. */
  readonly imageFs?: FileSystemSample;
  readonly rlimit?: { readonly maxPids: number; readonly processes: number };
  readonly system: readonly SystemContainer[];
  readonly pods: readonly PodSample[];
}

export interface MachineSample {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
}

/** `kubelet`, `runtime` or `pods`. */
export interface SystemContainer {
  readonly name: string;
  /** The path of its cgroup; absent when it has none of its own. */
  readonly group?: string;
  readonly startedAtMs: number;
  readonly sample: CgroupSample;
}

export interface PodSample {
  readonly ref: PodIdentity;
  readonly startedAtMs: number;
  /** The pod's own cgroup; absent when its containers have no group in common. */
  readonly group?: { readonly path: string; readonly sample: CgroupSample };
  /** The sandbox, which has the pod's network. */
  readonly sandbox: ContainerSample;
  readonly network?: NetworkSample;
  readonly containers: readonly ContainerSample[];
  readonly volumes: readonly VolumeUse[];
}

export interface ContainerSample {
  /** '' for a sandbox. */
  readonly name: string;
  readonly runtimeName: string;
  readonly image: string;
  /** The path of its cgroup. */
  readonly group: string;
  readonly startedAtMs: number;
  readonly sample: CgroupSample;
  /** Writable layer, and log with its rotated files. Absent when they are not measured. */
  readonly layer?: DiskUse;
  readonly log?: DiskUse;
}

/** What one volume of a pod uses. `size` is that of its file system. */
export interface VolumeUse {
  readonly name: string;
  readonly atMs: number;
  readonly used: DiskUse;
  readonly size?: Pick<FileSystemSample, 'capacityBytes' | 'availableBytes' | 'inodes' | 'inodesFree'>;
  readonly claim?: { readonly namespace: string; readonly name: string };
  /** Whether it counts as ephemeral storage of the pod: it is on the node's disk and is deleted with the pod. */
  readonly ephemeral: boolean;
}
