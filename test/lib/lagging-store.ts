// A store whose watches lag: they deliver nothing newer than the server's own last write, and than what the revision was when the server
// asked for it last. So a server on it is behind all other servers until it makes sure that it is not.
import type { Store, WatchBatch } from '../../controlplane/store/store';

/** `store` is a plain object, as openStore() returns it. */
export function laggingStore(store: Store): Store {
  let released = 0;
  let next = Promise.withResolvers<void>();
  const release = (revision: number): number => {
    released = Math.max(released, revision);
    next.resolve();
    next = Promise.withResolvers();
    return revision;
  };
  async function* lag(batches: AsyncIterable<WatchBatch>, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    for await (const batch of batches) {
      while ((batch.events[0]?.revision ?? 0) > released && !signal.aborted) {
        await Promise.race([next.promise, stopped]);
      }
      yield batch;
    }
  }
  return {
    ...store,
    revision: async () => release(await store.revision()),
    create: async (...args) => release(await store.create(...args)),
    update: async (...args) => release(await store.update(...args)),
    delete: async (...args) => release(await store.delete(...args)),
    watch: (prefix, after, signal) => lag(store.watch(prefix, after, signal), signal),
  };
}
