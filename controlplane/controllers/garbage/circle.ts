// Owner references may form a circle. If all its objects are deleted in the foreground, each waits for the next one, and none is ever
// deleted. Upstream's collector makes the references non-blocking when it suspects a circle. This collector searches for the circle, so
// that a plain tree always keeps its order (dependents first).
import type { KubeObject } from '../../api/types';

/** Most objects in one search. A longer way upwards counts as a circle: then only the order of deletion is lost. */
export const searchLimit = 1000;

/**
 * The uids of the owners of `object` that wait for it and that it waits for. `waitingOwners` returns the owners that wait
 * for an object: deleted in the foreground and named by a reference that blocks.
 */
export function circularOwners(
  object: KubeObject,
  waitingOwners: (object: KubeObject) => readonly KubeObject[],
): ReadonlySet<string> {
  const self = object.metadata?.uid;
  const circular = new Set<string>();
  let budget = searchLimit;
  for (const owner of waitingOwners(object)) {
    const seen = new Set<string | undefined>();
    // Upwards: an object has few owners, and may have any number of dependents.
    const open = [owner];
    for (let next = open.pop(); next; next = open.pop()) {
      const uid = next.metadata?.uid;
      if (uid === self || --budget < 0) {
        circular.add(owner.metadata?.uid ?? '');
        break;
      }
      if (seen.has(uid)) continue;
      seen.add(uid);
      open.push(...waitingOwners(next));
    }
  }
  return circular;
}
