// The store port: revisioned keys with compare-and-swap, claims, a range read and a watch that misses nothing. Every backend
// passes the same contract suite (test/contract/store.ts). Values are opaque bytes here.

/** One key as of one revision. Each write over the whole store has a greater revision than all writes before it; the first has 1 or more. */
export interface StoredValue {
  readonly key: string;
  readonly value: Buffer;
  readonly modRevision: number;
}

export interface StoreEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  readonly revision: number;
  /** The new value of a put; of a delete, the last value the key had. */
  readonly value: Buffer;
  /** The value before this event; absent when the key did not exist. */
  readonly previous?: Buffer;
  /** The change was made together with another write: so no caller waits for this revision. May be missing in history. */
  readonly isTogether?: true;
}

/** All events up to `revision` that the watch had not delivered before; perhaps none. */
export interface WatchBatch {
  readonly events: readonly StoreEvent[];
  readonly revision: number;
}

export interface RangeOptions {
  /**
   * Read as of this revision; the newest by default. When it is one of a write with others together, the read may see all of them.
   * @throws Expired when it is compacted, BadRequest when it is in the future
   */
  readonly revision?: number;
  readonly limit?: number;
  /** Only keys greater than this one. */
  readonly after?: string;
}
export interface RangeResult {
  readonly items: readonly StoredValue[];
  /** The revision the read saw. */
  readonly revision: number;
  readonly more: boolean;
}

/**
 * Names that one key holds at most, such as `clusterip/10.96.0.7`. A write lists all that its key holds from then on; without a
 * list the key keeps what it holds. The store takes and frees them in the transaction of the write: either both happen or neither.
 */
export type Claims = readonly string[];

/**
 * What happens to a second key together with a write, inside its transaction: so no other write comes between its decision and the
 * write. The store decides after the write's own expectation is met, and before it takes claims; a refusal refuses the complete write.
 * The second keys take the revisions after that of the write. One write names a key once, and not its own. No read of the newest state,
 * and no watch, sees some of the changes without the others.
 */
export type Together = TogetherChange | TogetherCreate | TogetherDelete;

/**
 * The store calls `change` with the present value. It must be pure, and fast. It returns the new value, or undefined to leave it;
 * when it throws an AppError, the write is refused with it. A key that does not exist is left out. Its claims stay as they are.
 */
export interface TogetherChange {
  readonly action: 'change';
  readonly key: string;
  change(value: Buffer): Buffer | undefined;
}

/** A new key, without claims. When it exists, the write is refused: AlreadyClaimed with `claim` and the key as its owner. */
export interface TogetherCreate {
  readonly action: 'create';
  readonly key: string;
  readonly value: Buffer;
  readonly claim: string;
}

/** Deletes the key and frees its claims if it exists and `applies` to its present value. `applies` is pure, and does not throw. */
export interface TogetherDelete {
  readonly action: 'delete';
  readonly key: string;
  applies(value: Buffer): boolean;
}

/** A claim and the key that holds it. */
export interface HeldClaim {
  readonly claim: string;
  readonly owner: string;
}

/** Care for the files of a store while it is in use. */
export interface StoreFiles {
  /** Fills the existing empty file with a copy of the store, which the same backend can open. Other requests go on meanwhile. */
  copyTo(path: string): Promise<void>;
  /** In bytes, without what will be merged into it. */
  size(): number;
  /** Gives space that nothing uses back to the file system, in small steps. */
  giveBack(): Promise<void>;
}

export interface Store {
  /** The difference of the revisions of two writes that follow each other, each without keys together with it. */
  readonly step: number;
  /** Other processes write to the same data: what this process has seen may be older than what another one has acknowledged. */
  readonly isShared: boolean;
  /** The newest committed revision, also of other processes. Every write that was acknowledged before the call has this revision or a lower one. */
  revision(): Promise<number>;
  get(key: string): Promise<StoredValue | undefined>;
  /** Keys with this prefix in byte order. */
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /** Resolves with the new revision after the commit is durable. @throws AlreadyExists, AlreadyClaimed, what `together` throws */
  create(key: string, value: Buffer, claims?: Claims, together?: readonly Together[]): Promise<number>;
  /** @throws NotFound, Conflict when the key's modRevision is not `expectedRevision`, AlreadyClaimed */
  update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    claims?: Claims,
    together?: readonly Together[],
  ): Promise<number>;
  /** Frees all claims of the key. Resolves with the revision of the deletion. @throws NotFound, Conflict, what `together` throws */
  delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<number>;
  /**
   * Records the claims of a key that an older version wrote without them. Takes no revision and does not check other owners,
   * since the stored value does hold them: only here a claim can get a second owner. @throws NotFound, Conflict
   */
  adopt(key: string, claims: Claims, expectedRevision: number): Promise<void>;
  /**
   * All claims, ordered by claim and owner; for the start of a server and for checks. As of `revision` in a store that other processes
   * write to; elsewhere claims have no history, and the present ones are returned.
   */
  claims(revision?: number): Promise<readonly HeldClaim[]>;
  /**
   * Events of keys with this prefix, with revisions greater than `afterRevision`, in revision order, in batches, without
   * a gap between history and live events. Ends when the signal is aborted. @throws Expired when a compaction removed the history, Unavailable
   * when the store cannot say what it has not delivered
   */
  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch>;
  /** Whether the stored bytes of a key should be written again although its value is the same. Absent: never. */
  isStale?(key: string): boolean;
  /** Why the store takes no writes now, in a few words that may be shown to all; undefined while it works. Absent: it has no troubles. */
  problem?(): string | undefined;
  /** Aborted when the store can go on only after it is opened again. Absent: never. */
  readonly ended?: AbortSignal;
  /** Absent: a store without files of its own. */
  readonly files?: StoreFiles;
  /** Drops history up to and including this revision; current values stay. */
  compact(revision: number): Promise<void>;
  close(): Promise<void>;
}
