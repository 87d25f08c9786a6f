// All objects of one kind: served from memory, written through the store, changed only by the store's events.
import type { Kind } from '../../api/kind';
import { type KubeObject, objectKey } from '../../api/types';
import { isAlreadyExists, isConflict, isNotFound, type NotFound, Unavailable } from '../../base/errors';
import { eventLoop } from '../../base/event-loop';
import type { Claims, Store, StoredValue, StoreEvent, Together, TogetherCreate } from '../../store/store';
import { alreadyExists, modified, notFound } from '../status';
import type {
  CachedObject,
  CacheEvent,
  Change,
  Filter,
  KindCache,
  ListOptions,
  ListResult,
  Watching,
  WatchOptions,
} from './cache';
import { Codec, Event } from './encode';
import { nameOf, testOf } from './filter';
import { listCurrent, listHistory, type View } from './lists';
import { ObjectIndexes } from './object-index';
import { readable } from './readable';
import { ReplayRing, type RingBounds } from './replay-ring';
import { SortedKeys } from './sorted-keys';
import { WatchEnd } from './watch-end';
import { Watcher } from './watcher';

/** What a kind needs from the cache of all kinds. */
export interface KindCacheDeps {
  readonly store: Store;
  readonly revision: () => number;
  /** Resolves when the cache has applied everything up to the revision. @throws Timeout, Unavailable */
  readonly reached: (revision: number) => Promise<void> | undefined;
  /** Runs a write and resolves with the object as the cache applied it at the write's revision. */
  readonly write: (start: () => Promise<number>) => Promise<CachedObject>;
  readonly ring: RingBounds;
  /** Milliseconds, by a clock without steps. */
  readonly elapsed: () => number;
  readonly maxBacklog: number;
}

/** After this many conflicts in a row modify() gives up. */
const maxAttempts = 100;
/** All objects in another form of their kind. */
export interface Reformed<T extends KubeObject> {
  readonly kind: Kind<T>;
  readonly codec: Codec<T>;
  readonly entries: WeakMap<CachedObject<T>, CachedObject<T>>;
}

/** All objects of a revision, not in use yet. */
export interface Loaded<T extends KubeObject> {
  readonly objects: Map<string, CachedObject<T>>;
  readonly keys: SortedKeys;
  readonly codec: Codec<T>;
}

export class StoreKindCache<T extends KubeObject> implements KindCache<T> {
  private objects = new Map<string, CachedObject<T>>();
  private keys = new SortedKeys();
  private codec: Codec<T>;
  private readonly ring: ReplayRing<T>;
  private indexes: ObjectIndexes<T>;
  /** Each watcher with the kind that it watches. */
  private readonly watchers = new Map<Watcher<T>, Kind>();
  /** Objects by the bytes sent to the store: when the event returns with these bytes, they need not be parsed. */
  private readonly written = new WeakMap<Buffer, T>();
  private pending: Event<T>[] = [];
  /** The newest revision that changed this kind. */
  private changedAt = 0;
  /** Set when the kind is served no more. */
  private removed: NotFound | undefined;

  constructor(
    private form: Kind<T>,
    private readonly deps: KindCacheDeps,
  ) {
    const { kind } = this;
    this.codec = new Codec(kind);
    this.ring = new ReplayRing(deps.ring, deps.elapsed);
    this.indexes = new ObjectIndexes(kind, this.objects);
  }

  /** The kind in whose form the objects are. */
  get kind(): Kind<T> {
    return this.form;
  }

  private get view(): View<T> {
    const { kind, objects, keys, indexes } = this;
    return { kind, objects, keys, indexes };
  }

  get size(): number {
    return this.objects.size;
  }

  get(key: string): CachedObject<T> | undefined {
    return this.objects.get(key);
  }

  read(key: string): CachedObject<T> | undefined {
    return this.objects.get(key);
  }

  has(key: string): boolean {
    return this.objects.has(key);
  }

  current(filter: Filter<T>, limit?: number): readonly CachedObject<T>[] {
    return listCurrent(this.view, { ...filter, ...(limit === undefined ? {} : { limit }) }, this.deps.revision()).items;
  }

  async list(options: ListOptions<T>): Promise<ListResult<T>> {
    const { minRevision = 0, exactRevision, after } = options;
    if (minRevision > this.deps.revision()) await this.deps.reached(minRevision);
    const revision = after?.revision ?? exactRevision;
    if (revision !== undefined && revision > this.deps.revision()) await this.deps.reached(revision);
    if (revision !== undefined && this.changedAt > revision) {
      const { kind, codec } = this;
      return listHistory({ kind, codec, store: this.deps.store }, options, revision);
    }
    return listCurrent(this.view, options, revision ?? this.deps.revision());
  }

