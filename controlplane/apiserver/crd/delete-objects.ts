// Deletes all objects of a kind whose definition is deleted. As upstream this is no request: no admission rule can refuse it, but
// finalizers of the objects are respected.
import type { Kind } from '../../api/kind';
import type { Clock } from '../../base/clock';
import { isConflict, isNotFound } from '../../base/errors';
import { eventLoop } from '../../base/event-loop';
import type { Cache } from '../cache/cache';
import type { OpenCache } from '../cache/open';
import { planDeletion } from '../rest/delete';

/** Resolves with true when no object is left. Otherwise `onEmpty` is called once, when the last object is deleted. */
export async function deleteObjects(
  cache: OpenCache,
  kind: Kind,
  clock: Pick<Clock, 'now'>,
  signal: AbortSignal,
  onEmpty: () => void,
): Promise<boolean> {
  const added = await ensureKind(cache, kind);
  try {
    const objects = cache.kind(kind);
    for (const entry of objects.current({})) {
      const pause = eventLoop.pause();
      if (pause) await pause;
      const next = planDeletion(kind, entry, { dryRun: false }, clock.now());
      try {
        if (!next) await objects.delete(entry.key, entry.revision);
        else if (next !== entry.object) await objects.update(next, entry.revision);
      } catch (error) {
        // A writer was faster: the next round sees its object.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
    if (objects.current({}, 1).length === 0) return true;
    waitForEmpty(cache, kind, signal, onEmpty);
    return false;
  } finally {
    if (added) cache.removeKind(kind);
  }
}

/** True when the cache had to load the kind: no version of it is served. */
async function ensureKind(cache: OpenCache, kind: Kind): Promise<boolean> {
  try {
    cache.kind(kind);
    return false;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await cache.addKind(kind);
    return true;
  }
}

/** An object that another writer changed meanwhile counts as an event, too: its deletion is tried again. */
function waitForEmpty(cache: Cache, kind: Kind, signal: AbortSignal, onEmpty: () => void): void {
  const stop = new AbortController();
  const end = AbortSignal.any([signal, stop.signal]);
  const done = () => {
    stop.abort();
    onEmpty();
  };
  cache.kind(kind).watch({ afterRevision: cache.revision(), signal: end }, done, done);
}
