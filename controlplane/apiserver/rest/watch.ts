// WATCH: one long answer of JSON lines or protobuf frames. Events of plain watches are encoded once and shared by all watchers;
// Table and metadata watches are rendered per watcher.
import type { Kind } from '../../api/kind';
import type { KubeObject, WatchEvent } from '../../api/types';
import { describeError, isExpired, Unavailable } from '../../base/errors';
import type { CachedObject, CacheEvent, Watching } from '../cache/cache';
import { WatchEnd } from '../cache/watch-end';
import { protobufType } from '../protobuf/envelope';
import { jsonType, type Reply, type Sink } from '../request';
import { toStatus } from '../status';
import type { RestDeps, RestRequest } from './context';
import { type ListOptions, watchOptions } from './list-options';
import { type Negotiated, negotiateFor, requireStream } from './negotiate';
import { parseRevision } from './read';
import { parseSelection, type Selection } from './selection';
import { type IncludeObject, parseIncludeObject, partial, renderTable } from './table';

/** Time between bookmarks while no event is sent. */
const bookmarkMs = 60_000;
/** Without timeoutSeconds a watch ends after a random time of 30 to 60 minutes, so that clients do not reconnect all at once. */
const minTimeoutMs = 30 * 60_000;
/** The longest time of a Node timer, 24 days; with a longer one it would fire at once. */
const maxTimeoutMs = 2 ** 31 - 1;
/** The connection of a reader with this much unread is cut; the client can resume or list again. */
const maxBufferedBytes = 16 * 1024 * 1024;
const initialEventsEnd = 'k8s.io/initial-events-end';

/** Ends all watches of the server, for a graceful stop. */
export interface WatchLifetime {
  readonly signal: AbortSignal;
  /** Called with each number of events that are sent. */
  readonly onSent?: (kind: Kind, events: number) => void;
}

export async function watchObjects(deps: RestDeps, rest: RestRequest, life: WatchLifetime): Promise<Reply> {
  const { route, query } = rest;
  const { kind } = route;
  // If the watch started and ended at once, the client would start it again at once.
  if (life.signal.aborted) throw new Unavailable('the server is shutting down');
  const form = negotiateFor(rest);
  const selection = parseSelection(kind, route.namespace, route.name, query);
  const options = watchOptions(query);
  const start = startOf(options);
  requireStream(form);
  const initial = start.initial ? await deps.cache.kind(kind).list(selection) : undefined;
  const stream = new WatchStream(deps, rest, initial?.revision ?? start.revision, { selection, options, form });
  stream.subscribe();
  if (initial && form.encoding === 'protobuf' && form.rendering.as === 'object') {
    await deps.protobuf.prepare(kind, initial.items);
  }
  return {
    status: 200,
    type: typeOf(form),
    start: (sink) => stream.run(sink, initial?.items ?? [], start.announceEnd, life),
  };
}

const typeOf = ({ encoding }: Negotiated): string =>
  encoding === 'protobuf' ? `${protobufType};stream=watch` : jsonType;

interface Start {
  /** Begin with the present objects, as ADDED events. */
  readonly initial: boolean;
  /** A bookmark marks the end of the initial events. */
  readonly announceEnd: boolean;
  readonly revision: number;
}

/** @throws BadRequest */
function startOf(options: ListOptions): Start {
  const { resourceVersion: version = '', sendInitialEvents: initial, allowWatchBookmarks = false } = options;
  const revision = version === '' ? 0 : parseRevision(version);
  // As upstream: a watch from no revision begins with the present objects, also in the older form without sendInitialEvents.
  if (initial === undefined) {
    return { initial: revision === 0, announceEnd: revision === 0 && allowWatchBookmarks, revision };
  }
  if (!initial && revision === 0) return { initial: false, announceEnd: false, revision: -1 };
  return { initial, announceEnd: initial && allowWatchBookmarks, revision };
}

/** The options of the watch request. */
interface Wanted {
  readonly selection: Selection;
  readonly options: ListOptions;
  readonly form: Negotiated;
}

