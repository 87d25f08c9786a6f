// What a claim becomes when it is bound, and its status. Pure.
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/index';
import { compareQuantities, isQuantity, parseQuantity } from '../../api/quantity';
import { isSame } from '../../api/validation/difference';
import {
  annotationOf,
  bindCompleted,
  boundByController,
  hasAnnotation,
  preResizeCapacity,
} from '../../api/volumes/binding';
import { metaOf } from '../shared/owner';

/** The claim that names the volume, with the annotations of a complete binding; the same object if it is so. */
export function boundClaim(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolumeClaim {
  const { name } = metaOf(volume);
  const isNew = claim.spec?.volumeName !== name;
  if (!isNew && hasAnnotation(claim, bindCompleted)) return claim;
  const annotations = { ...claim.metadata?.annotations };
  if (isNew) annotations[boundByController] ??= 'yes';
  annotations[bindCompleted] ??= 'yes';
  return { ...claim, metadata: { ...claim.metadata, annotations }, spec: { ...claim.spec, volumeName: name } };
}

/**
 * The status of a claim that is bound to the volume, or to none; the same object if it is so already. The capacity of a claim that is
 * Bound stays: what expands it reports that.
 */
export function claimWithStatus(
  claim: PersistentVolumeClaim,
  phase: 'Pending' | 'Bound' | 'Lost',
  volume?: PersistentVolume,
): PersistentVolumeClaim {
  const before = claim.status ?? {};
  const changes = before.phase !== phase;
  const { accessModes: _modes, capacity: _capacity, currentVolumeAttributesClassName: _attributes, ...kept } = before;
  let status: NonNullable<PersistentVolumeClaim['status']> = { ...kept, phase };
  if (volume) {
    status = { ...before, phase };
    if (volume.spec?.accessModes) status.accessModes = volume.spec.accessModes;
    if (changes) status.capacity = capacityAtBinding(claim, volume);
    const attributes = volume.spec?.volumeAttributesClassName;
    if (before.phase === 'Pending' && phase === 'Bound') {
      delete status.currentVolumeAttributesClassName;
      if (attributes !== undefined) status.currentVolumeAttributesClassName = attributes;
    }
  }
  return isSame(status, before) ? claim : { ...claim, status };
}

/** Until the file system of a volume that grew is as large, the claim has the size that the annotation names. */
function capacityAtBinding({ status }: PersistentVolumeClaim, volume: PersistentVolume): Record<string, string> {
  const capacity = volume.spec?.capacity ?? {};
  const before = annotationOf(volume, preResizeCapacity);
  if (before !== undefined) {
    const storage = isQuantity(before) ? before : (capacity['storage'] ?? '0');
    return { ...status?.capacity, storage };
  }
  const own = status?.capacity?.['storage'];
  const isEqual =
    own !== undefined && compareQuantities(parseQuantity(own), parseQuantity(capacity['storage'] ?? '0')) === 0;
  return isEqual ? { ...status?.capacity } : { ...capacity };
}
