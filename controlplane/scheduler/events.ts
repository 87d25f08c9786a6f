// What happens in the cluster and may help a waiting pod, with the objects: a plug-in judges by them (KEP-4247).
import type { CSIDriver } from '../api/csi-driver';
import type { CSINode } from '../api/csi-node';
import type { CSIStorageCapacity } from '../api/csi-storage-capacity';
import type { PersistentVolume } from '../api/persistent-volume';
import type { PersistentVolumeClaim } from '../api/persistent-volume-claim';
import type { StorageClass } from '../api/storage-class';
import type { VolumeAttachment } from '../api/volume-attachment';
import type { NodeInfo } from './node-info';
import type { PodInfo } from './pod-info';

/** `node` is the node now, with its pods; `previous` is the Node before, without pods. */
interface NodeChange {
  readonly node: NodeInfo;
  readonly previous: NodeInfo;
}
interface ObjectChange<T> {
  readonly object: T;
  readonly previous: T;
}

/** Pods in these events have a node, or had one. */
export interface ClusterEvents {
  readonly 'node-added': { readonly node: NodeInfo };
  readonly 'node-removed': { readonly node: NodeInfo };
  readonly 'node-labels': NodeChange;
  /** Taints, or the cordon. */
  readonly 'node-taints': NodeChange;
  readonly 'node-capacity': NodeChange;
  readonly 'pod-assigned': { readonly pod: PodInfo };
  readonly 'pod-removed': { readonly pod: PodInfo };
  readonly 'pod-labels': { readonly pod: PodInfo; readonly previous: PodInfo };
  /** A resize has left room on the node of the pod. */
  readonly 'pod-scaled-down': { readonly pod: PodInfo; readonly previous: PodInfo };
  readonly 'claim-added': { readonly object: PersistentVolumeClaim };
  readonly 'claim-updated': ObjectChange<PersistentVolumeClaim>;
  readonly 'volume-added': { readonly object: PersistentVolume };
  readonly 'volume-updated': ObjectChange<PersistentVolume>;
  readonly 'class-added': { readonly object: StorageClass };
  readonly 'class-updated': ObjectChange<StorageClass>;
  readonly 'csi-node-added': { readonly object: CSINode };
  readonly 'csi-node-updated': ObjectChange<CSINode>;
  readonly 'csi-driver-updated': ObjectChange<CSIDriver>;
  readonly 'csi-capacity-added': { readonly object: CSIStorageCapacity };
  readonly 'csi-capacity-updated': ObjectChange<CSIStorageCapacity>;
  readonly 'attachment-removed': { readonly object: VolumeAttachment };
}

export type EventType = keyof ClusterEvents;
export type ClusterEvent = { readonly [T in EventType]: { readonly type: T } & ClusterEvents[T] }[EventType];

/**
 * For each event that may lift a refusal of the plug-in: whether this event may help this pod. Pure; may err towards true. An event
 * that is absent helps no pod that the plug-in refused.
 */
export type Hints = { readonly [T in EventType]?: (pod: PodInfo, event: ClusterEvents[T]) => boolean };

export function mayHelp(hints: Hints, pod: PodInfo, event: ClusterEvent): boolean {
  // The type of the hint follows from the type of the event, which TypeScript cannot express for a union.
  const hint = hints[event.type] as ((pod: PodInfo, event: ClusterEvent) => boolean) | undefined;
  return hint?.(pod, event) ?? false;
}

/** The event helps every pod that the plug-in refused. */
export const always = (): boolean => true;
