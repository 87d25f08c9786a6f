// Chooses the backend. The rest of the server knows only the Store port.
import { type Clock, systemClock } from '../base/clock';
import { type Logger, silentLogger } from '../base/logger';
import { MemoryStore } from './memory/memory-store';
import { defaultRetention, type Retention, runCompaction } from './retention';
import { SqliteStore } from './sqlite/sqlite-store';
import type { Store } from './store';

export type StoreSpec = { readonly kind: 'memory' } | { readonly kind: 'sqlite'; readonly path: string };

export interface OpenStoreOptions {
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly retention?: Retention;
}

/**
 * Opens the store and keeps its history bounded until close().
 * @throws Unsupported for a file that is no store of ours, is damaged, or was written by a newer version;
 *   Unavailable when another process has it open.
 */
export async function openStore(spec: StoreSpec, options: OpenStoreOptions = {}): Promise<Store> {
  const { log = silentLogger, clock = systemClock, retention = defaultRetention } = options;
  const store = spec.kind === 'memory' ? new MemoryStore() : await SqliteStore.open(spec.path);
  const stop = new AbortController();
  const compaction = runCompaction(
    { revision: () => store.currentRevision, compact: (revision) => store.compact(revision), clock, log },
    retention,
    stop.signal,
  );
  const close = store.close.bind(store);
  store.close = async () => {
    stop.abort();
    await compaction;
    await close();
  };
  return store;
}
