// The transport inside the process: how answers end, and that an aborted request also ends in the server.
import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { configMaps } from '../api/config-map';
import { silentLogger } from '../base/logger';
import type { Cache, CacheEvent } from './cache/cache';
import type { ApiRequest, Reply, Sink } from './request';
import type { RestDeps, RestRequest } from './rest/context';
import { watchObjects } from './rest/watch';
import { InProcessTransport } from './transport';

const user = { name: 'test', groups: [] };

/** A handler that answers with a stream when the test allows it. */
function start() {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<ApiRequest>();
  const sinks: Sink[] = [];
  let closed = 0;
  const reply: Reply = {
    status: 200,
    type: 'application/json',
    start: (sink) => {
      sinks.push(sink);
      sink.onClose(() => closed++);
    },
  };
  const handle = async (request: ApiRequest) => {
    asked.resolve(request);
    await gate.promise;
    return reply;
  };
  const abort = new AbortController();
  const transport = new InProcessTransport({ handle }, user);
  const sending = transport.send({ method: 'GET', path: '/api/v1/pods?watch=1', signal: abort.signal });
  sending.catch(() => {});
  return { gate, asked: asked.promise, sinks, abort, sending, closedCount: () => closed };
}

t.test('a stream is read while it is written, and ends', async (t) => {
  const { gate, sending, sinks, closedCount } = start();
  gate.resolve();
  const { body } = await sending;
  sinks[0]!.write(Buffer.from('a'));
  sinks[0]!.end();
  const chunks: string[] = [];
  for await (const chunk of body) chunks.push(chunk.toString());
  t.same(chunks, ['a']);
  t.equal(closedCount(), 1);
});

t.test('aborted before the answer begins: the caller gets the error, and the server ends the request', async (t) => {
  const { gate, asked, sending, abort, sinks, closedCount } = start();
  await asked;
  abort.abort(new Error('left'));
  gate.resolve();
  await t.rejects(sending, { message: 'left' });
  t.equal(closedCount(), 1);
  sinks[0]!.write(Buffer.alloc(10));
  t.equal(sinks[0]!.buffered(), 0, 'bytes written after that are dropped');
});

t.test('aborted before the body is read', async (t) => {
  const { gate, sending, abort, sinks, closedCount } = start();
  gate.resolve();
  const { body } = await sending;
  sinks[0]!.write(Buffer.alloc(10));
  abort.abort(new Error('left'));
  t.equal(closedCount(), 1);
  await t.rejects(body[Symbol.asyncIterator]().next(), { message: 'left' });
});

type OnEvents = (events: readonly CacheEvent[]) => void;

/** A watch on a cache that only records its subscriptions. */
async function watch(life: AbortSignal, query = 'watch=1&resourceVersion=5&allowWatchBookmarks=1') {
  const clock = new FakeClock();
  const signals: AbortSignal[] = [];
  let send: OnEvents = () => {};
  const cache = {
    revision: () => 5,
    kind: () => ({
      watch: ({ signal }: { signal: AbortSignal }, onEvents: OnEvents) => {
        signals.push(signal);
        send = onEvents;
        return { isBehind: false };
      },
    }),
  } as unknown as Cache;
  const rest = {
    route: { kind: configMaps, namespace: '', name: '' },
    query: new URLSearchParams(query),
    request: { headers: {} },
  } as unknown as RestRequest;
  const deps = { cache, clock, log: silentLogger } as unknown as RestDeps;
  const reply = await watchObjects(deps, rest, { signal: life });
  return { clock, signals, reply, send: (events: readonly CacheEvent[]) => send(events) };
}
const sink = (closed: boolean) => {
  const handlers: Array<() => void> = [];
  let ended = 0;
  let cuts = 0;
  let buffered = 0;
  const writes: string[] = [];
  const made: Sink = {
    write: (chunk) => writes.push(chunk.toString()) > 0,
    end: () => ended++,
    cut: () => cuts++,
    buffered: () => buffered,
    onDrain: () => {},
    onClose: (fn) => (closed ? fn() : handlers.push(fn)),
  };
  const leaveUnread = (bytes: number) => {
    buffered = bytes;
  };
  return {
    made,
    writes,
    leaveUnread,
    cuts: () => cuts,
    ended: () => ended,
    close: () => handlers.forEach((fn) => void fn()),
  };
};

