// How a claim and its volume grow. Pure. Source: KEP-284 and KEP-1790 (recovery from failed expansion).
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/index';
import { compareQuantities, parseQuantity } from '../../api/quantity';
import { annotationOf, directoryProvisioner, isBoundTo, provisionedBy } from '../../api/volumes/binding';
import { capacityOf, requestOf } from '../../api/volumes/match';
import { formatTime } from '../../base/clock';

/** On a claim: what expands its volume. */
const resizer = 'volume.kubernetes.io/storage-resizer';

export type ExpansionStep =
  | { readonly action: 'nothing' }
  /** A program outside expands the volume. */
  | { readonly action: 'report' }
  /** `size` is a quantity: what the volume will have. */
  | { readonly action: 'expand'; readonly size: string };

type ClaimStatus = NonNullable<PersistentVolumeClaim['status']>;
const storageOf = (amounts: Readonly<Record<string, string>> | undefined): string | undefined => amounts?.['storage'];

/** Whether a bound claim asks for more than it has. */
export function wantsExpansion(claim: PersistentVolumeClaim): boolean {
  if (claim.status?.phase !== 'Bound') return false;
  return compareQuantities(requestOf(claim), parseQuantity(storageOf(claim.status.capacity) ?? '0')) > 0;
}

export function planExpansion(claim: PersistentVolumeClaim, volume: PersistentVolume): ExpansionStep {
  if (!wantsExpansion(claim) || !isBoundTo(volume, claim)) return { action: 'nothing' };
  if (annotationOf(volume, provisionedBy) !== directoryProvisioner) return { action: 'report' };
  const { allocatedResources, allocatedResourceStatuses } = claim.status ?? {};
  const request = storageOf(claim.spec?.resources?.requests) ?? '0';
  // An expansion that was begun is completed first, whatever is asked for now; the claim comes back here.
  const begun = storageOf(allocatedResourceStatuses) && storageOf(allocatedResources);
  const [wanted, present] = [begun || request, storageOf(volume.spec?.capacity) ?? '0'];
  // A volume never shrinks.
  const isLarger = compareQuantities(parseQuantity(wanted), capacityOf(volume)) > 0;
  return { action: 'expand', size: isLarger ? wanted : present };
}

const resizeConditions = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError'];
const otherConditions = ({ conditions = [] }: ClaimStatus) =>
  conditions.filter(({ type }) => !resizeConditions.includes(type));

/** The claim before its volume grows to `size`; `now` is milliseconds since the epoch. */
export function claimInProgress(claim: PersistentVolumeClaim, size: string, now: number): PersistentVolumeClaim {
  const { metadata, status = {} } = claim;
  const resizing = { type: 'Resizing', status: 'True', lastTransitionTime: formatTime(now) };
  return {
    ...claim,
    metadata: { ...metadata, annotations: { ...metadata?.annotations, [resizer]: directoryProvisioner } },
    status: {
      ...status,
      allocatedResources: { ...status.allocatedResources, storage: size },
      allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: 'ControllerResizeInProgress' },
      conditions: [...otherConditions(status), resizing],
    },
  };
}

/** The same object if it is as large. */
export function grownVolume(volume: PersistentVolume, size: string): PersistentVolume {
  if (compareQuantities(capacityOf(volume), parseQuantity(size)) >= 0) return volume;
  return { ...volume, spec: { ...volume.spec, capacity: { ...volume.spec?.capacity, storage: size } } };
}

/** The claim after its volume has grown. The kubelet needs no step of its own: a directory has the size of its file system, or a quota. */
export function claimExpanded(claim: PersistentVolumeClaim, size: string): PersistentVolumeClaim {
  const { allocatedResourceStatuses, conditions: _conditions, ...status } = claim.status ?? {};
  const { storage: _done, ...statuses } = allocatedResourceStatuses ?? {};
  const conditions = otherConditions(claim.status ?? {});
  return {
    ...claim,
    status: {
      ...status,
      capacity: { ...status.capacity, storage: size },
      ...(Object.keys(statuses).length > 0 ? { allocatedResourceStatuses: statuses } : {}),
      ...(conditions.length > 0 ? { conditions } : {}),
    },
  };
}
