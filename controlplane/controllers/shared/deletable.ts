// The kinds that deletion by namespace and by owner reaches: everything listed, watched and deleted, but for Events. They belong to
// nobody and end by age, or with their namespace, whose controller deletes them without watching them.
import type { Catalog } from '../../api/catalog';
import { events } from '../../api/event';
import type { Kind, Verb } from '../../api/kind';
import { storageKind } from '../../api/storage';
import type { InformerSet } from './informers';

/** One kind for the same objects: the one whose form is stored, if it is served. */
function deletableKinds(catalog: Catalog): readonly Kind[] {
  const found = new Map<string, Kind>();
  for (const kind of catalog.kinds()) {
    const { prefix, verbs } = kind;
    if (prefix === events.prefix || !needed.every((verb) => verbs.includes(verb))) continue;
    if (kind === storageKind(kind) || !found.has(prefix)) found.set(prefix, kind);
  }
  return [...found.values()];
}

const needed: readonly Verb[] = ['list', 'watch', 'delete'];

export interface DeletableHandlers {
  added(kind: Kind): void;
  removed(kind: Kind): void;
}

/**
 * Calls `added` with each deletable kind there is, at once, and with each that comes; `removed` with each that goes, whose informer
 * is stopped. Both are called synchronously, until the signal is aborted.
 */
export function followDeletable(
  catalog: Catalog,
  informers: InformerSet,
  handlers: DeletableHandlers,
  signal: AbortSignal,
): void {
  if (signal.aborted) return;
  let known: ReadonlySet<Kind> = new Set();
  const look = () => {
    const before = known;
    const kinds = new Set(deletableKinds(catalog));
    known = kinds;
    for (const kind of before) {
      if (kinds.has(kind)) continue;
      informers.stop(kind);
      handlers.removed(kind);
    }
    for (const kind of kinds) if (!before.has(kind)) handlers.added(kind);
  };
  look();
  signal.addEventListener('abort', catalog.onChange(look), { once: true });
}
