// Serves one version of a custom kind with several versions, over the objects as they are stored: each in the version in which it was
// written. Objects of this version are passed on; the others are converted, by a webhook if the definition has one. Then reads of these
// objects wait for it, and events of a watch that wait keep their order.
import type { Kind } from '../../api/kind';
import type { Versions } from '../../api/storage';
import { type KubeObject, objectKey } from '../../api/types';
import type { Together } from '../../store/store';
import { notFound } from '../status';
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
import { Conversions } from './conversions';
import type { ConvertedObjects } from './converted-objects';
import { Event } from './encode';
import { nameOf } from './filter';
import type { StoreKindCache } from './kind-cache';
import { indexFunction } from './object-index';
import { type Test, transition } from './watcher';

/** Objects that a list with a selector converts at once, before it knows which of them match. */
const filteredAtOnce = 500;

type Entries<T extends KubeObject> = readonly CachedObject<T>[];
type Events<T extends KubeObject> = readonly CacheEvent<T>[];

export class VersionKindCache<T extends KubeObject> implements KindCache<T> {
  private readonly conversions: Conversions<T>;

  constructor(
    readonly kind: Kind<T>,
    private readonly stored: StoreKindCache<KubeObject>,
    versions: Versions,
    kept: ConvertedObjects,
  ) {
    this.conversions = new Conversions(kind, versions, kept);
  }

  get size(): number {
    return this.stored.size;
  }

  has(key: string): boolean {
    return this.stored.has(key);
  }

  get(key: string): CachedObject<T> | undefined {
    return atOnce(this.kind, this.read(key));
  }

  read(key: string): CachedObject<T> | undefined | Promise<CachedObject<T>> {
    const found = this.stored.get(key);
    return found && this.one(found);
  }

  current({ namespace, name, ...filter }: Filter<T>, limit = Number.POSITIVE_INFINITY): Entries<T> {
    const found = this.stored.current({ ...(namespace === undefined ? {} : { namespace }), ...named(name) });
    const test = this.testOf(filter);
    const shown = atOnce(this.kind, this.conversions.all(found));
    return (test ? shown.filter(test) : shown).slice(0, limit);
  }

  async list(options: ListOptions<T>): Promise<ListResult<T>> {
    const { matches, indexed, limit = 0, name, ...place } = options;
    const test = this.testOf(options);
    if (!test) {
      const result = await this.stored.list({ ...place, limit });
      return { ...result, items: await this.conversions.all(result.items) };
    }
    const { items: candidates, revision } = await this.stored.list({ ...place, ...named(name) });
    const items: CachedObject<T>[] = [];
    for (let from = 0; from < candidates.length; from += filteredAtOnce) {
      for (const entry of await this.conversions.all(candidates.slice(from, from + filteredAtOnce))) {
        if (!test(entry)) continue;
        if (limit > 0 && items.length === limit) return { items, revision, next: items.at(-1)!.key };
        items.push(entry);
      }
    }
    return { items, revision };
  }

  watch(
    options: WatchOptions<T>,
    onEvents: (events: Events<T>) => void | Promise<void>,
    onClose: (reason: unknown) => void,
  ): Watching {
    const { namespace, name, afterRevision, signal } = options;
    const wanted = { afterRevision, signal, ...(namespace === undefined ? {} : { namespace }), ...named(name) };
    const test = this.testOf(options);
    const pass = (events: Events<T>): void | Promise<void> => {
      if (events.length > 0 && !signal.aborted) return onEvents(events);
    };
    return this.stored.watchAs(
      this.kind,
      wanted,
      (events) => {
        const shown = this.events(events, test);
        return shown instanceof Promise ? shown.then(pass) : pass(shown);
      },
      onClose,
    );
  }

  async create(object: T, together?: readonly Together[]): Promise<CachedObject<T>> {
    return this.one(await this.stored.create(await this.toStored(object), together));
  }

  async update(object: T, expectedRevision: number, together?: readonly Together[]): Promise<CachedObject<T>> {
    this.check(objectKey(object));
    return this.one(await this.stored.update(await this.toStored(object), expectedRevision, together));
  }

  async modify(
    key: string,
    change: Change<T>,
    together?: () => readonly Together[] | undefined,
  ): Promise<CachedObject<T>> {
    this.check(key);
    const left = await this.stored.modify(
      key,
      async (current) => {
        const changed = await change(await this.one(current));
        return changed && this.toStored(changed);
      },
      together,
    );
    return this.one(left);
  }

