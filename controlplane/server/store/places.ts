// Where a store is, and how the commands reach it. `sqlite-place.ts` and `etcd-place.ts` are the two kinds.
import type { Fault } from '../../store/sqlite/inspect';
import type { Store } from '../../store/store';
import type { Compacted } from './socket';

export interface Source {
  /** For messages. */
  readonly what: string;
  /** What is wrong with the backend's own data; before open(). */
  faults(): Iterable<Fault>;
  /** A store whose contents do not change. Closed when the work has ended. */
  open(): Promise<Store>;
}

export interface NewStore {
  /** Its first write gets a greater revision than this one. */
  readonly revision: number;
  /** A store that is there now is replaced, and kept under another name; one in etcd as a backup at this path. Absent: it is an error. */
  readonly replace?: {
    readonly keepAt: string;
    /** Called when that backup is complete, before anything is cleared. */
    readonly onKept: () => void;
  };
  readonly signal: AbortSignal;
}

export interface StorePlace {
  /** For messages. */
  readonly name: string;
  /** What to do when a restore finds content here: a sentence without its full stop. */
  readonly toReplace: string;
  /** Whether there is a store with content. @throws Unavailable */
  exists(): Promise<boolean>;
  /** Calls `work` with all that the store has at one moment; servers may run. `scratchDir` has room for a copy. */
  read<T>(scratchDir: string, signal: AbortSignal, work: (source: Source) => Promise<T>): Promise<T>;
  /** Calls `work` with the store of stopped servers. @throws NotFound, Unavailable while a server uses it, what `work` throws */
  readStopped<T>(signal: AbortSignal, work: (store: Store) => Promise<T>): Promise<T>;
  /** The newest revision; undefined when there is no store, or none that can be read. @throws Unavailable while a server uses it */
  newest(): Promise<number | undefined>;
  /**
   * Makes a new store: `work` fills it, and servers can use it only when `work` has ended. A failure leaves what was there. Resolves with
   * the result of `work`, and the name of the store that was replaced. @throws AlreadyExists, Unavailable, what `work` throws
   */
  make<T>(made: NewStore, work: (store: Store) => Promise<T>): Promise<{ readonly result: T; readonly kept?: string }>;
  /** Drops the history and gives the freed space back. Servers may run. */
  compact(signal: AbortSignal): Promise<readonly Compacted[]>;
}

export const megabytes = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
