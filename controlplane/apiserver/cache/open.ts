// The watch cache over a Store: loads every kind at one revision and follows the store's events from there. Only events
// change it, so it has the store's order, whichever server wrote.
import type { Kind } from '../../api/kind';
import { isVersionOf, storageKind } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { Backoff } from '../../base/backoff';
import { type Clock, systemClock } from '../../base/clock';
import { AlreadyExists, hasCode, isExpired, NotFound, Unavailable } from '../../base/errors';
import { type Logger, silentLogger } from '../../base/logger';
import type { Store, StoredValue, StoreEvent, WatchBatch } from '../../store/store';
import { adoptClaims } from './adopt-claims';
import { AppliedRevision } from './applied-revision';
import type { Cache, CachedObject, KindCache } from './cache';
import { ConvertedKindCache } from './converted-kind';
import { ConvertedObjects } from './converted-objects';
import { Freshness } from './freshness';
import { type KindCacheDeps, type Loaded, StoreKindCache } from './kind-cache';
import { defaultRingBounds, type RingBounds } from './replay-ring';
import { VersionKindCache } from './version-kind';
import { WatchEnd } from './watch-end';

export interface CacheOptions {
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly ring?: RingBounds;
  /** Events a watcher may be behind while its reader is busy. */
  readonly maxBacklog?: number;
  /** How long a read waits for a revision that the cache has not seen yet. */
  readonly waitMs?: number;
  /** From how many revisions back a watch may resume right after the start, if the store still has them; default 2,000. */
  readonly resumeRevisions?: number;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

export interface OpenCache extends Cache {
  /** Why the cache may be older than the store: everything is being loaded again, or the store does not answer. */
  readonly problem: string | undefined;
  /**
   * Resolves when the cache has every write that was acknowledged before the call; undefined when it always has, because no other
   * process writes to the store. @throws Unavailable when the store does not answer
   */
  fresh(): Promise<void> | undefined;
  /**
   * Serves one more kind; resolves when its objects are there: at once when they are served as another kind already.
   * @throws AlreadyExists for a kind that is served, and for objects that are stored in the form of another kind
   */
  addKind(kind: Kind): Promise<void>;
  /**
   * Ends the watches of a kind and stops serving it. Its objects stay in the store. If no other kind serves them, unfinished writes
   * are refused.
   */
  removeKind(kind: Kind): void;
  /**
   * Serves `after` in place of `before`: kinds of the same objects, none of the lists empty. Calls `swapped` at the moment of the change.
   * Watches of `before` end; unfinished requests for these kinds reach the new kinds of their versions.
   */
  replaceKinds(before: readonly Kind[], after: readonly Kind[], swapped: () => void): Promise<void>;
  /** Ends all watches. The store stays open. */
  close(): Promise<void>;
}

const rootPrefix = '/registry/';
const loadPageSize = 1_000;
/** So often objects are read at the start, while history is compacted faster than they are read. */
const maxLoads = 20;
/** About one busy minute or a quiet quarter of an hour; read in about 100 ms. */
const defaultResumeRevisions = 2_000;

/** Resolves when all kinds are loaded. @throws Unsupported for a value that cannot be read, Unavailable after the signal */
export async function openCache(store: Store, kinds: readonly Kind[], options: CacheOptions = {}): Promise<OpenCache> {
  const cache = new StoreCache(store, kinds, options);
  const giveUp = () => void cache.close();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await cache.start();
    return cache;
  } catch (error) {
    await cache.close();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
}

class StoreCache implements OpenCache {
  private isFollowing = false;
  /** Absent: only this process writes to the store. */
  private readonly freshness: Freshness | undefined;
  /** By prefix. */
  private readonly kinds = new Map<string, StoreKindCache<KubeObject>>();
  /** The kinds that are served; several may show the same objects. */
  private readonly served = new Map<Kind, KindCache>();
  private readonly converted = new ConvertedObjects();
  /** Replaced kinds: unfinished requests still have them. */
  private readonly replaced = new WeakMap<Kind, KindCache>();
  /** Kinds that are being loaded: their events wait. */
  private readonly held = new Map<string, StoreEvent[]>();
  private readonly applied: AppliedRevision;
  /** Results of writes in progress, by revision, until write() returns them. */
  private readonly results = new Map<number, CachedObject>();
  private writing = 0;
  private readonly stop = new AbortController();
  private following: Promise<void> = Promise.resolve();
  private readonly deps: KindCacheDeps;
  private readonly log: Logger;
  private readonly clock: Clock;
  private readonly resumeRevisions: number;

