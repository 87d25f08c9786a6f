import t, { type Test } from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { FakeTransport, type PendingRequest, type ScriptedBody } from '../../test/lib/fake-transport';
import { objectKey, type Pod, pods } from '../api/index';
import { Unavailable } from '../base/errors';
import { silentLogger } from '../base/logger';
import { type Change, createInformer, type InformerOptions } from './informer';
import type { KeptCopy } from './kept-copy';
import { createClient } from './rest-client';

const pod = (name: string, resourceVersion: string, extra: Partial<Pod['metadata'] & object> = {}): Pod => ({
  metadata: { namespace: 'a', name, resourceVersion, uid: `uid-${name}`, ...extra },
});
const listOf = (resourceVersion: string, ...items: Pod[]) => ({ metadata: { resourceVersion }, items });
const bookmark = (resourceVersion: string) => ({ metadata: { resourceVersion } });
const expired = {
  kind: 'Status',
  status: 'Failure',
  code: 410,
  reason: 'Expired',
  message: 'too old resource version',
};

/** A running informer over a scripted server, with its changes as `type key`. */
function start(test: Test, options: Partial<InformerOptions<Pod>> = {}) {
  const transport = new FakeTransport();
  const clock = new FakeClock();
  const abort = new AbortController();
  const informer = createInformer(createClient(transport), pods, {
    log: silentLogger,
    clock,
    random: () => 0.5,
    ...options,
  });
  const changes: string[] = [];
  let wake = () => {};
  const raw: Change<Pod>[] = [];
  informer.onChange((change) => {
    changes.push(`${change.type} ${change.key}`);
    raw.push(change);
    wake();
  });
  const done = informer.run(abort.signal);
  test.teardown(async () => {
    abort.abort(new Error('test over'));
    await done;
  });
  const changed = async (count: number) => {
    while (changes.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return changes;
  };
  return { transport, clock, abort, informer, changes, raw, changed, done };
}

async function nextWatch(transport: FakeTransport): Promise<PendingRequest & { stream(): ScriptedBody }> {
  const request = await transport.next();
  if (request.query.get('watch') !== 'true') throw new Error(`expected a watch, got ${request.request.path}`);
  return request;
}

t.test('lists, syncs, then watches from the revision of the list', async (t) => {
  const { transport, informer, changed, abort } = start(t);
  const synced = informer.synced(abort.signal);
  const list = await transport.next();
  t.equal(list.request.path, '/api/v1/pods');
  t.equal(informer.hasSynced, false);
  list.reply(listOf('5', pod('x', '3'), pod('y', '4')));
  await synced;
  t.equal(informer.hasSynced, true);
  t.same(await changed(2), ['added a/x', 'added a/y']);
  t.equal(informer.get('a/x')?.kind, 'Pod', 'items of a list carry their kind');
  t.equal(informer.get('a/x')?.apiVersion, 'v1');
  const watch = await nextWatch(transport);
  t.equal(watch.query.get('resourceVersion'), '5');
  t.equal(watch.query.get('allowWatchBookmarks'), 'true');
  t.equal(watch.query.get('timeoutSeconds'), '450');
});

t.test('follows a paged list to its end before it is synced', async (t) => {
  const { transport, informer, changed } = start(t, { params: { limit: 1, namespace: 'a' } });
  const first = await transport.next();
  t.equal(first.request.path, '/api/v1/namespaces/a/pods?limit=1');
  first.reply({ metadata: { resourceVersion: '5', continue: 'more' }, items: [pod('x', '3')] });
  const second = await transport.next();
  t.equal(informer.hasSynced, false);
  t.equal(second.query.get('continue'), 'more');
  second.reply(listOf('5', pod('y', '4')));
  await changed(2);
  const watch = await nextWatch(transport);
  t.equal(watch.query.get('limit'), null);
});

t.test('handlers see the copy already changed, in event order, with the previous object', async (t) => {
  const { transport, informer, raw, changed } = start(t);
  const seen: (string | undefined)[] = [];
  informer.onChange(({ key }) => seen.push(informer.get(key)?.metadata?.resourceVersion));
  (await transport.next()).reply(listOf('1'));
  const stream = (await nextWatch(transport)).stream();
  stream.event('ADDED', pod('x', '2')).event('MODIFIED', pod('x', '3')).event('DELETED', pod('x', '4'));
  t.same(await changed(3), ['added a/x', 'updated a/x', 'deleted a/x']);
  t.same(seen, ['2', '3', undefined]);
  const [, updated, deleted] = raw;
  t.equal(updated?.type === 'updated' && updated.previous.metadata?.resourceVersion, '2');
  t.equal(deleted?.object.metadata?.resourceVersion, '4', 'the last state that the server sent');
});

t.test('an event with a known resourceVersion is not reported', async (t) => {
  const { transport, changed } = start(t);
  (await transport.next()).reply(listOf('2', pod('x', '2')));
  const stream = (await nextWatch(transport)).stream();
  stream.event('ADDED', pod('x', '2')).event('DELETED', pod('unknown', '3')).event('ADDED', pod('y', '4'));
  t.same(await changed(2), ['added a/x', 'added a/y']);
});

t.test('resumes from the last event or bookmark when the server ends the watch', async (t) => {
  const { transport, changed, clock } = start(t);
  (await transport.next()).reply(listOf('1'));
  const first = (await nextWatch(transport)).stream();
  first.event('ADDED', pod('x', '7')).end();
  const second = await nextWatch(transport);
  t.equal(second.query.get('resourceVersion'), '7');
  const quiet = second.stream().event('BOOKMARK', bookmark('12'));
  clock.advance(1000);
  quiet.end();
  const third = await nextWatch(transport);
  t.equal(third.query.get('resourceVersion'), '12');
  t.same(await changed(1), ['added a/x'], 'a bookmark is not a change');
  t.same(clock.pending(), [480_000], 'only the silence limit of the open watch is armed');
});

t.test('after a broken connection the back-off grows and the last state stays available', async (t) => {
  const { transport, clock, informer } = start(t);
  (await transport.next()).reply(listOf('1', pod('x', '1')));
  (await nextWatch(transport)).fail(new Error('connection refused'));
  await clock.armed(100);
  t.ok(informer.get('a/x'));
  clock.advance(100);
  (await nextWatch(transport)).fail(new Error('connection refused'));
  await clock.armed(200);
  clock.advance(200);
  const watch = await nextWatch(transport);
  t.equal(watch.query.get('resourceVersion'), '1', 'no new list is needed');
});

t.test('a failed list is retried', async (t) => {
  const { transport, clock, changed } = start(t);
  (await transport.next()).reply({ kind: 'Status', code: 503, message: 'starting' }, 503);
  await clock.armed();
  clock.advance(100);
  (await transport.next()).reply(listOf('1', pod('x', '1')));
  t.same(await changed(1), ['added a/x']);
});

for (const how of ['as an event', 'as the answer']) {
  t.test(`410 ${how} leads to a list, and only its differences are reported`, async (t) => {
    const { transport, changed, raw } = start(t);
    (await transport.next()).reply(listOf('4', pod('same', '1'), pod('gone', '2'), pod('old', '3'), pod('twin', '4')));
    const watch = await nextWatch(transport);
    if (how === 'as an event') watch.stream().event('ERROR', expired);
    else watch.reply(expired, 410);
    const list = await transport.next();
    t.equal(list.query.get('watch'), null);
    list.reply(listOf('9', pod('same', '1'), pod('old', '7'), pod('new', '8'), pod('twin', '9', { uid: 'another' })));
    t.same((await changed(9)).slice(4), [
      'deleted a/gone',
      'updated a/old',
      'added a/new',
      'deleted a/twin',
      'added a/twin',
    ]);
    t.equal(raw[4]?.object.metadata?.resourceVersion, '2');
    t.equal((await nextWatch(transport)).query.get('resourceVersion'), '9');
  });
}

t.test('a server that ends each watch at once is not asked in a tight loop', async (t) => {
  const { transport, clock } = start(t);
  (await transport.next()).reply(listOf('1'));
  (await nextWatch(transport)).stream().end();
  await clock.armed(100);
  t.equal(transport.waiting, 0);
});

t.test('a server that stops and says so with a bookmark is not asked in a tight loop', async (t) => {
  const { transport, clock } = start(t);
  (await transport.next()).reply(listOf('1'));
  (await nextWatch(transport)).stream().event('BOOKMARK', bookmark('6')).end();
  await clock.armed(100);
  t.equal(transport.waiting, 0);
  clock.advance(100);
  t.equal((await nextWatch(transport)).query.get('resourceVersion'), '6', 'the watch continues from there');
});

t.test('a server that answers every watch with 410 is not asked in a tight loop', async (t) => {
  const { transport, clock } = start(t);
  (await transport.next()).reply(listOf('1'));
  (await nextWatch(transport)).reply(expired, 410);
  (await transport.next()).reply(listOf('1'));
  (await nextWatch(transport)).reply(expired, 410);
  await clock.armed(200);
  t.equal(transport.waiting, 0);
});

t.test('a watch that stays silent for too long is given up', async (t) => {
  const { transport, clock } = start(t);
  (await transport.next()).reply(listOf('1'));
  (await nextWatch(transport)).stream();
  await clock.armed(480_000);
  clock.advance(480_000);
  await clock.armed(100);
  clock.advance(100);
  t.equal((await nextWatch(transport)).query.get('resourceVersion'), '1');
});

t.test('a late subscriber gets the existing objects as added', async (t) => {
  const { transport, informer, changed } = start(t);
  (await transport.next()).reply(listOf('2', pod('x', '1'), pod('y', '2')));
  await changed(2);
  const late: string[] = [];
  informer.onChange(({ type, key }) => late.push(`${type} ${key}`));
  t.same(late, ['added a/x', 'added a/y']);
});

t.test('indexes follow the objects', async (t) => {
  const { transport, informer, changed } = start(t, {
    indexes: { node: (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []) },
  });
  const on = (name: string, version: string, nodeName: string): Pod => ({
    ...pod(name, version),
    spec: { nodeName, containers: [] },
  });
  (await transport.next()).reply(listOf('2', on('x', '1', 'n1'), on('y', '2', 'n1')));
  await changed(2);
  const names = (node: string) => informer.by('node', node).map(({ metadata }) => metadata?.name);
  t.same(names('n1'), ['x', 'y']);
  const stream = (await nextWatch(transport)).stream();
  stream.event('MODIFIED', on('x', '3', 'n2')).event('DELETED', on('y', '4', 'n1'));
  await changed(4);
  t.same(names('n1'), []);
  t.same(names('n2'), ['x']);
  t.throws(() => informer.by('undeclared', 'x'), RangeError);
});

t.test('only the kept part of an object is stored, reported and indexed', async (t) => {
  const { transport, informer, raw, changed } = start(t, {
    keep: ({ metadata, spec }) => ({ metadata, spec: { containers: [], nodeName: spec?.nodeName ?? 'none' } }),
    indexes: { node: (pod) => [pod.spec?.nodeName ?? ''] },
  });
  const full = (version: string): Pod => ({ ...pod('x', version), status: { phase: 'Running' } });
  (await transport.next()).reply(listOf('1', full('1')));
  const stream = (await nextWatch(transport)).stream();
  stream.event('MODIFIED', full('2'));
  await changed(2);
  t.same(informer.get('a/x'), { metadata: pod('x', '2').metadata, spec: { containers: [], nodeName: 'none' } });
  t.equal(informer.by('node', 'none').length, 1);
  stream.event('DELETED', full('3'));
  await changed(3);
  t.strictSame(
    raw.map(({ object }) => object.status),
    [undefined, undefined, undefined],
  );
});

t.test('a handler that throws does not stop the others', async (t) => {
  const { transport, informer, changed } = start(t);
  informer.onChange(() => {
    throw new Error('broken handler');
  });
  const after: string[] = [];
  informer.onChange(({ key }) => after.push(key));
  (await transport.next()).reply(listOf('1', pod('x', '1')));
  await changed(1);
  t.same(after, ['a/x']);
});

t.test('when the signal is aborted, synced rejects and run ends', async (t) => {
  const { informer, abort, done, transport } = start(t);
  await transport.next();
  const synced = informer.synced(abort.signal);
  abort.abort(new Error('stopped'));
  await t.rejects(synced, { message: 'stopped' });
  await t.rejects(informer.synced(abort.signal), { message: 'stopped' });
  await done;
});

/** A file of an earlier process with these objects, or none. */
function fileWith(...objects: Pod[]): { readonly file: KeptCopy<Pod>; readonly reads: () => number } {
  let reads = 0;
  const read = async () => {
    reads++;
    return objects.length === 0 ? undefined : new Map(objects.map((object) => [objectKey(object), object]));
  };
  return { file: { read, keep: async () => {} } as unknown as KeptCopy<Pod>, reads: () => reads };
}

t.test(
  'without an API server it has the objects of the last process; the first list yields the difference',
  async (t) => {
    const { file } = fileWith(pod('x', '3'), pod('y', '4'), pod('z', '5'));
    const { transport, informer, changed, clock, abort } = start(t, { file });
    const synced = informer.synced(abort.signal);
    (await transport.next()).fail(new Unavailable('no connection'));
    await synced;
    t.same(await changed(3), ['added a/x', 'added a/y', 'added a/z']);
    t.equal(informer.revision, 0, 'no answer of the server is known');
    await clock.armed();
    clock.advance(5_000);
    const list = await transport.next();
    t.equal(list.query.get('watch'), null, 'no watch goes on from the revision of another process');
    list.reply(listOf('9', pod('x', '3'), pod('y', '8')));
    t.same((await changed(5)).slice(3), ['deleted a/z', 'updated a/y']);
    t.equal(informer.revision, 9);
  },
);

t.test('the file is read once, and only before the first list', async (t) => {
  const never = fileWith(pod('x', '3'));
  const first = start(t, { file: never.file });
  (await first.transport.next()).reply(listOf('1'));
  (await nextWatch(first.transport)).fail(new Unavailable('no connection'));
  // The silence limit of the watch is a timer, too.
  await first.clock.armed(100);
  first.clock.advance(100);
  await nextWatch(first.transport);
  t.equal(never.reads(), 0);
  const none = fileWith();
  const second = start(t, { file: none.file });
  for (let i = 0; i < 3; i++) {
    (await second.transport.next()).fail(new Unavailable('no connection'));
    await second.clock.armed();
    second.clock.advance(10_000);
  }
  t.equal(none.reads(), 1);
  t.equal(second.informer.hasSynced, false, 'without a file there is nothing to work by');
});

t.test('a server that refuses is no reason to work by the file', async (t) => {
  const { file, reads } = fileWith(pod('x', '3'));
  const { transport, clock, informer } = start(t, { file });
  (await transport.next()).reply(
    { kind: 'Status', status: 'Failure', code: 403, reason: 'Forbidden', message: 'no' },
    403,
  );
  await clock.armed();
  t.equal(reads(), 0);
  t.equal(informer.hasSynced, false);
});