  /** An object of another version than that of new objects is written again, even if nothing else changes. */
  isStale(key: string): boolean {
    const found = this.stored.get(key);
    return (found !== undefined && found.apiVersion !== this.stored.kind.apiVersion) || this.stored.isStale(key);
  }

  async rehearse(object: T): Promise<T> {
    return (await this.conversions.object(await this.toStored(object), this.kind)) as T;
  }

  async delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<CachedObject<T>> {
    this.check(key);
    const before = this.stored.get(key);
    const last = await this.stored.delete(key, expectedRevision, together);
    return this.conversions.knownLast(last, before) ?? this.one(last);
  }

  creation(): never {
    throw new Error(`${this.kind.plural} are not created together with other objects`);
  }

  /** Throws with the name of this kind; the stored kind would use its own name. @throws NotFound */
  private check(key: string): void {
    if (!this.stored.has(key)) throw notFound(this.kind, nameOf(key));
  }

  private toStored(object: T): KubeObject | Promise<KubeObject> {
    const { resourceVersion: _, ...metadata } = object.metadata ?? {};
    const plain = { ...object, apiVersion: this.kind.apiVersion, kind: this.kind.kind, metadata };
    return this.conversions.object(plain, this.stored.kind);
  }

  private one(entry: CachedObject): CachedObject<T> | Promise<CachedObject<T>> {
    const known = this.conversions.known(entry);
    if (known) return known;
    const shown = this.conversions.all([entry]);
    return shown instanceof Promise ? shown.then(([only]) => only!) : shown[0]!;
  }

  /** The same array when all events are of this version and match. */
  private events(events: readonly CacheEvent[], test: Test<T> | undefined): Events<T> | Promise<Events<T>> {
    const needed = new Set<CachedObject>();
    for (const { type, current, previous } of events) {
      if (type !== 'DELETED') needed.add(current);
      else if (!this.conversions.knownLast(current, previous)) needed.add(previous ?? current);
      if (test && previous) needed.add(previous);
    }
    const entries = [...needed];
    const shown = this.conversions.all(entries);
    if (shown instanceof Promise) return shown.then((all) => this.shownEvents(events, test, pairs(entries, all)));
    return this.shownEvents(events, test, pairs(entries, shown));
  }

  private shownEvents(
    events: readonly CacheEvent[],
    test: Test<T> | undefined,
    shown: ReadonlyMap<CachedObject, CachedObject<T>>,
  ): Events<T> {
    const { codec } = this.conversions;
    let changed = false;
    const result: CacheEvent<T>[] = [];
    for (const event of events) {
      const own = this.event(event, shown);
      const seen = test ? transition(own, test, codec) : own;
      if (seen !== event) changed = true;
      if (seen) result.push(seen);
    }
    return changed ? result : (events as Events<T>);
  }

  private event(event: CacheEvent, shown: ReadonlyMap<CachedObject, CachedObject<T>>): CacheEvent<T> {
    const { type, current, previous } = event;
    const { conversions } = this;
    const before = previous && (shown.get(previous) ?? conversions.known(previous));
    const now =
      shown.get(current) ??
      conversions.knownLast(current, previous) ??
      // Of a deleted object only the last state before the deletion was converted.
      conversions.codec.restamp(before!, event.revision);
    if (now === current && before === previous) return event as CacheEvent<T>;
    return new Event(type, now, before);
  }

  private testOf({ matches, indexed }: Filter<T>): Test<T> | undefined {
    if (!matches && !indexed) return undefined;
    const fieldOf = indexed && indexFunction(this.kind, indexed.index);
    return ({ object }) => (!fieldOf || fieldOf(object) === indexed!.value) && (matches?.(object) ?? true);
  }
}

/** Names are the same in all versions. */
const named = (name: string | undefined): Pick<Filter, 'name'> => (name === undefined ? {} : { name });

const pairs = <T extends KubeObject>(entries: readonly CachedObject[], shown: Entries<T>) =>
  new Map(entries.map((entry, i) => [entry, shown[i]!]));

function atOnce<R>(kind: Kind, result: R | Promise<R>): R {
  if (result instanceof Promise) {
    result.catch(() => undefined);
    throw new Error(`objects of ${kind.apiVersion} ${kind.plural} must be converted before they can be read`);
  }
  return result;
}