class WatchStream {
  private readonly stop = new AbortController();
  private sink: Sink | undefined;
  /** Events between the subscription and the start of the answer. */
  private early: CacheEvent[] = [];
  private revision: number;
  private sentAt = 0;
  private headersSent = false;
  private watching: Watching = { isBehind: false };
  private closeReason: { readonly reason: unknown } | undefined;
  private readonly include: IncludeObject;
  /** Bytes of the initial state, which do not count as backlog of the reader. */
  private initialBytes = 0;
  private onSent: WatchLifetime['onSent'];
  private cancelTimeout = () => {};
  private cancelBookmark = () => {};

  constructor(
    private readonly deps: RestDeps,
    private readonly rest: RestRequest,
    revision: number,
    private readonly wanted: Wanted,
  ) {
    this.revision = revision < 0 ? deps.cache.revision() : revision;
    this.include = parseIncludeObject(rest.query);
  }

  /** For a revision before the kept history the stream has one event, as upstream: ERROR, with a Status of code 410. */
  subscribe(): void {
    const cache = this.deps.cache.kind(this.rest.route.kind);
    try {
      this.watching = cache.watch(
        { ...this.wanted.selection, afterRevision: this.revision, signal: this.stop.signal },
        (events) => this.send(events),
        (reason) => this.fail(reason),
      );
    } catch (err) {
      if (!isExpired(err)) throw err;
      this.closeReason = { reason: err };
    }
  }

  run(sink: Sink, initial: readonly CachedObject[], announceEnd: boolean, life: WatchLifetime): void {
    const bookmarks = this.wanted.options.allowWatchBookmarks ?? false;
    const end = () => this.finish(sink, bookmarks);
    this.cancelTimeout = this.deps.clock.after(this.timeoutMs(), end);
    this.stop.signal.addEventListener('abort', () => {
      this.cancelTimeout();
      this.cancelBookmark();
      life.signal.removeEventListener('abort', end);
    });
    sink.onClose(() => this.stop.abort());
    if (this.stop.signal.aborted) return;
    this.onSent = life.onSent;
    this.sendInitial(sink, initial);
    if (announceEnd) this.sendBookmark(sink, { [initialEventsEnd]: 'true' });
    this.sink = sink;
    this.send(this.early);
    this.early = [];
    if (this.stop.signal.aborted) return;
    if (this.closeReason) {
      this.fail(this.closeReason.reason);
      return;
    }
    life.signal.addEventListener('abort', end);
    if (bookmarks) this.scheduleBookmark(sink);
    if (life.signal.aborted) end();
  }

  private send(events: readonly CacheEvent[]): void {
    const last = events[events.length - 1];
    if (!last) return;
    const { sink } = this;
    if (!sink) {
      this.early.push(...events);
      return;
    }
    this.revision = last.revision;
    this.sentAt = this.deps.clock.elapsed();
    this.onSent?.(this.rest.route.kind, events.length);
    if (sink.events) sink.events(events.map(({ type, current }) => ({ type, object: this.view(current) })));
    else sink.write(this.batch(events));
    // Cut instead of end: an end would wait until the reader reads the buffered bytes.
    if (sink.buffered() > maxBufferedBytes + this.initialBytes) sink.cut();
  }

  private sendInitial(sink: Sink, initial: readonly CachedObject[]): void {
    this.onSent?.(this.rest.route.kind, initial.length);
    if (sink.events) sink.events(initial.map((item) => ({ type: 'ADDED', object: this.view(item) })));
    else {
      for (const item of initial) sink.write(this.encode('ADDED', item));
      this.initialBytes = sink.buffered();
    }
  }

  private batch(events: readonly CacheEvent[]): Buffer {
    const { rendering, encoding } = this.wanted.form;
    if (rendering.as !== 'object') {
      return Buffer.concat(events.map((event) => this.encode(event.type, event.current)));
    }
    return encoding === 'protobuf' ? this.deps.protobuf.events(this.rest.route.kind, events) : joined(events);
  }

