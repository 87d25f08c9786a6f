// Opens a store by its kind. The rest of the server knows only the Store port. A new backend is a folder of its own and a
// line in `backends`, with a line in `Settings` for its settings.
import { type Clock, systemClock } from '../base/clock';
import { type Logger, silentLogger } from '../base/logger';
import type { EtcdOptions } from './etcd/connection';
import { MemoryStore } from './memory/memory-store';
import { defaultRetention, type Retention, withRetention } from './retention';
import { openShifted } from './shifted-store';
import { SqliteStore } from './sqlite/sqlite-store';
import type { Store } from './store';

/** The settings each backend needs to open. */
interface Settings {
  readonly memory: object;
  /** `erases`: what is deleted is overwritten, so that no old value stays in the file. */
  readonly sqlite: { readonly path: string; readonly erases?: boolean };
  readonly etcd: EtcdOptions;
}
export type StoreKind = keyof Settings;
export type StoreSpec<K extends StoreKind = StoreKind> = { [P in K]: { readonly kind: P } & Settings[P] }[K];

export interface BackendDeps {
  readonly log: Logger;
  readonly clock: Clock;
}

const backends: { readonly [K in StoreKind]: (spec: StoreSpec<K>, deps: BackendDeps) => Promise<Store> } = {
  memory: async () => new MemoryStore(),
  sqlite: ({ path, erases }, deps) => SqliteStore.open(path, { erases: erases ?? false, ...deps }),
  etcd: async (spec, deps) => openShifted(await (await import('./etcd/etcd-store')).EtcdStore.open(spec, deps)),
};

export interface OpenStoreOptions {
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly retention?: Retention;
}

/** Opens the store alone, with all its history. @throws as openStore */
export function openBackend<K extends StoreKind>(spec: StoreSpec<K>, deps: BackendDeps): Promise<Store> {
  const open: (spec: StoreSpec<K>, deps: BackendDeps) => Promise<Store> = backends[spec.kind];
  return open(spec, deps);
}

/**
 * Opens the store and keeps its history bounded until close().
 * @throws Unsupported for data that is not a store of this program, is damaged, or was written by a newer version;
 *   Unavailable when another process has the file open, or etcd does not answer.
 */
export async function openStore<K extends StoreKind>(
  spec: StoreSpec<K>,
  options: OpenStoreOptions = {},
): Promise<Store> {
  const { log = silentLogger, clock = systemClock, retention = defaultRetention } = options;
  return withRetention(await openBackend(spec, { log, clock }), retention, { clock, log });
}
