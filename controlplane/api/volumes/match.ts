// Which PersistentVolume fits a PersistentVolumeClaim, for the binder. The scheduler, which knows the nodes, has `scheduler/volumes`. Pure.
// Source: the page "Persistent Volumes" of the Kubernetes documentation; FindMatchingVolume of k8s.io/component-helpers.
import type { PersistentVolume } from '../persistent-volume';
import type { PersistentVolumeClaim } from '../persistent-volume-claim';
import { compareQuantities, parseQuantity, type Quantity } from '../quantity';
import { matchesSelector, selectorFromLabelSelector } from '../selector';
import { isBoundTo } from './binding';
import { classOf } from './class-name';

export interface MatchOptions {
  /** The class waits for a consumer: only a volume that names the claim is found, since the scheduler chooses among the others. */
  readonly delayed: boolean;
}

const storageOf = (amounts: Readonly<Record<string, string>> | undefined): Quantity =>
  parseQuantity(amounts?.['storage'] ?? '0');
const modeOf = (spec: { volumeMode?: string } | undefined): string => spec?.volumeMode ?? 'Filesystem';

export const requestOf = ({ spec }: PersistentVolumeClaim): Quantity => storageOf(spec?.resources?.requests);
export const capacityOf = ({ spec }: PersistentVolume): Quantity => storageOf(spec?.capacity);
export const hasSameMode = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  modeOf(volume.spec) === modeOf(claim.spec);
export const hasSameClass = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (classOf(volume) ?? '') === (classOf(claim) ?? '');
export const hasSameAttributes = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  (volume.spec?.volumeAttributesClassName ?? '') === (claim.spec?.volumeAttributesClassName ?? '');

export function hasAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const modes = volume.spec?.accessModes ?? [];
  return (claim.spec?.accessModes ?? []).every((mode) => modes.includes(mode));
}

/**
 * The volume that names the claim, or the smallest free one that fits. Of equal ones the first: sort `volumes` for a stable choice. All
 * have the access modes of the claim.
 */
function matchVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  { delayed }: MatchOptions,
): PersistentVolume | undefined {
  const request = requestOf(claim);
  const selector = selectorFromLabelSelector(claim.spec?.selector);
  let best: { volume: PersistentVolume; capacity: Quantity } | undefined;
  for (const volume of volumes) {
    const isOwn = isBoundTo(volume, claim);
    if (volume.spec?.claimRef && !isOwn) continue;
    const capacity = capacityOf(volume);
    if (compareQuantities(capacity, request) < 0 || volume.metadata?.deletionTimestamp !== undefined) continue;
    if (!hasSameMode(volume, claim) || !hasSameAttributes(volume, claim)) continue;
    if (isOwn) return volume;
    if (delayed || volume.status?.phase !== 'Available') continue;
    if (selector && !matchesSelector(selector, volume.metadata?.labels)) continue;
    if (!hasSameClass(volume, claim)) continue;
    if (!best || compareQuantities(capacity, best.capacity) < 0) best = { volume, capacity };
  }
  return best?.volume;
}

/** The best volume with the access modes of the claim: first among those that have the fewest further modes. */
export function matchByModes(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  options: MatchOptions,
): PersistentVolume | undefined {
  const groups = new Map<string, PersistentVolume[]>();
  for (const volume of volumes) {
    if (!hasAccessModes(volume, claim)) continue;
    const modes = [...new Set(volume.spec?.accessModes)].sort();
    const id = `${modes.length} ${modes.join()}`;
    const group = groups.get(id);
    if (group) group.push(volume);
    else groups.set(id, [volume]);
  }
  for (const [, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found = matchVolume(claim, group, options);
    if (found) return found;
  }
  return undefined;
}
