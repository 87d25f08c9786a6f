// Which objects belong to a controller: its objects whose labels still match, and matching orphans, which it adopts. The rule of
// Kubernetes' controller ref manager, as a plan.
import { matchesSelector, type Selector } from '../../api/selector';
import type { KubeObject } from '../../api/types';
import { controllerOf, isDeleting } from './owner';

export interface Claim<T extends KubeObject> {
  /** Owned and matching. */
  readonly owned: readonly T[];
  /** Matching, without a controller: to be adopted. */
  readonly adopt: readonly T[];
  /** Owned but no longer matching: to be released. */
  readonly release: readonly T[];
}

/**
 * An owner that is being deleted neither adopts nor releases. `mayAdopt` excludes objects that the owner cannot use; objects that are
 * no `isMember` never belong to it, whatever their labels.
 */
export function planClaim<T extends KubeObject>(
  owner: KubeObject,
  selector: Selector,
  objects: readonly T[],
  mayAdopt: (object: T) => boolean = () => true,
  isMember: (object: T) => boolean = () => true,
): Claim<T> {
  const claim = { owned: [] as T[], adopt: [] as T[], release: [] as T[] };
  const active = !isDeleting(owner);
  for (const object of objects) {
    const controller = controllerOf(object);
    const matches = matchesSelector(selector, object.metadata?.labels) && isMember(object);
    if (controller?.uid === owner.metadata?.uid) {
      if (matches) claim.owned.push(object);
      else if (active && !isDeleting(object)) claim.release.push(object);
    } else if (!controller && matches && active && !isDeleting(object) && mayAdopt(object)) claim.adopt.push(object);
  }
  return claim;
}
