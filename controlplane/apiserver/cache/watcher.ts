// One watch on one kind: its filter, ADDED and DELETED for objects that begin or cease to match, its backlog while the reader is busy.
import type { KubeObject } from '../../api/types';
import { Unavailable } from '../../base/errors';
import type { CachedObject, CacheEvent, Watching } from './cache';
import { type Codec, Event } from './encode';

export type Test<T extends KubeObject> = (entry: CachedObject<T>) => boolean;

export interface WatcherDeps<T extends KubeObject> {
  readonly codec: Codec<T>;
  /** Absent: everything is kept. */
  readonly test: Test<T> | undefined;
  readonly onEvents: (events: readonly CacheEvent<T>[]) => void | Promise<void>;
  readonly onClose: (reason: unknown) => void;
  readonly maxBacklog: number;
}

export class Watcher<T extends KubeObject> implements Watching {
  private backlog: CacheEvent<T>[] = [];
  private busy = false;
  closed = false;
  /** Events up to here were before this watch. */
  constructor(
    private readonly deps: WatcherDeps<T>,
    private readonly afterRevision: number,
  ) {}

  get isBehind(): boolean {
    return this.busy || this.backlog.length > 0;
  }

  /** Delivers the events before the subscription first, but only after the caller's own call has returned. */
  replay(events: readonly CacheEvent<T>[]): void {
    this.backlog = [...this.select(events)];
    if (this.backlog.length === 0) return;
    this.busy = true;
    queueMicrotask(() => this.resume());
  }

  offer(events: readonly CacheEvent<T>[]): void {
    if (this.closed) return;
    const selected = this.select(events);
    if (selected.length === 0) return;
    if (!this.busy) {
      this.deliver(selected);
      return;
    }
    this.backlog.push(...selected);
    if (this.backlog.length > this.deps.maxBacklog) {
      this.close(new Unavailable(`the watcher is more than ${this.deps.maxBacklog} events behind`));
    }
  }

  close(reason: unknown): void {
    if (this.closed) return;
    this.end();
    this.deps.onClose(reason);
  }

  /** Ends without a call to the reader: the reader itself ended the watch. */
  end(): void {
    this.closed = true;
    this.backlog = [];
  }

  private resume(): void {
    this.busy = false;
    if (this.closed || this.backlog.length === 0) return;
    const events = this.backlog;
    this.backlog = [];
    this.deliver(events);
  }

  private deliver(events: readonly CacheEvent<T>[]): void {
    try {
      const done = this.deps.onEvents(events);
      if (!done) return;
      this.busy = true;
      done.then(
        () => this.resume(),
        (error: unknown) => this.close(error),
      );
    } catch (error) {
      // A reader that throws must not stop the events of the others.
      this.close(error);
    }
  }

  /** Returns the same array when all events match: watchers with the same array share its bytes. */
  private select(events: readonly CacheEvent<T>[]): readonly CacheEvent<T>[] {
    const selected: CacheEvent<T>[] = [];
    for (const event of events) {
      if (event.revision <= this.afterRevision) continue;
      const { test, codec } = this.deps;
      const seen = test ? transition(event, test, codec) : event;
      if (seen) selected.push(seen);
    }
    return selected.length === events.length && selected.every((event, i) => event === events[i]) ? events : selected;
  }
}

/** What an event is for a reader of the objects that match: undefined for nothing. */
export function transition<T extends KubeObject>(
  event: CacheEvent<T>,
  test: Test<T>,
  codec: Codec<T>,
): CacheEvent<T> | undefined {
  const { type, current, previous } = event;
  if (type === 'DELETED') return previous && test(previous) ? event : undefined;
  const was = previous !== undefined && test(previous);
  const is = test(current);
  if (was && is) return event;
  if (is) return previous ? new Event('ADDED', current) : event;
  if (was) return new Event('DELETED', codec.restamp(previous, event.revision), previous);
  return undefined;
}
