// The claims of a StatefulSet's pods: which are missing, and who owns them by persistentVolumeClaimRetentionPolicy. An owner that is
// deleted takes its claims along, so the owner of a claim is the policy. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import { type Pod, pods } from '../../api/pod';
import { type StatefulSet, statefulSets } from '../../api/stateful-set';
import type { OwnerReference } from '../../api/types';
import { controllerReference, isDeleting } from '../shared/owner';
import { isDesired, podNameOf, renderClaims } from './identity';

/** The claim of this name in the namespace of the set. */
export type FindClaim = (name: string) => PersistentVolumeClaim | undefined;

export interface Ownership {
  readonly claim: PersistentVolumeClaim;
  readonly ownerReferences: readonly OwnerReference[];
  /** Another controller owns the claim, so the policy is ignored. */
  readonly isForeign: boolean;
}

export const missingClaims = (set: StatefulSet, ordinal: number, find: FindClaim): PersistentVolumeClaim[] =>
  renderClaims(set, ordinal).filter(({ metadata }) => !find(metadata?.name ?? ''));

/**
 * The claims of a pod that the set has, with the owner that the policy gives them. Upstream writes the owner later; then that write and the
 * scheduler's, which chooses a node, meet, and the pod waits for the scheduler's next try.
 */
export const newClaims = (set: StatefulSet, ordinal: number): PersistentVolumeClaim[] =>
  renderClaims(set, ordinal).map((claim) =>
    policyOf(set).whenDeleted === 'Delete'
      ? { ...claim, metadata: { ...claim.metadata, ownerReferences: [controllerReference(statefulSets, set)] } }
      : claim,
  );

/** The name of a claim that is being deleted: a pod that used it would lose it. */
export const deletedClaim = (set: StatefulSet, ordinal: number, find: FindClaim): string | undefined =>
  claimsOf(set, ordinal, find).find(isDeleting)?.metadata?.name;

/** A claim of an earlier pod of this name is deleted with that pod, so the new pod waits. */
export function waitsForClaims(set: StatefulSet, ordinal: number, find: FindClaim): boolean {
  if (policyOf(set).whenScaled === 'Retain') return false;
  const name = podNameOf(set, ordinal);
  return claimsOf(set, ordinal, find).some(({ metadata }) =>
    metadata?.ownerReferences?.some((reference) => isTo(reference, pods, name)),
  );
}

/** The claims of this pod whose owners are not those of the policy. */
export function planOwnership(set: StatefulSet, pod: Pod, ordinal: number, find: FindClaim): Ownership[] {
  return claimsOf(set, ordinal, find).flatMap((claim) => {
    const before = claim.metadata?.ownerReferences ?? [];
    // It goes with an earlier set or pod of this name: the garbage collector deletes it.
    if (before.some((reference) => isStale(reference, statefulSets, set) || isStale(reference, pods, pod))) return [];
    const { others, isForeign } = othersOf(set, pod, before);
    const after = isForeign ? others : [...others, ...ownersOf(set, pod, ordinal)];
    return isDeepStrictEqual(before, after) ? [] : [{ claim, ownerReferences: after, isForeign }];
  });
}

const claimsOf = (set: StatefulSet, ordinal: number, find: FindClaim): PersistentVolumeClaim[] =>
  renderClaims(set, ordinal).flatMap(({ metadata }) => find(metadata?.name ?? '') ?? []);

function policyOf({ spec }: StatefulSet): { whenDeleted: string; whenScaled: string } {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = spec?.persistentVolumeClaimRetentionPolicy ?? {};
  return { whenDeleted, whenScaled };
}

/** The owners that are neither the set nor the pod. With a controller among them, a claim with a policy gets no further owner. */
function othersOf(set: StatefulSet, pod: Pod, before: readonly OwnerReference[]) {
  const { whenDeleted, whenScaled } = policyOf(set);
  const others = before.filter(
    (reference) => !isTo(reference, statefulSets, set.metadata?.name) && !isTo(reference, pods, pod.metadata?.name),
  );
  const hasPolicy = whenDeleted !== 'Retain' || whenScaled !== 'Retain';
  return { others, isForeign: hasPolicy && others.some(({ controller }) => controller === true) };
}

function ownersOf(set: StatefulSet, pod: Pod, ordinal: number): OwnerReference[] {
  const { whenDeleted, whenScaled } = policyOf(set);
  const isScaledDown = !isDesired(set, ordinal);
  if (whenScaled === 'Delete' && isScaledDown) return [controllerReference(pods, pod)];
  return whenDeleted === 'Delete' ? [controllerReference(statefulSets, set)] : [];
}

const isStale = (
  reference: OwnerReference,
  kind: { apiVersion: string; kind: string },
  { metadata }: StatefulSet | Pod,
): boolean => isTo(reference, kind, metadata?.name) && reference.uid !== metadata?.uid;

const isTo = (
  reference: OwnerReference,
  kind: { apiVersion: string; kind: string },
  name: string | undefined,
): boolean => reference.apiVersion === kind.apiVersion && reference.kind === kind.kind && reference.name === name;
