// Keeps an informer's copy current: one list, then watches that resume where the last one ended.
//
//   list ─► replace ─► watch from its revision ─► apply events ─┐ ended by the server: watch again from the last revision
//     ▲                      ▲                                  │ broken: the same after a back-off
//     └── Expired (410) ─────┴──────────────────────────────────┘ a list that follows yields only the difference
// Until the first list is answered, the copy may be that of an earlier process.
import type { KindRef } from '../api/kind';
import { type KubeObject, objectKey, type WatchEvent } from '../api/types';
import { Backoff } from '../base/backoff';
import type { Clock } from '../base/clock';
import { isExpired, isUnavailable } from '../base/errors';
import { eventLoop, type Work } from '../base/event-loop';
import type { Logger } from '../base/logger';
import type { Client, ListParams } from './client';

/** Where the reflector puts what it reads. */
export interface Sink<T> {
  /** The changes that follow bring the copy up to this revision. */
  reached(resourceVersion: string | undefined): void;
  /** All objects at once, after a list. */
  replace(objects: ReadonlyMap<string, T>): void;
  upsert(key: string, object: T): void;
  remove(key: string, last: T): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client;
  readonly kind: KindRef<T>;
  readonly params: ListParams;
  readonly sink: Sink<T>;
  readonly log: Logger;
  readonly clock: Clock;
  /** In [0, 1): spreads time-outs and back-offs, so that many clients do not return at the same moment. */
  readonly random: () => number;
  /** The state of an earlier process, for the time until the API server answers the first list; undefined: there is none. */
  readonly earlier?: () => Promise<ReadonlyMap<string, T> | undefined>;
}

/** A watch lasts between this and twice this long, as in client-go. */
export const watchTimeoutSeconds = 300;
/** How much longer than its requested time a watch may stay silent before the client closes the connection. */
const watchGraceMs = 30_000;
/**
 * A watch that ends sooner than this without an event (a server that stops still sends a bookmark) means that the server fails:
 * the next watch waits for its back-off.
 */
const shortWatchMs = 1_000;
const listRetry = { initialMs: 100, maxMs: 5_000 };

/** Runs until the signal is aborted; never throws. */
export async function runReflector<T extends KubeObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { kind, log, clock, random } = options;
  const backoff = new Backoff<string>(listRetry);
  let revision: string | undefined;
  let { earlier } = options;
  while (!signal.aborted) {
    try {
      revision ??= await list(options, signal);
      earlier = undefined;
      const startedAt = clock.elapsed();
      let heard = false;
      for await (const { at, isBookmark } of watch(options, revision, signal)) {
        revision = at;
        if (isBookmark) continue;
        heard = true;
        backoff.forget('');
      }
      if (heard || clock.elapsed() - startedAt >= shortWatchMs) backoff.forget('');
      else await pause(clock, backoff.next('') * (0.5 + random()), signal);
    } catch (err) {
      if (signal.aborted) return;
      if (earlier && isUnavailable(err)) {
        const objects = await earlier();
        earlier = undefined;
        if (objects) {
          log.warn('the API server cannot be reached: working by the state of the last process', { kind: kind.plural });
          options.sink.replace(objects);
        }
      }
      const expired = isExpired(err);
      const delay = backoff.next('') * (0.5 + random());
      const first = backoff.count('') === 1;
      log[first || expired ? 'debug' : 'warn'](revision === undefined ? 'list failed' : 'watch failed', {
        kind: kind.plural,
        error: err,
      });
      if (expired) revision = undefined;
      // When the history no longer reaches back, list at once, unless the last list did not help either.
      if (!(expired && first)) await pause(clock, delay, signal);
    }
  }
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch((err: unknown) => {
    if (!signal.aborted) throw err;
  });
}

/** Returns the revision the list was read at. */
async function list<T extends KubeObject>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<string> {
  const { client, kind, params, sink } = options;
  const work = workOf(kind);
  const objects = new Map<string, T>();
  let page = await client.list(kind, params, signal);
  for (;;) {
    for (const item of page.items) objects.set(objectKey(item), item);
    const next = page.metadata.continue;
    if (!next) break;
    page = await client.list(kind, { ...params, continue: next }, signal);
  }
  eventLoop.mark(work);
  sink.reached(page.metadata.resourceVersion);
  sink.replace(objects);
  return page.metadata.resourceVersion ?? '';
}

/** Applies events to the sink; yields the revision `at` each. Ends when the server or the silence limit ends it. */
async function* watch<T extends KubeObject>(
  { client, kind, params, sink, clock, random }: ReflectorOptions<T>,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<{ readonly at: string; readonly isBookmark: boolean }> {
  const work = workOf(kind);
  const timeoutSeconds = Math.round(watchTimeoutSeconds * (1 + random()));
  const { limit: _limit, continue: _continue, ...selection } = params;
  // A connection whose other end disappeared without a packet (a node cut off) would stay silent for ever.
  const silence = new AbortController();
  const cancel = clock.after(timeoutSeconds * 1000 + watchGraceMs, () =>
    silence.abort(new Error('no data on the watch for too long')),
  );
  try {
    const events = client.watch(
      kind,
      { ...selection, resourceVersion, timeoutSeconds },
      AbortSignal.any([signal, silence.signal]),
    );
    for await (const event of events) {
      eventLoop.mark(work);
      sink.reached(event.object.metadata?.resourceVersion);
      applyEvent(sink, event);
      yield {
        at: event.object.metadata?.resourceVersion ?? resourceVersion,
        isBookmark: event.type === 'BOOKMARK',
      };
    }
  } finally {
    cancel();
  }
}

const workOf = ({ plural }: KindRef): Work => ({ kind: 'informer', describe: () => ({ kind: plural }) });

function applyEvent<T extends KubeObject>(sink: Sink<T>, { type, object }: WatchEvent<T>): void {
  if (type === 'ADDED' || type === 'MODIFIED') sink.upsert(objectKey(object), object);
  else if (type === 'DELETED') sink.remove(objectKey(object), object);
}
