// Reads something, then follows its changes by a watch, until the signal is aborted.
//
// 1. Nothing is missed: a watch continues from the revision of the last event, and everything is read again when that is not possible.
// 2. A failure that may pass is tried again after pauses that grow; a refusal of the server is not.
// 3. A user who may read but not watch sees the state that was read.
// 4. A server that hangs is noticed: when a watch is silent for some time, a cheap request must be answered.
import { ApiError, isAbort, NoAnswerError } from './api-error';
import { StreamLines } from './stream-lines';

/** The requests that a page makes; an answer that is no success is an ApiError. */
export interface Sender {
  send(path: string, options: { readonly accept: string; readonly signal: AbortSignal }): Promise<Response>;
}

export type FollowState = 'live' | 'reconnecting';

export interface Follow<E> {
  /** Reads the present state and shows it. Resolves with the revision from which the watch continues; undefined: nothing is watched. */
  readonly read: (signal: AbortSignal) => Promise<string | undefined>;
  readonly watchPath: (revision: string) => string;
  readonly accept: string;
  readonly onEvents: (events: readonly E[]) => void;
  readonly revisionOf: (event: E) => string | undefined;
  readonly onState: (state: FollowState) => void;
  /** Asks the server for a sign of life, with a deadline. @throws NoAnswerError, TypeError when there is none */
  readonly alive?: (signal: AbortSignal) => Promise<void>;
  /** How long a watch may be silent before `alive` is asked. */
  readonly quietMs?: number;
  /** Waits before the next try; resolves early when the signal is aborted. Default: in real time. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a clock without steps. Default: that of the page. */
  readonly now?: () => number;
}
interface AnyEvent {
  readonly type: string;
}

const firstPauseMs = 1_000;
const maxPauseMs = 15_000;
/** A watch that ends sooner than this counts as a failure: a server that ends each at once would be asked without a pause. */
const shortMs = 1_000;
/** A watch that is silent for so long may be cut. */
const quietMs = 8_000;

/** Never resolves before the signal is aborted, unless the kind cannot be watched. @throws ApiError when the server refuses to read */
export async function follow<E extends AnyEvent>(api: Sender, options: Follow<E>, signal: AbortSignal): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    try {
      const revision = await options.read(signal);
      options.onState('live');
      if (revision === undefined) return;
      pauseMs = firstPauseMs;
      await watchFrom(api, revision, options, signal);
    } catch (err) {
      if (signal.aborted || isAbort(err)) return;
      if (isRefusal(err)) throw err;
    }
    // A stream may end without an error when the reader has ended it: then nothing is lost.
    if (signal.aborted) return;
    options.onState('reconnecting');
    await (options.pause ?? pause)(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, maxPauseMs);
  }
}

/** Another try has the same answer. */
const isRefusal = (err: unknown): boolean =>
  err instanceof ApiError && err.status >= 400 && err.status < 500 && err.status !== 410 && err.status !== 429;

/** Resolves when everything must be read again. @throws ApiError, TypeError */
async function watchFrom<E extends AnyEvent>(
  api: Sender,
  revision: string,
  options: Follow<E>,
  signal: AbortSignal,
): Promise<void> {
  const now = options.now ?? (() => performance.now());
  let from = revision;
  for (;;) {
    const startedAt = now();
    const cut = new AbortController();
    const both = AbortSignal.any([signal, cut.signal]);
    const response = await openWatch(api, options.watchPath(from), options.accept, both);
    // The user may read, but not watch: what is shown stays as it is.
    if (!response?.body) return untilAborted(signal);
    const lines = new StreamLines();
    for await (const chunk of lively(chunksOf(response.body), options, cut, both)) {
      const events = lines.push(chunk).map((line) => JSON.parse(line) as E);
      const end = events.findIndex(({ type }) => type === 'ERROR');
      const good = end < 0 ? events : events.slice(0, end);
      from = good.map(options.revisionOf).findLast((one) => one !== undefined) ?? from;
      if (good.length > 0) options.onEvents(good);
      if (end >= 0) return;
    }
    if (now() - startedAt < shortMs) return;
  }
}

/** The chunks; ends with the error of `alive` when none came for some time and the server gives no sign of life. */
async function* lively(
  chunks: AsyncGenerator<Uint8Array>,
  { alive, quietMs: maxQuietMs = quietMs }: Pick<Follow<AnyEvent>, 'alive' | 'quietMs'>,
  cut: AbortController,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!alive) return yield* chunks;
  let problem: unknown;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const dead = (err: unknown) => {
        problem = err;
        cut.abort(err);
      };
      alive(signal).then(() => signal.aborted || wait(), dead);
    }, maxQuietMs);
  };
  wait();
  try {
    for await (const chunk of chunks) {
      wait();
      yield chunk;
    }
    if (problem !== undefined) throw problem;
  } catch (err) {
    throw problem ?? err;
  } finally {
    clearTimeout(timer);
    cut.abort(new NoAnswerError(maxQuietMs));
  }
}

async function openWatch(
  api: Sender,
  path: string,
  accept: string,
  signal: AbortSignal,
): Promise<Response | undefined> {
  try {
    return await api.send(path, { accept, signal });
  } catch (err) {
    if (err instanceof ApiError && (err.status === 403 || err.status === 405)) return undefined;
    throw err;
  }
}

/** Safari cannot iterate a stream. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
