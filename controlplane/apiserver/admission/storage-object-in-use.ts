// StorageObjectInUseProtection: a new volume, claim or VolumeAttributesClass has a finalizer, so that a deletion waits until nothing uses
// the object. The controllers pv-protection, pvc-protection and vac-protection remove the finalizers.
import { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses } from '../../api/index';
import type { OpenRule } from '../write/rule';

/** By the prefix of the kind. */
const finalizers = new Map([
  [persistentVolumes.prefix, 'kubernetes.io/pv-protection'],
  [persistentVolumeClaims.prefix, 'kubernetes.io/pvc-protection'],
  [volumeAttributesClasses.prefix, 'kubernetes.io/vac-protection'],
]);

export const storageObjectInUse: OpenRule = () => ({
  name: 'StorageObjectInUseProtection',
  concerns: ({ operation, kind, subresource }) =>
    operation === 'create' && subresource === '' && finalizers.has(kind.prefix),
  mutate({ kind, object }) {
    const finalizer = finalizers.get(kind.prefix);
    const present = object?.metadata?.finalizers ?? [];
    if (!object || finalizer === undefined || present.includes(finalizer)) return;
    object.metadata = { ...object.metadata, finalizers: [...present, finalizer] };
  },
});
