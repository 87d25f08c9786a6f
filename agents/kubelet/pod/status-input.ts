// The input from which status.ts and conditions.ts compute the status of a pod.
import type { Pod } from '../../../controlplane/api';
import type { GroupSettings } from '../cgroups/settings';
import type { ContainerRecord } from '../runtime/runtime';
import type { ResizeCondition } from './resizes';

export type PodStatus = NonNullable<Pod['status']>;
export type ContainerStatus = NonNullable<PodStatus['containerStatuses']>[number];

/** Of init, app and ephemeral containers. */
export const allStatuses = (status: PodStatus | undefined): readonly ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
  ...(status?.ephemeralContainerStatuses ?? []),
];

/** Why a container does not run, and a message. */
export interface WaitingReason {
  readonly reason: string;
  readonly message?: string;
}

export interface PodVerdict {
  readonly phase: 'Failed';
  readonly reason: string;
  readonly message: string;
  /** True when the pod was refused before it ran. */
  readonly rejected?: boolean;
  /** True when the node ends the pod for its own sake, which is a disruption for the pod's owner (KEP-3329). */
  readonly disrupted?: boolean;
}

export interface StatusInput {
  readonly pod: Pod;
  /** Newest first. */
  readonly records: readonly ContainerRecord[];
  readonly now: number;
  /** When this node accepted the pod, unless the API has the time already. */
  readonly takenAtMs?: number;
  readonly nodeIps: readonly string[];
  /** The addresses of the running sandbox; empty without a sandbox, and on the node's network. */
  readonly podIps: readonly string[];
  readonly sandboxReady: boolean;
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  /** Starts so far of containers that were removed because all containers of the pod restart. */
  readonly resets?: ReadonlyMap<string, number>;
  /** The conditions of a resize that is under way or waits. */
  readonly resizes?: readonly ResizeCondition[];
  /** What the pod's cgroup has, or would have if pods have none. */
  readonly group?: GroupSettings;
  readonly started: (id: string) => boolean;
  readonly ready: (id: string) => boolean;
  /** The termination message of an ended container, if it has one. */
  readonly message: (id: string) => string | undefined;
  /** Devices of plug-ins that a container has, and their health. */
  readonly devices?: (container: string) => ContainerStatus['allocatedResourcesStatus'];
  /** The user of the first process of a container that runs or ran, if it is known. */
  readonly user?: (record: ContainerRecord) => ContainerStatus['user'];
  /** The value of imageID; default: the image ID of the record. */
  readonly imageRef: (imageId: string, image: string) => string;
  /** Set when the kubelet itself has failed the pod: eviction, deadline, admission. */
  readonly verdict?: PodVerdict;
}
