// The promises of follow(), by their numbers, against a server that plays a script.
import t from 'tap';
import { ApiError } from './api-error';
import { type FollowState, follow } from './follow';

interface Event {
  readonly type: string;
  readonly revision?: string;
}
/** The answer to one watch: its events, and whether the connection then breaks. */
interface Watch {
  readonly events?: readonly Event[];
  readonly error?: unknown;
  readonly breaks?: true;
}
interface Script {
  readonly reads: readonly (string | undefined | Error)[];
  readonly watches?: readonly Watch[];
  /** How long each watch is open. */
  readonly watchMs?: number;
}

/** Plays the script to its end, and returns what happened. */
async function play({ reads, watches = [], watchMs = 0 }: Script) {
  let nowMs = 0;
  const stop = new AbortController();
  const log: string[] = [];
  const [readsLeft, watchesLeft] = [[...reads], [...watches]];
  const next = <T>(list: T[]): T | undefined => {
    if (list.length === 0) stop.abort();
    return list.shift();
  };
  const send = async (path: string): Promise<Response> => {
    log.push(path);
    const watch = next(watchesLeft);
    if (!watch) throw new DOMException('', 'AbortError');
    if (watch.error) throw watch.error;
    return new Response(streamOf(watch));
  };
  const outcome = await follow<Event>(
    { send },
    {
      read: async () => {
        if (readsLeft.length === 0) stop.abort();
        stop.signal.throwIfAborted();
        const revision = readsLeft.shift();
        log.push('read');
        if (revision instanceof Error) throw revision;
        return revision;
      },
      watchPath: (revision) => `watch ${revision}`,
      accept: 'application/json',
      onEvents: (events) => void log.push(...events.map(({ type }) => type)),
      revisionOf: ({ revision }) => revision,
      onState: (state: FollowState) => void log.push(state),
      pause: async (ms) => void log.push(`${ms} ms`),
      now: () => {
        nowMs += watchMs;
        return nowMs;
      },
    },
    stop.signal,
  ).catch((err: unknown) => err);
  return { log: log.join(', '), outcome };
}

function streamOf({ events = [], breaks }: Watch): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      for (const event of events) controller.enqueue(new TextEncoder().encode(`${JSON.stringify(event)}\n`));
      if (!breaks) controller.close();
    },
    pull: (controller) => controller.error(new TypeError('network error')),
  });
}

const gone = { type: 'ERROR' };
const added = (revision: string) => ({ type: 'ADDED', revision });

t.test('1: when history is gone, everything is read again', async (t) => {
  const { log } = await play({ reads: ['5', '9'], watches: [{ events: [added('6'), gone, added('7')] }, {}] });
  t.equal(log, 'read, live, watch 5, ADDED, reconnecting, 1000 ms, read, live, watch 9, reconnecting, 1000 ms');
});

t.test('1: a watch continues from the last event', async (t) => {
  const watches = [{ events: [added('6'), { type: 'BOOKMARK', revision: '8' }] }, {}, { events: [added('9')] }];
  const { log } = await play({ reads: ['5'], watches, watchMs: 2_000 });
  t.equal(log, 'read, live, watch 5, ADDED, BOOKMARK, watch 8, watch 8, ADDED, watch 9');
});

t.test('1: a watch that ends at once is not asked again without a pause', async (t) => {
  const { log } = await play({ reads: ['5', '6'], watches: [{ events: [added('6')] }] });
  t.match(log, /^read, live, watch 5, ADDED, reconnecting, 1000 ms, read, live, watch 6/);
});

t.test('2: failures that may pass, with pauses that grow', async (t) => {
  const failures = [
    new TypeError('network'),
    new ApiError(503, '', ''),
    new ApiError(429, '', ''),
    new TypeError('network'),
  ];
  const { log, outcome } = await play({ reads: [...failures, new TypeError('network'), '5'], watches: [] });
  t.equal(outcome, undefined);
  const pauses = [...log.matchAll(/(\d+) ms/g)].map(([, ms]) => Number(ms));
  t.strictSame(pauses.slice(0, 5), [1000, 2000, 4000, 8000, 15_000]);
});

t.test('2: a broken connection is a failure, and the events before it count', async (t) => {
  const { log } = await play({ reads: ['5', '8'], watches: [{ events: [added('6')], breaks: true }, {}] });
  t.match(log, /^read, live, watch 5, ADDED, reconnecting, 1000 ms, read, live, watch 8/);
});

t.test('2: a refusal ends it', async (t) => {
  const refusal = new ApiError(403, 'Forbidden', 'no');
  t.equal((await play({ reads: [refusal] })).outcome, refusal);
  const later = await play({ reads: ['5', new ApiError(404, '', '')], watches: [{ events: [gone] }] });
  t.match(later.outcome, { status: 404 }, 'also later');
  t.equal((await play({ reads: [undefined] })).outcome, undefined, 'a kind without watches is read once');
});

t.test('3: who may not watch sees what was read', async (t) => {
  const stop = new AbortController();
  const seen: string[] = [];
  const following = follow<Event>(
    { send: async () => Promise.reject(new ApiError(403, 'Forbidden', 'no')) },
    {
      read: async () => {
        seen.push('read');
        return '5';
      },
      watchPath: () => 'watch',
      accept: '',
      onEvents: () => {},
      revisionOf: () => undefined,
      onState: (state) => void seen.push(state),
    },
    stop.signal,
  );
  setImmediate(() => stop.abort());
  await following;
  t.strictSame(seen.slice(0, 2), ['read', 'live']);
});

t.test('4: a watch that is silent ends when the server gives no sign of life', async (t) => {
  const stop = new AbortController();
  const states: FollowState[] = [];
  let reads = 0;
  await follow<Event>(
    { send: async (_, { signal }) => new Response(silentUntil(signal)) },
    {
      read: async () => {
        if (++reads > 1) stop.abort();
        stop.signal.throwIfAborted();
        return '1';
      },
      watchPath: () => 'watch',
      accept: 'application/json',
      onEvents: () => {},
      revisionOf: () => undefined,
      onState: (state) => void states.push(state),
      pause: async () => {},
      alive: () => Promise.reject(new TypeError('cut')),
      quietMs: 1,
    },
    stop.signal,
  );
  t.strictSame(states.slice(0, 2), ['live', 'reconnecting']);
});

/** As fetch() does it: the body fails when the request is aborted. */
function silentUntil(signal: AbortSignal): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => signal.addEventListener('abort', () => controller.error(signal.reason)),
  });
}

t.test('a reader that has ended says nothing more, also when its stream ends without an error', async (t) => {
  const stop = new AbortController();
  const states: string[] = [];
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => stop.signal.addEventListener('abort', () => controller.close()),
  });
  const followed = follow<Event>(
    { send: async () => new Response(body) },
    {
      read: async () => '1',
      watchPath: () => 'watch',
      accept: 'application/json',
      onEvents: () => {},
      revisionOf: ({ revision }) => revision,
      onState: (state) => {
        states.push(state);
        setImmediate(() => stop.abort());
      },
    },
    stop.signal,
  );
  await followed;
  t.strictSame(states, ['live']);
});
