// A local, always current copy of one kind (or a selection of it), kept by list and watch.
import type { KubeObject } from '../api/types';

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
   * Handlers run synchronously, in event order, after the copy has changed. A relist yields `deleted` for what vanished and
   * nothing for objects whose resourceVersion is unchanged. Subscribing late replays the current objects as `added`.
   */
  onChange(handler: (change: Change<T>) => void): void;
  /** True after the first complete list. */
  readonly hasSynced: boolean;
  /** Resolves after the first complete list; rejects when the signal is aborted. */
  synced(signal: AbortSignal): Promise<void>;
  /** Lists and watches until the signal is aborted; survives disconnects with back-off and keeps serving the last state. */
  run(signal: AbortSignal): Promise<void>;
}

/** Index name to a function giving the values an object is found under. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;