t.test('a watch that starts into a closed sink leaves no subscription and no timer', async (t) => {
  const { clock, signals, reply } = await watch(new AbortController().signal);
  if ('body' in reply) throw new Error('not a stream');
  t.equal(signals[0]?.aborted, false, 'the watch subscribed before its answer');
  const { made, writes } = sink(true);
  reply.start(made);
  t.equal(signals[0]?.aborted, true);
  t.same(clock.pending(), []);
  t.same(writes, []);
});

t.test('a reader with too many unread bytes loses its connection', async (t) => {
  const { reply, send } = await watch(new AbortController().signal);
  if ('body' in reply) throw new Error('not a stream');
  const { made, leaveUnread, cuts, ended } = sink(false);
  reply.start(made);
  const event = { revision: 6, wire: () => Buffer.from('{}\n') } as unknown as CacheEvent;
  leaveUnread(16 * 1024 * 1024);
  send([event]);
  t.equal(cuts(), 0);
  leaveUnread(16 * 1024 * 1024 + 1);
  send([event]);
  t.equal(cuts(), 1);
  t.equal(ended(), 0, 'an orderly end would wait behind the unread bytes');
});

t.test('a watch for longer than a timer can wait does not end at once', async (t) => {
  const { clock, reply } = await watch(
    new AbortController().signal,
    'watch=1&resourceVersion=5&timeoutSeconds=99999999999',
  );
  if ('body' in reply) throw new Error('not a stream');
  const { made, ended } = sink(false);
  reply.start(made);
  t.strictSame(clock.pending(), [2 ** 31 - 1]);
  t.equal(ended(), 0);
});

t.test('a watch leaves no timer when its reader leaves or the server stops', async (t) => {
  const left = await watch(new AbortController().signal);
  if ('body' in left.reply) throw new Error('not a stream');
  const reader = sink(false);
  left.reply.start(reader.made);
  t.equal(left.clock.pending().length, 2, 'timers for the end and the next bookmark');
  reader.close();
  t.same(left.clock.pending(), []);

  const life = new AbortController();
  const stopped = await watch(life.signal);
  if ('body' in stopped.reply) throw new Error('not a stream');
  const { made, writes, ended } = sink(false);
  stopped.reply.start(made);
  life.abort();
  t.same(stopped.clock.pending(), []);
  t.equal(ended(), 1);
  t.match(writes[0], /BOOKMARK/);
  await t.rejects(watch(life.signal), { code: 'Unavailable' }, 'a stopping server starts no watch');
});

t.test("a caller that accepts objects gets the server's objects, and nothing is encoded", async (t) => {
  const pod = { metadata: { name: 'a' } };
  const list = { metadata: { resourceVersion: '7' }, items: [pod] };
  const answer = {
    status: 200,
    type: 'application/json',
    list,
    get body(): Buffer {
      throw new Error('joined for nobody');
    },
  };
  const lists = new InProcessTransport({ handle: async () => answer }, user);
  const listed = await lists.send({ method: 'GET', path: '/api/v1/pods', decoded: true });
  t.equal(listed.list, list);

  const stream: Reply = {
    status: 200,
    type: 'application/json',
    start: (sink) => {
      sink.events?.([{ type: 'ADDED', object: pod }]);
      sink.end();
    },
  };
  const watches = new InProcessTransport({ handle: async () => stream }, user);
  const { events } = await watches.send({ method: 'GET', path: '/api/v1/pods?watch=1', decoded: true });
  const seen = [];
  for await (const batch of events!) seen.push(...batch);
  t.equal(seen.length, 1);
  t.equal(seen[0]!.object, pod);
  const bytes = await watches.send({ method: 'GET', path: '/api/v1/pods?watch=1' });
  t.equal(bytes.events, undefined, 'other callers read bytes');
});