  constructor(
    private readonly store: Store,
    kinds: readonly Kind[],
    options: CacheOptions,
  ) {
    this.log = options.log ?? silentLogger;
    this.clock = options.clock ?? systemClock;
    this.applied = new AppliedRevision(this.clock, options.waitMs ?? 3_000);
    this.resumeRevisions = options.resumeRevisions ?? defaultResumeRevisions;
    this.deps = {
      store,
      revision: () => this.applied.value,
      reached: (revision) => this.applied.reached(revision),
      write: (start) => this.write(start),
      ring: options.ring ?? defaultRingBounds,
      elapsed: () => this.clock.elapsed(),
      maxBacklog: options.maxBacklog ?? 20_000,
    };
    const { clock } = this;
    const newest = () => store.revision();
    this.freshness = store.isShared
      ? new Freshness({ newest, reached: (revision) => this.applied.reached(revision), clock, log: this.log })
      : undefined;
    for (const kind of kinds) {
      if (!this.kinds.has(kind.prefix)) this.kinds.set(kind.prefix, new StoreKindCache(storageKind(kind), this.deps));
      this.serve(kind, this.kinds.get(kind.prefix)!);
    }
  }

  /** Resolves when everything the store held at the call is served. */
  async start(): Promise<void> {
    const target = await this.store.revision();
    const events = await this.loadWithHistory(target);
    this.following = this.follow(events);
    await this.caughtUp(target);
    await adoptClaims(this.store, this.kinds.values(), this.log);
  }

  /**
   * Also when the store was lost meanwhile: follow() loads everything again. @throws Unsupported for a value that cannot be read: as an event,
   * and then again among the newest values
   */
  private async caughtUp(target: number): Promise<void> {
    let unreadable = 0;
    while (this.applied.value < target) {
      try {
        await this.applied.upTo(target);
      } catch (error) {
        if (this.stop.signal.aborted) throw error;
        const cause = error instanceof Unavailable ? error.cause : undefined;
        unreadable = hasCode(cause, 'Unsupported') ? unreadable + 1 : 0;
        if (unreadable > 1) throw cause;
      }
    }
  }

  kind<T extends KubeObject>(kind: Kind<T>): KindCache<T> {
    const found = this.served.get(kind) ?? this.replaced.get(kind) ?? this.storedAs(kind);
    if (!found) throw new NotFound(`${kind.plural} of ${kind.apiVersion} are not served`);
    return found as unknown as KindCache<T>;
  }

  /** The objects as they are stored, for the kind that several versions share. */
  private storedAs(kind: Kind): KindCache | undefined {
    const stored = this.kinds.get(kind.prefix);
    return kind.options.mixedVersions && stored?.kind === kind && !this.held.has(kind.prefix) ? stored : undefined;
  }

  revision(): number {
    return this.applied.value;
  }

  fresh(): Promise<void> | undefined {
    return this.freshness?.confirm();
  }

  get problem(): string | undefined {
    return this.isFollowing ? this.freshness?.problem : 'the cache does not follow the store';
  }

  async addKind(kind: Kind): Promise<void> {
    const stored = storageKind(kind);
    const present = this.kinds.get(kind.prefix);
    if (present) {
      const isOther = present.kind !== stored || this.served.has(kind) || this.held.has(kind.prefix);
      if (isOther) throw new AlreadyExists(`${kind.prefix} is served already`);
      this.serve(kind, present);
      return;
    }
    const added = new StoreKindCache<KubeObject>(stored, this.deps);
    this.kinds.set(kind.prefix, added);
    const held: StoreEvent[] = [];
    this.held.set(kind.prefix, held);
    try {
      const revision = await this.store.revision();
      added.load(await added.loaded(await this.readAll(kind.prefix, revision)), revision);
      // A watch starts from the revision of a list, which is the cache's revision: it must not be older than the loaded objects.
      if (revision > this.applied.value) await this.applied.upTo(revision);
      for (const event of held) if (event.revision > revision) added.apply(event);
      added.flush();
      this.serve(kind, added);
    } catch (error) {
      this.kinds.delete(kind.prefix);
      throw error;
    } finally {
      this.held.delete(kind.prefix);
    }
  }

  removeKind(kind: Kind): void {
    if (!this.served.delete(kind)) return;
    const stored = this.kinds.get(kind.prefix)!;
    const reason = new NotFound(`${kind.plural} are not served any more`);
    if ([...this.served.keys()].some(({ prefix }) => prefix === kind.prefix)) {
      stored.closeWatchers(new WatchEnd(reason.message), kind);
      return;
    }
    stored.remove(reason);
    this.kinds.delete(kind.prefix);
  }

  async replaceKinds(before: readonly Kind[], after: readonly Kind[], swapped: () => void): Promise<void> {
    const stored = this.kinds.get(after[0]!.prefix);
    if (!stored) throw new NotFound(`${after[0]!.plural} are not served`);
    const reformed = await stored.reformed(storageKind(after[0]!));
    // One synchronous stretch from here: no request sees a part of the change.
    stored.become(reformed);
    for (const kind of after) this.serve(kind, stored);
    for (const kind of before) {
      this.served.delete(kind);
      const next = after.find(({ version }) => version === kind.version);
      if (next) this.replaced.set(kind, this.served.get(next)!);
    }
    stored.closeWatchers(new WatchEnd(`the definition of ${stored.kind.plural} has changed`));
    swapped();
  }

  private serve(kind: Kind, stored: StoreKindCache<KubeObject>): void {
    this.served.set(kind, this.viewOf(kind, stored));
  }

