// What the status of a pod is computed from. Below status.ts and conditions.ts, which compute it.
import type { Pod } from '../../../controlplane/api';
import type { ContainerRecord } from '../runtime/runtime';

export type PodStatus = NonNullable<Pod['status']>;
export type ContainerStatus = NonNullable<PodStatus['containerStatuses']>[number];

/** Why a container does not run, and what its last run left as message. */
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
}

export interface StatusInput {
  readonly pod: Pod;
  /** Newest first. */
  readonly records: readonly ContainerRecord[];
  readonly now: number;
  /** When this node took the pod, unless the API knows already. */
  readonly takenAtMs?: number;
  readonly nodeIps: readonly string[];
  /** Of the running sandbox; empty without one, and on the node's network. */
  readonly podIps: readonly string[];
  readonly sandboxReady: boolean;
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly started: (id: string) => boolean;
  readonly ready: (id: string) => boolean;
  /** Termination message of an ended container, when it left one. */
  readonly message: (id: string) => string | undefined;
  /** How the image is named in imageID; without it the record's own ID is. */
  readonly imageRef: (imageId: string, image: string) => string;
  /** Set when the kubelet itself gave the pod up: eviction, deadline, admission. */
  readonly verdict?: PodVerdict;
}
