// The kinds whose objects are deleted with their namespace or owner: all that can be listed, watched and deleted, except Events. Events
// have no owner and are deleted by age, or by the namespace controller, which does not watch them.
import type { Catalog } from '../../api/catalog';
import { events } from '../../api/event';
import type { Kind, Verb } from '../../api/kind';
import { isStorageVersion } from '../../api/storage';
import type { InformerSet } from './informers';

/** One kind for the same objects: the one whose form is stored, if it is served. */
function oneForEach(kinds: Iterable<Kind>): ReadonlySet<Kind> {
  const found = new Map<string, Kind>();
  for (const kind of kinds) if (isStorageVersion(kind) || !found.has(kind.prefix)) found.set(kind.prefix, kind);
  return new Set(found.values());
}

const isDeletable = ({ prefix, verbs }: Kind): boolean =>
  prefix !== events.prefix && needed.every((verb) => verbs.includes(verb));

const needed: readonly Verb[] = ['list', 'watch', 'delete'];

export interface DeletableHandlers {
  added(kind: Kind): void;
  removed(kind: Kind): void;
  /** A further kind shows objects that are followed already. */
  alsoNamed?(kind: Kind): void;
}

/**
 * Calls `added` at once with each deletable kind, and later with each new kind. Calls `removed` with each removed kind, and stops its
 * informer. Calls `alsoNamed` with each further form of objects that are followed. All calls are synchronous, until the signal is aborted.
 */
export function followDeletable(
  catalog: Catalog,
  informers: InformerSet,
  handlers: DeletableHandlers,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  let all: ReadonlySet<Kind> = new Set();
  let known: ReadonlySet<Kind> = new Set();
  const look = () => {
    const before = known;
    const others = all;
    all = new Set(catalog.kinds().filter(isDeletable));
    const kinds = oneForEach(all);
    known = kinds;
    for (const kind of before) {
      if (kinds.has(kind)) continue;
      informers.stop(kind);
      handlers.removed(kind);
    }
    for (const kind of kinds) if (!before.has(kind)) handlers.added(kind);
    for (const kind of all) if (!kinds.has(kind) && !others.has(kind)) handlers.alsoNamed?.(kind);
  };
  look();
  signal.addEventListener('abort', catalog.onChange(look), { once: true });
}