  private viewOf(kind: Kind, stored: StoreKindCache<KubeObject>): KindCache {
    if (kind === stored.kind) return stored;
    const { storage } = kind.options;
    return isVersionOf(storage)
      ? new VersionKindCache(kind, stored, storage.versions, this.converted)
      : new ConvertedKindCache(kind, stored);
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.following;
    this.disconnect(new Unavailable('the cache is closed'));
  }

  /**
   * Loads an older revision and reads the rest as events. So watches from before the restart resume where they were; else all
   * clients would get "revision too old" and list everything again at the same moment.
   */
  private async loadWithHistory(target: number): Promise<AsyncIterable<WatchBatch>> {
    const { step } = this.store;
    // Not below the end of the first revision, which is 1, or 199 with a step of 100.
    const first = 2 * step - 1;
    // A quiet store keeps less history than that. The store does not say how much: halving finds more than half of what it keeps.
    let back = Math.min(this.resumeRevisions, Math.ceil((target - first) / step));
    for (; back >= 1; back = Math.floor(back / 2)) {
      try {
        return await this.load(Math.max(first, target - back * step));
      } catch (error) {
        if (!isExpired(error)) throw error;
      }
    }
    // The history of a busy store may be compacted, by another server too, while its objects are read.
    for (let tries = 1, revision = target; ; tries++, revision = await this.store.revision()) {
      try {
        return await this.load(revision);
      } catch (error) {
        if (!isExpired(error) || tries === maxLoads) throw error;
      }
    }
  }

  /**
   * Subscribes first and reads second: changes in between arrive as events. The objects of all kinds are replaced in one step, so that
   * no list has a part of them.
   */
  private async load(revision: number): Promise<AsyncIterable<WatchBatch>> {
    const unused = new AbortController();
    const events = this.store.watch(rootPrefix, revision, AbortSignal.any([this.stop.signal, unused.signal]));
    try {
      const all: [StoreKindCache<KubeObject>, Loaded<KubeObject>][] = [];
      for (const kind of this.kinds.values()) {
        all.push([kind, await kind.loaded(await this.readAll(kind.kind.prefix, revision))]);
      }
      for (const [kind, loaded] of all) kind.load(loaded, revision);
    } catch (error) {
      unused.abort(error);
      throw error;
    }
    this.applied.value = revision;
    this.isFollowing = true;
    this.applied.settle();
    return events;
  }

  private async readAll(prefix: string, revision: number): Promise<StoredValue[]> {
    const items: StoredValue[] = [];
    for (;;) {
      const last = items.at(-1)?.key;
      const page = await this.store.range(prefix, {
        revision,
        limit: loadPageSize,
        ...(last === undefined ? {} : { after: last }),
      });
      items.push(...page.items);
      if (!page.more) return items;
    }
  }

  /** Follows until close(). When the store cannot go on from here, everything is loaded again and watchers start over. */
  private async follow(first: AsyncIterable<WatchBatch>): Promise<void> {
    const backoff = new Backoff<string>({ initialMs: 100, maxMs: 5_000 });
    let events: AsyncIterable<WatchBatch> | undefined = first;
    while (!this.stop.signal.aborted) {
      try {
        events ??= await this.load(await this.store.revision());
        for await (const batch of events) {
          this.applyBatch(batch);
          backoff.forget('store');
        }
      } catch (error) {
        this.log.error('the watch of the store failed; all objects are loaded again', { error });
        this.disconnect(new Unavailable('the cache is loading', { cause: error }));
        await this.clock.sleep(backoff.next('store'), this.stop.signal).catch(() => undefined);
      }
      events = undefined;
    }
  }

  private applyBatch({ events, revision }: WatchBatch): void {
    const touched = new Set<StoreKindCache<KubeObject>>();
    for (const event of events) {
      const prefix = kindPrefix(event.key);
      const held = this.held.get(prefix);
      const kind = this.kinds.get(prefix);
      if (held) held.push(event);
      else if (kind) {
        const left = kind.apply(event);
        touched.add(kind);
        if (this.writing > 0 && !event.isTogether) this.results.set(event.revision, left);
      }
    }
    this.applied.value = revision;
    for (const kind of touched) kind.flush();
    this.applied.settle();
  }

  private async write(start: () => Promise<number>): Promise<CachedObject> {
    this.writing++;
    try {
      const revision = await start();
      if (revision > this.applied.value) await this.applied.upTo(revision);
      const result = this.results.get(revision);
      this.results.delete(revision);
      if (!result) throw new Unavailable(`the write is stored as revision ${revision}, but the cache was loaded anew`);
      return result;
    } finally {
      if (--this.writing === 0) this.results.clear();
    }
  }

  private disconnect(reason: Unavailable): void {
    this.isFollowing = false;
    for (const kind of this.kinds.values()) kind.closeWatchers(reason);
    this.applied.fail(reason);
  }
}

/** `/registry/core/pods/default/web` belongs to `/registry/core/pods/`. */
function kindPrefix(key: string): string {
  const group = key.indexOf('/', rootPrefix.length);
  const plural = key.indexOf('/', group + 1);
  return key.slice(0, plural + 1);
}