  watch(
    options: WatchOptions<T>,
    onEvents: (events: readonly CacheEvent<T>[]) => void | Promise<void>,
    onClose: (reason: unknown) => void,
  ): Watching {
    return this.watchAs(this.kind, options, onEvents, onClose);
  }

  /** A watch that ends when `served` is served no more. */
  watchAs(
    served: Kind,
    options: WatchOptions<T>,
    onEvents: (events: readonly CacheEvent<T>[]) => void | Promise<void>,
    onClose: (reason: unknown) => void,
  ): Watching {
    const { afterRevision, signal } = options;
    const replay = this.ring.after(afterRevision);
    if (signal.aborted) return { isBehind: false };
    const { codec } = this;
    const { maxBacklog } = this.deps;
    const watcher = new Watcher<T>(
      { codec, test: testOf(this.kind, options), onEvents, onClose, maxBacklog },
      afterRevision,
    );
    watcher.replay(replay);
    this.watchers.set(watcher, served);
    signal.addEventListener(
      'abort',
      () => {
        watcher.end();
        this.watchers.delete(watcher);
      },
      { once: true },
    );
    return watcher;
  }

  async create(object: T, together?: readonly Together[]): Promise<CachedObject<T>> {
    const key = objectKey(object);
    const prepared = this.codec.prepare(object);
    const value = this.codec.encode(prepared);
    this.written.set(value, prepared);
    const claims = this.kind.options.claims?.(prepared);
    return this.write(key, () => this.deps.store.create(this.kind.prefix + key, value, claims, together));
  }

  async update(object: T, expectedRevision: number, together?: readonly Together[]): Promise<CachedObject<T>> {
    const key = objectKey(object);
    const prepared = this.codec.prepare(object);
    const value = this.codec.encode(prepared);
    const current = this.objects.get(key);
    if (current?.revision === expectedRevision && this.codec.isSame(current, value) && !this.isStale(key))
      return current;
    this.written.set(value, prepared);
    const claims = this.changedClaims(prepared, current?.revision === expectedRevision ? current : undefined);
    const { store } = this.deps;
    const storeKey = this.kind.prefix + key;
    return this.write(key, () => store.update(storeKey, value, expectedRevision, claims, together));
  }

  isStale(key: string): boolean {
    return this.deps.store.isStale?.(this.kind.prefix + key) ?? false;
  }

  async delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<CachedObject<T>> {
    return this.write(key, () => this.deps.store.delete(this.kind.prefix + key, expectedRevision, together));
  }

  creation(object: T, claim: string): TogetherCreate {
    const prepared = this.codec.prepare(object);
    const value = this.codec.encode(prepared);
    this.written.set(value, prepared);
    return { action: 'create', key: this.kind.prefix + objectKey(object), value, claim };
  }

  async modify(
    key: string,
    change: Change<T>,
    together?: () => readonly Together[] | undefined,
  ): Promise<CachedObject<T>> {
    for (let attempt = 1; ; attempt++) {
      const current = this.objects.get(key);
      if (!current) throw notFound(this.kind, nameOf(key));
      const changed = await change(current);
      if (changed === undefined) return current;
      try {
        return await this.update(changed, current.revision, together?.());
      } catch (error) {
        if (!isConflict(error) || attempt === maxAttempts) throw error;
        // The other writer has committed: wait until the cache has its change, then try again.
        await this.deps.reached(await this.deps.store.revision());
      }
    }
  }

  /** Replaces everything by what the store held at `revision`, at once. */
  load({ objects, keys, codec }: Loaded<T>, revision: number): void {
    // Watches that have begun since the store was lost: they would miss what happened up to this revision.
    this.closeWatchers(new Unavailable('all objects are loaded again'));
    this.objects = objects;
    this.keys = keys;
    // The form of the kind may have changed while the objects were read.
    if (codec !== this.codec) for (const [key, entry] of objects) objects.set(key, this.codec.adopt(entry));
    this.indexes = new ObjectIndexes(this.kind, objects);
    this.ring.reset(revision);
    this.pending = [];
    // Deleted objects leave no revision behind: any revision up to this one may have been a deletion.
    this.changedAt = revision;
  }

  /** What load() needs: values of the store in the form of the kind. Gives way to other work: there may be many. */
  async loaded(items: readonly StoredValue[]): Promise<Loaded<T>> {
    const { codec } = this;
    const objects = new Map<string, CachedObject<T>>();
    const keys = new SortedKeys();
    for (const { key: storeKey, value, modRevision } of items) {
      const pause = eventLoop.pause();
      if (pause) await pause;
      const key = storeKey.slice(this.kind.prefix.length);
      objects.set(key, codec.decode(key, readable(codec, storeKey, value), modRevision));
      keys.add(key);
    }
    return { objects, keys, codec };
  }

