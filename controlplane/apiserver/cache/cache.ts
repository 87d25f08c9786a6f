// The watch cache port: what REST handlers read from and write through. Each object is kept once, parsed and as the
// bytes that are served; a watch event is encoded once for all its watchers.
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Together, TogetherCreate } from '../../store/store';

/** One object at one revision. `object` is shared by all readers: never change it, copy it first. */
export interface CachedObject<T extends KubeObject = KubeObject> {
  /** `namespace/name` or `name`. */
  readonly key: string;
  readonly object: T;
  /** The object as JSON with metadata.resourceVersion, exactly as a GET answers it. */
  readonly json: Buffer;
  readonly revision: number;
  /** The version in which the object is here. */
  readonly apiVersion?: string;
  /** The object as a protobuf message, set by its first reader in this form. */
  protobuf?: Buffer | undefined;
  /** The object for a reader that does not keep it: if it is not parsed yet, the cache does not keep it either. */
  readOnce?(): T;
}

export interface CacheEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** The object after the event; of DELETED, its last state with resourceVersion set to the deletion's revision. */
  readonly current: CachedObject<T>;
  readonly previous?: CachedObject<T>;
  /** `{"type":...,"object":...}\n` in UTF-8, encoded at first use and then shared by all watchers. */
  wire(): Buffer;
}

/** Selects objects of a LIST or WATCH: all given parts must match; `indexed` lets the cache start from a smaller set. */
export interface Filter<T extends KubeObject = KubeObject> {
  /** Restrict to one namespace. */
  readonly namespace?: string;
  /** The name that `matches` demands, if it does: so that other objects need not be converted for it. */
  readonly name?: string;
  readonly matches?: (object: T) => boolean;
  /** A field that the kind declares, and its value: { index: 'spec.nodeName', value: 'n1' }. @throws BadRequest for any other */
  readonly indexed?: { readonly index: string; readonly value: string };
}

export interface ListOptions<T extends KubeObject = KubeObject> extends Filter<T> {
  readonly limit?: number;
  /** Where a continued list starts: after this key, consistent with this revision. */
  readonly after?: { readonly key: string; readonly revision: number };
  /** Wait until the cache has seen at least this revision; 0 or absent: do not wait. */
  readonly minRevision?: number;
  /** resourceVersionMatch=Exact. @throws Expired */
  readonly exactRevision?: number;
}
export interface ListResult<T extends KubeObject = KubeObject> {
  readonly items: readonly CachedObject<T>[];
  readonly revision: number;
  /** The last key of this page, when more objects follow. */
  readonly next?: string;
  readonly remaining?: number;
}

export interface WatchOptions<T extends KubeObject = KubeObject> extends Filter<T> {
  /** Events after this revision. @throws Expired when history no longer reaches that far back. */
  readonly afterRevision: number;
  readonly signal: AbortSignal;
}

/** A watch that is under way. */
export interface Watching {
  /** True while events that the cache has applied wait for the reader or for a conversion: no bookmark may pass them. */
  readonly isBehind: boolean;
}

/** One attempt of a read-change-write loop. */
export type Change<T extends KubeObject> = (current: CachedObject<T>) => T | undefined | Promise<T | undefined>;

/** All objects of one kind. Of a kind whose objects a webhook converts, what is not converted yet must be read with `read` and `list`. */
export interface KindCache<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  /** @throws Error for an object that must wait for its conversion */
  get(key: string): CachedObject<T> | undefined;
  /** As `get`; a promise when the object must be converted by a program outside. @throws ConversionFailed */
  read(key: string): CachedObject<T> | undefined | Promise<CachedObject<T> | undefined>;
  has(key: string): boolean;
  /** How many objects there are. */
  readonly size: number;
  /** The objects in the cache now, in key order, for callers that cannot wait; at most `limit`. */
  current(filter: Filter<T>, limit?: number): readonly CachedObject<T>[];
  list(options: ListOptions<T>): Promise<ListResult<T>>;
  /**
   * Calls `onEvents` with batches of matching events, in order; the subscription starts synchronously. A filter with
   * `matches` turns the update of an object that no longer matches into DELETED, and of one that newly matches into ADDED.
   * `onEvents` may return a promise (a full socket): the next batch waits until it resolves; bookmarks must wait for it
   * too. When the backlog of a watcher grows above a bound meanwhile, `onClose(reason)` ends it.
   */
  watch(
    options: WatchOptions<T>,
    onEvents: (events: readonly CacheEvent<T>[]) => void | Promise<void>,
    onClose: (reason: unknown) => void,
  ): Watching;
  /**
   * Resolves after the commit and after the cache holds the new object. Sets metadata.resourceVersion. The object
   * belongs to the cache from the call on: do not change it afterwards. Its claims are written with it. @throws AlreadyExists, AlreadyClaimed
   */
  create(object: T, together?: readonly Together[]): Promise<CachedObject<T>>;
  /**
   * The object belongs to the cache, as with create. When its bytes equal the stored ones, nothing is written and the stored
   * object returned. @throws NotFound, Conflict when the stored object is not at `expectedRevision` any more, AlreadyClaimed
   */
  update(object: T, expectedRevision: number, together?: readonly Together[]): Promise<CachedObject<T>>;
  /** Whether an update should be written although it changes nothing: the store keeps the object in an older form. */
  isStale(key: string): boolean;
  /** The object as it would be read after its write, for kinds that convert their objects. Writes nothing. @throws ConversionFailed */
  rehearse?(object: T): Promise<T>;
  /**
   * Reads, changes and writes; starts again when another writer was faster. `change` must work on a copy and may throw; when
   * it returns undefined, nothing is written. `together` is asked after each `change`. @throws NotFound, Conflict after many attempts, any error of `change`
   */
  modify(key: string, change: Change<T>, together?: () => readonly Together[] | undefined): Promise<CachedObject<T>>;
  /** Resolves with the last state. @throws NotFound, Conflict */
  delete(key: string, expectedRevision?: number, together?: readonly Together[]): Promise<CachedObject<T>>;
  /**
   * The creation of an object together with the write of another. The object belongs to the cache, as with create; its kind has no
   * claims. When it exists, the write is refused with `claim`.
   */
  creation(object: T, claim: string): TogetherCreate;
}

export interface Cache {
  /** @throws NotFound for a kind that is not served. */
  kind<T extends KubeObject>(kind: Kind<T>): KindCache<T>;
  /** The newest revision the cache has seen. */
  revision(): number;
}
