// Which PersistentVolume a claim can have, and whether a node reaches a volume. Pure. The rules are those of the volume controller too
// (component-helpers, storage/volume).
import type { PersistentVolume } from '../../api/persistent-volume';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import { matchesNodeTerm } from '../../api/pods/placement';
import { compareQuantities, parseQuantity, type Quantity } from '../../api/quantity';
import { type Labels, matchesSelector, selectorFromLabelSelector } from '../../api/selector';
import { bindCompleted, hasAnnotation, isBoundTo } from '../../api/volumes/binding';
import { classOf } from '../../api/volumes/class-name';
import type { PodInfo } from '../pod-info';

/** A class of this provisioner has volumes made by hand only. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

/** The controller has finished binding the claim to a volume. */
export const isFullyBound = (claim: PersistentVolumeClaim): boolean =>
  Boolean(claim.spec?.volumeName) && hasAnnotation(claim, bindCompleted);

/** Whether nodes with these labels reach the volume. */
export function reaches({ spec }: PersistentVolume, labels: Labels): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesNodeTerm(term, { name: '', labels }));
}

const nothing: Quantity = { nano: 0n, format: 'BinarySI' };
const storage = (resources: Readonly<Record<string, string>> | undefined): Quantity =>
  resources?.['storage'] === undefined ? nothing : parseQuantity(resources['storage']);
export const requestedStorage = ({ spec }: PersistentVolumeClaim): Quantity => storage(spec?.resources?.requests);

/** Volumes that a claim can have, on nodes that reach them. */
export interface Candidates {
  /** Made or chosen for this claim: no other volume will do. */
  readonly prebound: PersistentVolume | undefined;
  /** Smallest first. */
  readonly free: readonly PersistentVolume[];
}

/** `volumes` are those of the claim's class. */
export function candidatesFor(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[]): Candidates {
  const wanted = requestedStorage(claim);
  const selector = selectorFromLabelSelector(claim.spec?.selector);
  const fitting = volumes.flatMap((volume) => {
    const { metadata, spec, status } = volume;
    if (spec?.claimRef && !isBoundTo(volume, claim)) return [];
    if ((spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) return [];
    if ((spec?.volumeAttributesClassName ?? '') !== (claim.spec?.volumeAttributesClassName ?? '')) return [];
    if (metadata?.deletionTimestamp !== undefined) return [];
    const size = storage(spec?.capacity);
    if (compareQuantities(size, wanted) < 0) return [];
    const prebound = isBoundTo(volume, claim);
    if (!prebound) {
      if (status?.phase !== 'Available') return [];
      if (selector && !matchesSelector(selector, metadata?.labels)) return [];
      if ((classOf(volume) ?? '') !== (classOf(claim) ?? '')) return [];
      const modes = spec?.accessModes ?? [];
      if (!(claim.spec?.accessModes ?? []).every((mode) => modes.includes(mode))) return [];
    }
    return [{ volume, size, prebound }];
  });
  const free = fitting.filter(({ prebound }) => !prebound).sort((a, b) => compareQuantities(a.size, b.size));
  return {
    prebound: fitting.find(({ prebound }) => prebound)?.volume,
    free: free.map(({ volume }) => volume),
  };
}

/** The volume for the claim on nodes with these labels; `taken` are names of volumes that other claims of the pod get. */
export function chooseVolume(
  { prebound, free }: Candidates,
  labels: Labels,
  taken: ReadonlySet<string>,
): PersistentVolume | undefined {
  if (prebound && !taken.has(prebound.metadata?.name ?? '')) return reaches(prebound, labels) ? prebound : undefined;
  return free.find((volume) => !taken.has(volume.metadata?.name ?? '') && reaches(volume, labels));
}

/** Why the claim of a generic ephemeral volume may not be used by the pod: another object made it, or made it for another pod. */
export function notOwner({ metadata }: PersistentVolumeClaim, pod: PodInfo): string | undefined {
  const owner = (metadata?.ownerReferences ?? []).find(({ controller }) => controller);
  if (owner?.uid === pod.uid) return undefined;
  return `PVC ${metadata?.namespace}/${metadata?.name} was not created for pod ${pod.key} (pod is not owner)`;
}