  /** What become() needs: the objects in the form of `kind`. Gives way to other work. */
  async reformed(kind: Kind<T>): Promise<Reformed<T>> {
    const codec = new Codec(kind);
    const entries = new WeakMap<CachedObject<T>, CachedObject<T>>();
    for (const entry of [...this.objects.values()]) {
      const pause = eventLoop.pause();
      if (pause) await pause;
      entries.set(entry, codec.adopt(entry));
    }
    return { kind, codec, entries };
  }

  /** Has all objects in another form of the same kind from now on. The caller ends the watches. */
  become({ kind, codec, entries }: Reformed<T>): void {
    const wasMixed = this.kind.options.mixedVersions ?? false;
    const keepsVersions = kind.options.mixedVersions ?? false;
    const isOther = !keepsVersions && (wasMixed || kind.apiVersion !== this.kind.apiVersion);
    this.form = kind;
    this.codec = codec;
    // Objects that changed while the others were converted are converted now.
    for (const [key, entry] of this.objects) this.objects.set(key, entries.get(entry) ?? codec.adopt(entry));
    this.indexes = new ObjectIndexes(kind, this.objects);
    // The events of the history may have another apiVersion.
    if (isOther) this.ring.reset(this.deps.revision());
  }

  /** Applies one event and returns the resulting object; flush() sends the event to the watchers. */
  apply(event: StoreEvent): CachedObject<T> {
    const key = event.key.slice(this.kind.prefix.length);
    const previous = this.objects.get(key);
    this.changedAt = event.revision;
    let current: CachedObject<T>;
    if (event.type === 'delete') {
      const last = previous ?? this.codec.decode(key, event.value, event.revision);
      current = this.codec.restamp(last, event.revision);
      if (this.objects.delete(key)) this.keys.delete(key);
      this.indexes.change(previous, undefined);
      this.record(new Event('DELETED', current, last));
      return current;
    }
    const written = this.written.get(event.value);
    const prepared = written && this.codec.isComplete(written) ? written : undefined;
    const value = prepared ? event.value : readable(this.codec, event.key, event.value);
    current = this.codec.decode(key, value, event.revision, prepared);
    this.objects.set(key, current);
    if (!previous) this.keys.add(key);
    this.indexes.change(previous, current);
    this.record(new Event(previous ? 'MODIFIED' : 'ADDED', current, previous));
    return current;
  }

  flush(): void {
    const events = this.pending;
    this.pending = [];
    for (const watcher of this.watchers.keys()) {
      watcher.offer(events);
      if (watcher.closed) this.watchers.delete(watcher);
    }
    for (const event of events) event.settle();
  }

  /** All watchers, or those that are served as one kind. */
  closeWatchers(reason: unknown, only?: Kind): void {
    for (const [watcher, served] of this.watchers) {
      if (only && served !== only) continue;
      watcher.close(reason);
      this.watchers.delete(watcher);
    }
  }

  /** Ends watches, and refuses writes, also those that are under way, with `reason`. */
  remove(reason: NotFound): void {
    this.removed = reason;
    this.closeWatchers(new WatchEnd(reason.message));
  }

  private record(event: Event<T>): void {
    this.ring.push(event);
    this.pending.push(event);
  }

  private async write(key: string, start: () => Promise<number>): Promise<CachedObject<T>> {
    if (this.removed) throw this.removed;
    try {
      return (await this.deps.write(start)) as CachedObject<T>;
    } catch (error) {
      // A write that was stored after the removal has no event in this cache.
      throw this.removed ?? this.translate(key, error);
    }
  }

  /** The claims of `object`; undefined when the replaced version has the same: the store then keeps them. */
  private changedClaims(object: T, replaced: CachedObject<T> | undefined): Claims | undefined {
    const claims = this.kind.options.claims?.(object);
    if (!claims || !replaced) return claims;
    const before = this.kind.options.claims?.(replaced.object) ?? [];
    const isSame = before.length === claims.length && before.every((claim, i) => claim === claims[i]);
    return isSame ? undefined : claims;
  }

  /** Uses kube-apiserver's messages, since users read them. */
  private translate(key: string, cause: unknown): unknown {
    const name = nameOf(key);
    if (isNotFound(cause)) return notFound(this.kind, name, cause);
    if (isAlreadyExists(cause)) return alreadyExists(this.kind, name, this.get(key)?.object, cause);
    return isConflict(cause) ? modified(this.kind, name, cause) : cause;
  }
}