  private encode(type: EventType, item: CachedObject): Buffer {
    const { rendering, encoding } = this.wanted.form;
    if (encoding === 'protobuf') {
      const { protobuf } = this.deps;
      return rendering.as === 'partial'
        ? protobuf.partialEvent(type, item.object, rendering.version)
        : protobuf.event(this.rest.route.kind, type, item);
    }
    if (rendering.as === 'object') {
      return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), item.json, lineEnd]);
    }
    return line(type, this.view(item));
  }

  /** The object in the form of this watch. */
  private view({ object, revision }: CachedObject): KubeObject {
    return this.wanted.form.rendering.as === 'object'
      ? object
      : this.renderOther(object, { resourceVersion: String(revision) });
  }

  private renderOther(object: KubeObject, metadata: { resourceVersion: string }): KubeObject {
    const { rest, wanted } = this;
    const { rendering } = wanted.form;
    if (rendering.as !== 'table') {
      return partial(object, rendering.as === 'partial' ? rendering.version : 'v1') as KubeObject;
    }
    const table = renderTable(rest.route.kind, [object], metadata, {
      version: rendering.version,
      include: this.include,
      now: this.deps.clock.now(),
      headers: !this.headersSent,
    });
    this.headersSent = true;
    return table as KubeObject;
  }

  /** A bookmark of a Table watch is a Table with one empty row, since its reader expects that type. */
  private sendBookmark(sink: Sink, annotations?: Record<string, string>): void {
    const { kind } = this.rest.route;
    const metadata = {
      resourceVersion: String(this.revision),
      ...(annotations ? { annotations } : {}),
    };
    const object = { kind: kind.kind, apiVersion: kind.apiVersion, metadata } as unknown as KubeObject;
    const plain = this.wanted.form.rendering.as === 'object';
    const shown = plain ? object : this.renderOther(object, { resourceVersion: String(this.revision) });
    this.say(sink, 'BOOKMARK', shown);
  }

  /** Sends an event that does not come from the cache. */
  private say(sink: Sink, type: EventType, object: KubeObject): void {
    const { rendering, encoding } = this.wanted.form;
    if (sink.events) sink.events([{ type, object }]);
    else if (encoding !== 'protobuf') sink.write(line(type, object));
    else if (type === 'BOOKMARK' && rendering.as === 'partial') {
      sink.write(this.deps.protobuf.partialEvent(type, object, rendering.version));
    } else {
      const { schemas } = this.deps;
      const schema = type === 'ERROR' ? schemas.ofModel('V1Status') : schemas.of(this.rest.route.kind);
      sink.write(this.deps.protobuf.otherEvent(type, object, schema));
    }
  }

  private scheduleBookmark(sink: Sink): void {
    this.cancelBookmark = this.deps.clock.after(bookmarkMs, () => {
      this.catchUp();
      if (this.deps.clock.elapsed() - this.sentAt >= bookmarkMs / 2) this.sendBookmark(sink);
      this.scheduleBookmark(sink);
    });
  }

  /** All events up to the cache's revision were sent, except those that wait: the cache delivers events in the step that applies them. */
  private catchUp(): void {
    if (!this.watching.isBehind) this.revision = Math.max(this.revision, this.deps.cache.revision());
  }

  private finish(sink: Sink, bookmarks: boolean): void {
    if (this.stop.signal.aborted) return;
    this.catchUp();
    this.stop.abort();
    if (bookmarks) this.sendBookmark(sink);
    sink.end();
  }

  private fail(reason: unknown): void {
    if (this.stop.signal.aborted) return;
    if (!this.sink) {
      this.closeReason = { reason };
      return;
    }
    if (reason instanceof WatchEnd) {
      this.finish(this.sink, this.wanted.options.allowWatchBookmarks ?? false);
      return;
    }
    this.stop.abort();
    const status = toStatus(reason);
    this.say(this.sink, 'ERROR', { ...status, message: status.message ?? describeError(reason) } as KubeObject);
    this.sink.end();
  }

  private timeoutMs(): number {
    const { timeoutSeconds = 0 } = this.wanted.options;
    if (timeoutSeconds !== 0) return Math.min(Math.max(timeoutSeconds, 0) * 1000, maxTimeoutMs);
    return minTimeoutMs + Math.random() * minTimeoutMs;
  }
}

type EventType = WatchEvent<unknown>['type'];

const lineEnd = Buffer.from('}\n');
const line = (type: EventType, object: unknown): Buffer => Buffer.from(`${JSON.stringify({ type, object })}\n`);

const batches = new WeakMap<readonly CacheEvent[], Buffer>();

/** The bytes of a batch, joined once for all watchers of the same batch. */
function joined(events: readonly CacheEvent[]): Buffer {
  if (events.length === 1) return events[0]!.wire();
  const known = batches.get(events);
  if (known) return known;
  const bytes = Buffer.concat(events.map((event) => event.wire()));
  batches.set(events, bytes);
  return bytes;
}
