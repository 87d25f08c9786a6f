// A synchronous copy of one kind inside the server: authorizers and allocators must decide without waiting. The copy shares the
// cache's objects, so each costs only one map entry.
import type { Kind } from '../api/kind';
import type { KubeObject } from '../api/types';
import type { Cache } from './cache/cache';

/** Absent `current` means deleted, absent `previous` means new. */
export type OnChange<T> = (previous: T | undefined, current: T | undefined) => void;

/** Loads and reports all objects, then follows their changes until the signal is aborted. Resolves when all are loaded. */
export async function followKind<T extends KubeObject>(
  cache: Cache,
  kind: Kind<T>,
  onChange: OnChange<T>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, T>> {
  const objects = new Map<string, T>();
  await load(cache, kind, objects, onChange, signal);
  return objects;
}

async function load<T extends KubeObject>(
  cache: Cache,
  kind: Kind<T>,
  objects: Map<string, T>,
  onChange: OnChange<T>,
  signal: AbortSignal,
): Promise<void> {
  const set = (key: string, current: T | undefined) => {
    const previous = objects.get(key);
    if (current) objects.set(key, current);
    else objects.delete(key);
    if (previous || current) onChange(previous, current);
  };
  const { items, revision } = await cache.kind(kind).list({});
  if (signal.aborted) return;
  const present = new Set(items.map(({ key }) => key));
  for (const key of [...objects.keys()]) if (!present.has(key)) set(key, undefined);
  for (const { key, object } of items) set(key, object);
  cache.kind(kind).watch(
    { afterRevision: revision, signal },
    (events) => {
      for (const { type, current } of events) set(current.key, type === 'DELETED' ? undefined : current.object);
    },
    // The cache had to load everything again: report the differences, then follow again.
    () => setImmediate(() => void load(cache, kind, objects, onChange, signal)),
  );
}
