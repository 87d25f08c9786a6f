// Serves the objects of a stored kind in the form of another kind: each object is converted once, at its first read in this form, and
// kept as long as the cache keeps the stored object.
import type { Kind } from '../../api/kind';
import { fromStored, toStored } from '../../api/storage';
import { type KubeObject, objectKey } from '../../api/types';
import type { Together, TogetherCreate } from '../../store/store';
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
import { wireOf } from './encode';
import { nameOf } from './filter';
import type { StoreKindCache } from './kind-cache';
import { indexFunction } from './object-index';

export class ConvertedKindCache<T extends KubeObject> implements KindCache<T> {
  private readonly objects = new WeakMap<KubeObject, T>();
  private readonly entries = new WeakMap<CachedObject, CachedObject<T>>();

  constructor(
    readonly kind: Kind<T>,
    private readonly stored: StoreKindCache<KubeObject>,
  ) {}

  get size(): number {
    return this.stored.size;
  }

  get(key: string): CachedObject<T> | undefined {
    const found = this.stored.get(key);
    return found && this.view(found);
  }

  read(key: string): CachedObject<T> | undefined {
    return this.get(key);
  }

  has(key: string): boolean {
    return this.stored.has(key);
  }

  current(filter: Filter<T>, limit?: number): readonly CachedObject<T>[] {
    return this.stored.current(this.filter(filter), limit).map((entry) => this.view(entry));
  }

  async list(options: ListOptions<T>): Promise<ListResult<T>> {
    const { namespace: _, name: _name, matches: _matches, indexed: _indexed, ...rest } = options;
    const result = await this.stored.list({ ...rest, ...this.filter(options) });
    return { ...result, items: result.items.map((entry) => this.view(entry)) };
  }

  watch(
    options: WatchOptions<T>,
    onEvents: (events: readonly CacheEvent<T>[]) => void | Promise<void>,
    onClose: (reason: unknown) => void,
  ): Watching {
    const { afterRevision, signal } = options;
    const wanted = { ...this.filter(options), afterRevision, signal };
    return this.stored.watchAs(
      this.kind,
      wanted,
      (events) => onEvents(events.map((event) => this.event(event))),
      onClose,
    );
  }

  async create(object: T, together?: readonly Together[]): Promise<CachedObject<T>> {
    return this.view(await this.stored.create(toStored(this.kind, object), together));
  }

  async update(object: T, expectedRevision: number, together?: readonly Together[]): Promise<CachedObject<T>> {
    this.check(objectKey(object));
    return this.view(await this.stored.update(toStored(this.kind, object), expectedRevision, together));
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
        const changed = await change(this.view(current));
        return changed && toStored(this.kind, changed);
      },
      together,
    );
    return this.view(left);
  }

  isStale(key: string): boolean {
    return this.stored.isStale(key);
  }

  async delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<CachedObject<T>> {
    this.check(key);
    return this.view(await this.stored.delete(key, expectedRevision, together));
  }

  creation(object: T, claim: string): TogetherCreate {
    return this.stored.creation(toStored(this.kind, object), claim);
  }

  /** Throws with the name of this kind; the stored kind would use its own name. @throws NotFound */
  private check(key: string): void {
    if (!this.stored.get(key)) throw notFound(this.kind, nameOf(key));
  }

  private convert(object: KubeObject): T {
    let converted = this.objects.get(object);
    if (!converted) {
      converted = fromStored(this.kind, object);
      this.objects.set(object, converted);
    }
    return converted;
  }

  private view(entry: CachedObject): CachedObject<T> {
    let view = this.entries.get(entry);
    if (!view) {
      view = new ConvertedEntry(entry, (object) => this.convert(object));
      this.entries.set(entry, view);
    }
    return view;
  }

  private event({ type, revision, current, previous }: CacheEvent): CacheEvent<T> {
    const shown = this.view(current);
    // Not kept: the object's bytes are kept already, and joining them again costs less than holding them twice.
    const wire = () => wireOf(type, shown.json);
    return { type, revision, current: shown, ...(previous ? { previous: this.view(previous) } : {}), wire };
  }

  /** An indexed field of this kind has another name in the stored form, so it is tested without the index. */
  private filter({ namespace, name, matches, indexed }: Filter<T>): Filter {
    const fieldOf = indexed && indexFunction(this.kind, indexed.index);
    const test = (object: KubeObject): boolean => {
      const shown = this.convert(object);
      return (!fieldOf || fieldOf(shown) === indexed?.value) && (matches?.(shown) ?? true);
    };
    const place = { ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
    return { ...place, ...(matches || fieldOf ? { matches: test } : {}) };
  }
}

class ConvertedEntry<T extends KubeObject> implements CachedObject<T> {
  private bytes: Buffer | undefined;
  protobuf: Buffer | undefined;

  constructor(
    private readonly stored: CachedObject,
    private readonly convert: (object: KubeObject) => T,
  ) {}

  get key(): string {
    return this.stored.key;
  }

  get revision(): number {
    return this.stored.revision;
  }

  get object(): T {
    return this.convert(this.stored.object);
  }

  get json(): Buffer {
    this.bytes ??= Buffer.from(JSON.stringify(this.object));
    return this.bytes;
  }
}
