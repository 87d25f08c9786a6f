// Whether an object is deleted because its owners were deleted: the rules of Kubernetes' garbage collector (owners and dependents,
// cascading deletion), decided from facts that the controller has gathered.
import type { KubeObject, OwnerReference } from '../../api/types';
import { isDeleting } from '../shared/owner';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** What is known of one owner: `absent` only after a request to the API for exactly this uid. */
export type OwnerState = 'present' | 'deleting-foreground' | 'absent' | 'unknown';

export interface ObjectFacts {
  readonly object: KubeObject;
  /** In the order of metadata.ownerReferences. */
  readonly owners: readonly OwnerState[];
  readonly dependents: readonly KubeObject[];
  /** uids of owners that wait for this object while it waits for them, see circle.ts. */
  readonly circular: ReadonlySet<string>;
}

export type GarbagePlan =
  | { readonly action: 'keep' }
  /** Some owners are left: only the references to the other owners are removed. */
  | { readonly action: 'drop-references'; readonly keep: readonly OwnerReference[] }
  | { readonly action: 'delete'; readonly propagation: 'Background' | 'Foreground' | 'Orphan' }
  | { readonly action: 'remove-finalizer'; readonly finalizer: string }
  /** The object waits for its dependents; dependents that are not being deleted yet are reconciled. */
  | { readonly action: 'wait-for-dependents' }
  /** The object and some of its owners wait for each other: its references to those owners become non-blocking. */
  | { readonly action: 'unblock'; readonly references: readonly OwnerReference[] }
  | { readonly action: 'orphan-dependents' };

const keep: GarbagePlan = { action: 'keep' };

export function planGarbage({ object, owners, dependents, circular }: ObjectFacts): GarbagePlan {
  if (isDeleting(object)) return planDeleting(object, dependents, circular);
  const references = object.metadata?.ownerReferences ?? [];
  if (references.length === 0 || owners.includes('unknown')) return keep;
  const solid = references.filter((_, i) => owners[i] === 'present');
  if (solid.length > 0) {
    return solid.length === references.length ? keep : { action: 'drop-references', keep: solid };
  }
  // An owner waits for this object. Its own dependents are deleted first, so that the order stays from the leaves up.
  if (owners.includes('deleting-foreground') && dependents.length > 0)
    return { action: 'delete', propagation: 'Foreground' };
  const finalizers = object.metadata?.finalizers ?? [];
  if (finalizers.includes(orphanFinalizer)) return { action: 'delete', propagation: 'Orphan' };
  if (finalizers.includes(foregroundFinalizer)) return { action: 'delete', propagation: 'Foreground' };
  return { action: 'delete', propagation: 'Background' };
}

function planDeleting(
  object: KubeObject,
  dependents: readonly KubeObject[],
  circular: ReadonlySet<string>,
): GarbagePlan {
  const { finalizers = [], ownerReferences = [] } = object.metadata ?? {};
  if (finalizers.includes(orphanFinalizer)) {
    return dependents.length > 0
      ? { action: 'orphan-dependents' }
      : { action: 'remove-finalizer', finalizer: orphanFinalizer };
  }
  if (!finalizers.includes(foregroundFinalizer)) return keep;
  if (circular.size > 0) {
    const references = ownerReferences.map((reference) =>
      circular.has(reference.uid) ? { ...reference, blockOwnerDeletion: false } : reference,
    );
    return { action: 'unblock', references };
  }
  const blocking = dependents.some((dependent) => blocks(dependent, object.metadata?.uid));
  return blocking ? { action: 'wait-for-dependents' } : { action: 'remove-finalizer', finalizer: foregroundFinalizer };
}

function blocks({ metadata }: KubeObject, ownerUid: string | undefined): boolean {
  return (metadata?.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true,
  );
}

export const isDeletingForeground = (object: KubeObject): boolean =>
  isDeleting(object) && (object.metadata?.finalizers ?? []).includes(foregroundFinalizer);

/** An object that is removed only after its dependents were deleted or orphaned. */
export const waitsForDependents = (object: KubeObject): boolean =>
  isDeletingForeground(object) || (isDeleting(object) && (object.metadata?.finalizers ?? []).includes(orphanFinalizer));

/** The references of `before` that are missing in `after`, or that no longer block their owner there. */
export function releasedReferences(before: KubeObject, after: KubeObject): readonly OwnerReference[] {
  const left = after.metadata?.ownerReferences ?? [];
  return (before.metadata?.ownerReferences ?? []).filter(({ uid, blockOwnerDeletion }) => {
    const same = left.find((reference) => reference.uid === uid);
    return !same || (blockOwnerDeletion === true && same.blockOwnerDeletion !== true);
  });
}
