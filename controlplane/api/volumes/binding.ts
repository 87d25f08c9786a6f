// How a PersistentVolume and a PersistentVolumeClaim name each other, and the annotations and finalizers in which the parts of the system
// record it. The binder, the scheduler, provisioners and the kubelet agree on these. Pure.
import type { PersistentVolume } from '../persistent-volume';
import type { PersistentVolumeClaim } from '../persistent-volume-claim';
import { type KubeObject, objectKey } from '../types';

/** On a claim: the binder has completed the binding. A claim with it that has no volume is Lost. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed';
/** On either object: the binder (or scheduler) chose the other one, not a user. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
/** On a claim: the node for which a volume is wanted. The scheduler writes it; a provisioner removes it when it cannot serve that node. */
export const selectedNode = 'volume.kubernetes.io/selected-node';
/** On a volume: the provisioner that made it, and that deletes what is behind it. */
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
/** On a claim: the provisioner from which a volume is wanted. */
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
/** On a claim or volume of a provisioner that was once part of Kubernetes: the CSI driver that took its place. */
export const migratedTo = 'pv.kubernetes.io/migrated-to';
/** On a volume that grew while no pod used it: the size that its file system still has. */
export const preResizeCapacity = 'volume.alpha.kubernetes.io/pre-resize-capacity';

/** The provisioner of k8ts: a directory on the node for each volume. Also a finalizer: the directory is still there. */
export const directoryProvisioner = 'k8ts.io/directory';
/** On a volume of that provisioner: the node that has the directory. */
export const nodeLabel = 'k8ts.io/node';
/** On a Node: the folder in which its kubelet makes such directories. */
export const volumesDirectory = 'k8ts.io/volumes-directory';

export const annotationOf = ({ metadata }: KubeObject, name: string): string | undefined =>
  metadata?.annotations?.[name];
export const hasAnnotation = (object: KubeObject, name: string): boolean => annotationOf(object, name) !== undefined;

/** The key of the claim that the volume names; undefined: it names none. */
export function claimKeyOf({ spec }: PersistentVolume): string | undefined {
  const ref = spec?.claimRef;
  return ref && `${ref.namespace ?? ''}/${ref.name ?? ''}`;
}

/** Whether the volume names this claim. A reference without a uid, which a user wrote, is one to any claim of that name. */
export function isBoundTo(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const uid = volume.spec?.claimRef?.uid;
  return claimKeyOf(volume) === objectKey(claim) && (!uid || uid === claim.metadata?.uid);
}

/** The volume with a complete reference to the claim; the same object if it has one. */
export function boundVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { name = '', namespace = '', uid = '', resourceVersion } = claim.metadata ?? {};
  const wasNamed = isBoundTo(volume, claim);
  if (wasNamed && volume.spec?.claimRef?.uid === uid) return volume;
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion };
  const annotations = { ...volume.metadata?.annotations, ...(wasNamed ? {} : { [boundByController]: 'yes' }) };
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } };
}
