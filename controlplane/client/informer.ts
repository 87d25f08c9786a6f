// A local, always current copy of one kind (or a selection of it), kept by list and watch.
import type { KindRef } from '../api/kind';
import type { KubeObject } from '../api/types';
import { type Clock, systemClock } from '../base/clock';
import type { Logger } from '../base/logger';
import type { Client, ListParams } from './client';
import type { KeptCopy } from './kept-copy';
import { ObjectIndex } from './object-index';
import { runReflector, type Sink } from './reflector';

export type Change<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: T }
  | { readonly type: 'updated'; readonly key: string; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly key: string; readonly object: T };

/** Read side of an informer: what controllers and agents use. Objects are shared: never change them. */
export interface Lister<T extends KubeObject> {
  get(key: string): T | undefined;
  list(): readonly T[];
  /** Objects whose index function gave this value; the index must have been declared. */
  by(index: string, value: string): readonly T[];
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  /**
   * Handlers run synchronously, in event order, after the copy has changed. A relist yields `deleted` for objects that are
   * missing and nothing for objects whose resourceVersion is unchanged. A late handler gets the current objects as `added`.
   */
  onChange(handler: (change: Change<T>) => void): void;
  /** True after the first complete list. */
  readonly hasSynced: boolean;
  /** Resolves after the first complete list; rejects when the signal is aborted. */
  synced(signal: AbortSignal): Promise<void>;
  /** Lists and watches until the signal is aborted; survives disconnects with back-off and keeps serving the last state. */
  run(signal: AbortSignal): Promise<void>;
}

/** An informer that reports the revision of its copy. */
export interface TrackedInformer<T extends KubeObject> extends Informer<T> {
  /**
   * The newest revision this copy reflects; 0 before the first list. If a write was answered with a resourceVersion up to
   * this one, the copy holds that write or a later one of the same object.
   */
  readonly revision: number;
}

/** Index name to a function giving the values an object is found under. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

export interface InformerOptions<T extends KubeObject> {
  /** Restricts the copy: a namespace, label or field selector; `limit` is the page size of the list. */
  readonly params?: ListParams;
  readonly indexes?: Indexes<T>;
  /**
   * Returns the kept part of an object, as a new object, for callers that hold many objects and need few fields of each. Name,
   * namespace, uid and resourceVersion must stay. Handlers and indexes see the kept part.
   */
  readonly keep?: (object: T) => T;
  readonly log: Logger;
  readonly clock?: Clock;
  /** In [0, 1); Math.random by default. */
  readonly random?: () => number;
  /**
   * A file with the copy. A process that starts while the API server cannot be reached has the objects of the last process, and
   * counts as synced; `revision` stays 0 until the server has answered.
   */
  readonly file?: KeptCopy<T>;
}

/** Does nothing until run() is called, which must happen once. */
export function createInformer<T extends KubeObject>(
  client: Client,
  kind: KindRef<T>,
  options: InformerOptions<T>,
): TrackedInformer<T> {
  return new ListWatchInformer(client, kind, options);
}

class ListWatchInformer<T extends KubeObject> implements TrackedInformer<T>, Sink<T> {
  private readonly copy: ObjectIndex<T>;
  private readonly handlers: Array<(change: Change<T>) => void> = [];
  private readonly firstList = Promise.withResolvers<void>();
  hasSynced = false;
  revision = 0;

  constructor(
    private readonly client: Client,
    private readonly kind: KindRef<T>,
    private readonly options: InformerOptions<T>,
  ) {
    this.copy = new ObjectIndex(options.indexes ?? {});
  }

  get(key: string): T | undefined {
    return this.copy.get(key);
  }

  list(): readonly T[] {
    return this.copy.list();
  }

  by(index: string, value: string): readonly T[] {
    return this.copy.by(index, value);
  }

  onChange(handler: (change: Change<T>) => void): void {
    for (const [key, object] of [...this.copy.entries()]) this.call(handler, { type: 'added', key, object });
    this.handlers.push(handler);
  }

  synced(signal: AbortSignal): Promise<void> {
    if (this.hasSynced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      void this.firstList.promise.then(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { params = {}, log, clock = systemClock, random = Math.random, file } = this.options;
    const earlier = file && (() => file.read());
    const reflector = { client: this.client, kind: this.kind, params, sink: this, log, clock, random };
    await Promise.all([
      runReflector<T>({ ...reflector, ...(earlier ? { earlier } : {}) }, signal),
      file?.keep(this, signal),
    ]);
  }

  /** Raised before handlers run, so that they see the copy and its revision agree. */
  reached(resourceVersion: string | undefined): void {
    this.revision = Math.max(this.revision, Number(resourceVersion ?? 0));
  }

  replace(objects: ReadonlyMap<string, T>): void {
    for (const key of this.copy.keys()) {
      if (objects.has(key)) continue;
      const object = this.copy.delete(key);
      if (object) this.emit({ type: 'deleted', key, object });
    }
    for (const [key, object] of objects) this.upsert(key, object);
    this.hasSynced = true;
    this.firstList.resolve();
  }

  upsert(key: string, full: T): void {
    const before = this.copy.get(key)?.metadata;
    if (before && before.resourceVersion === full.metadata?.resourceVersion) return;
    // Deleted and created again between two watches: two objects share the name, and handlers must see both changes.
    if (before && before.uid !== full.metadata?.uid) this.remove(key);
    const object = this.kept(full);
    const previous = this.copy.set(key, object);
    this.emit(previous ? { type: 'updated', key, object, previous } : { type: 'added', key, object });
  }

  /** `last` is the final state, if the server sent it. */
  remove(key: string, last?: T): void {
    const previous = this.copy.delete(key);
    if (previous) this.emit({ type: 'deleted', key, object: last ? this.kept(last) : previous });
  }

  private kept(object: T): T {
    return this.options.keep ? this.options.keep(object) : object;
  }

  private emit(change: Change<T>): void {
    for (const handler of this.handlers) this.call(handler, change);
  }

  /** One broken handler must not stop the others, or the copy itself. */
  private call(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (err) {
      this.options.log.error('a handler failed on a change; the other handlers still get the change', {
        kind: this.kind.plural,
        key: change.key,
        error: err,
      });
    }
  }
}
