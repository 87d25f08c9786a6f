import t, { type Test } from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import type { ConfigMap } from '../../api/config-map';
import { configMaps } from '../../api/config-map';
import { defineKind } from '../../api/kind';
import type { Pod } from '../../api/pod';
import type { KubeObject } from '../../api/types';
import { createLogger } from '../../base/logger';
import { openStore } from '../../store/open';
import type { Store } from '../../store/store';
import type { CacheEvent, WatchOptions } from './cache';
import { type CacheOptions, openCache } from './open';

// An own kind, so that these tests do not depend on the declaration of Pod.
const pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  namespaced: true,
  schema: { model: 'V1Pod' },
  fields: { 'spec.nodeName': (pod) => pod.spec?.nodeName ?? '' },
});

const pod = (namespace: string, name: string, more: { node?: string; labels?: Record<string, string> } = {}): Pod => ({
  metadata: { name, namespace, ...(more.labels ? { labels: more.labels } : {}) },
  spec: { containers: [], ...(more.node ? { nodeName: more.node } : {}) },
});
const config = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  metadata: { name, namespace: 'default' },
  data,
});

async function open(t: Test, options: CacheOptions = {}, store?: Store) {
  const backing = store ?? (await openStore({ kind: 'memory' }));
  const cache = await openCache(backing, [pods, configMaps], options);
  t.teardown(async () => {
    await cache.close();
    if (!store) await backing.close();
  });
  return { cache, store: backing, pods: cache.kind(pods), configs: cache.kind(configMaps) };
}

/** Collects the events of a watch as lines; settled() resolves after everything delivered so far. */
function record<T extends KubeObject>(
  watch: (
    options: WatchOptions<T>,
    onEvents: (events: readonly CacheEvent<T>[]) => void,
    onClose: (reason: unknown) => void,
  ) => void,
  options: Omit<WatchOptions<T>, 'signal'>,
) {
  const lines: string[] = [];
  const stop = new AbortController();
  watch(
    { ...options, signal: stop.signal },
    (events) => {
      for (const event of events) lines.push(`${event.revision} ${event.type} ${event.current.key}`);
    },
    (reason) => lines.push(`closed: ${reason instanceof Error ? reason.message : reason}`),
  );
  return { lines, stop };
}

t.test('a write is visible when its promise resolves, with its revision in object and bytes', async (t) => {
  const { pods, cache } = await open(t);
  const created = await pods.create(pod('default', 'web'));
  t.equal(created.revision, 1);
  t.equal(pods.get('default/web'), created);
  t.same(JSON.parse(`${created.json}`), {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { resourceVersion: '1', name: 'web', namespace: 'default' },
    spec: { containers: [] },
  });
  t.same(created.object, JSON.parse(`${created.json}`));
  const updated = await pods.update({ ...created.object, spec: { containers: [], nodeName: 'n1' } }, 1);
  t.match(updated, { revision: 2, object: { metadata: { resourceVersion: '2' }, spec: { nodeName: 'n1' } } });
  t.match(JSON.parse(`${pods.get('default/web')?.json}`), updated.object);
  const deleted = await pods.delete('default/web', 2);
  t.match(JSON.parse(`${deleted.json}`), { metadata: { resourceVersion: '3' }, spec: { nodeName: 'n1' } });
  t.equal(deleted.object.metadata?.resourceVersion, '3');
  t.equal(pods.get('default/web'), undefined);
  t.equal(cache.revision(), 3);
});

t.test('failures have the messages of kube-apiserver', async (t) => {
  const { pods } = await open(t);
  await pods.create(pod('default', 'web'));
  await t.rejects(pods.create(pod('default', 'web')), { code: 'AlreadyExists', message: 'pods "web" already exists' });
  await t.rejects(pods.update(pod('default', 'db'), 1), { code: 'NotFound', message: 'pods "db" not found' });
  await t.rejects(pods.delete('default/db'), { code: 'NotFound' });
  await t.rejects(pods.update(pod('default', 'web', { node: 'n' }), 9), {
    code: 'Conflict',
    message:
      'Operation cannot be fulfilled on pods "web": the object has been modified; ' +
      'please apply your changes to the latest version and try again',
  });
});

t.test('an update that changes nothing takes no revision', async (t) => {
  const { configs, cache } = await open(t);
  const created = await configs.create(config('a', { k: 'v' }));
  t.equal(await configs.update(structuredClone(created.object), created.revision), created);
  t.equal(cache.revision(), 1);
});

t.test('one of several concurrent updates succeeds, and modify() retries until all succeed', async (t) => {
  const { configs } = await open(t);
  const { object, revision } = await configs.create(config('a', { n: '0' }));
  const results = await Promise.allSettled(
    [1, 2, 3].map((n) => configs.update({ ...object, data: { n: `${n}` } }, revision)),
  );
  t.same(results.map((result) => result.status).sort(), ['fulfilled', 'rejected', 'rejected']);
  await configs.modify('default/a', ({ object }) => ({ ...object, data: { n: '0' } }));
  const increments = Array.from({ length: 20 }, () =>
    configs.modify('default/a', ({ object }) => ({ ...object, data: { n: `${Number(object.data?.['n']) + 1}` } })),
  );
  await Promise.all(increments);
  t.equal(configs.get('default/a')?.object.data?.['n'], '20');
  const before = configs.get('default/a');
  t.equal(await configs.modify('default/a', () => undefined), before);
  await t.rejects(
    configs.modify('default/none', () => undefined),
    { code: 'NotFound' },
  );
});

t.test('lists are in key order, by namespace, index, label and predicate', async (t) => {
  const { pods } = await open(t);
  await Promise.all([
    pods.create(pod('b', 'x', { node: 'n1' })),
    pods.create(pod('a-b', 'y', { node: 'n2', labels: { app: 'web' } })),
    pods.create(pod('a', 'z', { node: 'n1', labels: { app: 'web', tier: 'front' } })),
    pods.create(pod('a', 'w', { labels: { app: 'db' } })),
  ]);
  const keys = async (options: Parameters<typeof pods.list>[0]) =>
    (await pods.list(options)).items.map((item) => item.key);
  t.same(await keys({}), ['a-b/y', 'a/w', 'a/z', 'b/x']);
  t.same(await keys({ namespace: 'a' }), ['a/w', 'a/z']);
  t.same(await keys({ namespace: 'none' }), []);
  const onN1 = { index: 'spec.nodeName', value: 'n1' };
  t.same(await keys({ indexed: onN1 }), ['a/z', 'b/x']);
  t.same(await keys({ indexed: onN1, namespace: 'b' }), ['b/x']);
  await t.rejects(pods.list({ indexed: { index: 'metadata.labels', value: 'app=web' } }), { code: 'BadRequest' });
  t.same(await keys({ matches: (pod) => pod.spec?.nodeName === undefined }), ['a/w']);
  await pods.modify('a/z', ({ object }) => ({ ...object, spec: { containers: [], nodeName: 'n2' } }));
  await pods.delete('a-b/y');
  t.same(await keys({ indexed: onN1 }), ['b/x'], 'the index follows updates');
  t.same(await keys({ indexed: { index: 'spec.nodeName', value: 'n2' } }), ['a/z'], 'and deletions');
  await t.rejects(pods.list({ indexed: { index: 'spec.other', value: '' } }), { code: 'BadRequest' });
});

t.test('pages stay consistent while objects change', async (t) => {
  const { configs, cache } = await open(t);
  for (const name of ['a', 'b', 'c', 'd', 'e']) await configs.create(config(name, { v: '1' }));
  const first = await configs.list({ limit: 2 });
  t.same(
    [first.items.map((item) => item.key), first.next, first.remaining, first.revision],
    [['default/a', 'default/b'], 'default/b', 3, 5],
  );
  const unchanged = await configs.list({ limit: 2, after: { key: 'default/b', revision: 5 } });
  t.same(
    [unchanged.items.map((item) => item.key), unchanged.next, unchanged.remaining],
    [['default/c', 'default/d'], 'default/d', 1],
  );
  await configs.delete('default/c');
  await configs.modify('default/d', ({ object }) => ({ ...object, data: { v: '2' } }));
  await configs.create(config('bb'));
  const rest = await configs.list({ after: { key: 'default/b', revision: first.revision } });
  t.same(
    rest.items.map((item) => `${item.key}@${item.revision}=${item.object.data?.['v']}`),
    ['default/c@3=1', 'default/d@4=1', 'default/e@5=1'],
  );
  t.equal(rest.revision, 5);
  const some = await configs.list({ exactRevision: 5, limit: 1, matches: (object) => object.metadata?.name !== 'a' });
  t.same([some.items.map((item) => item.key), some.next], [['default/b'], 'default/b']);
  const now = await configs.list({ limit: 4, exactRevision: cache.revision() });
  t.same([now.items.length, now.next, now.remaining, now.revision], [4, 'default/d', 1, 8]);
});

t.test('a continue token of a compacted revision expires', async (t) => {
  const { configs, store } = await open(t);
  await configs.create(config('a'));
  await configs.create(config('b'));
  await configs.create(config('c'));
  await store.compact(3);
  await t.rejects(configs.list({ after: { key: 'default/a', revision: 2 } }), { code: 'Expired' });
});

t.test('a list waits for its minimum revision, with a time limit', async (t) => {
  const { configs } = await open(t, { waitMs: 20 });
  const waiting = configs.list({ minRevision: 2 });
  await configs.create(config('a'));
  await configs.create(config('b'));
  t.equal((await waiting).items.length, 2);
  await t.rejects(configs.list({ minRevision: 99 }), {
    code: 'Timeout',
    message: 'Too large resource version: 99, current: 2',
  });
});

t.test('a watch replays the events after its revision, then follows, without gap or repeat', async (t) => {
  const { pods } = await open(t);
  await pods.create(pod('a', 'x'));
  await pods.create(pod('b', 'x'));
  const all = record((...args) => pods.watch(...args), { afterRevision: 1 });
  const inA = record((...args) => pods.watch(...args), { afterRevision: 0, namespace: 'a' });
  t.same(all.lines, [], 'no event is delivered during the call');
  await pods.delete('a/x');
  await pods.create(pod('b', 'y'));
  t.same(all.lines, ['2 ADDED b/x', '3 DELETED a/x', '4 ADDED b/y']);
  t.same(inA.lines, ['1 ADDED a/x', '3 DELETED a/x']);
  all.stop.abort();
  await pods.create(pod('b', 'z'));
  t.equal(all.lines.length, 3, 'no event after the abort');
});

t.test('updates into and out of a filter become ADDED and DELETED', async (t) => {
  const { pods } = await open(t);
  const seen: string[] = [];
  pods.watch(
    { afterRevision: 0, signal: new AbortController().signal, indexed: { index: 'spec.nodeName', value: 'n1' } },
    (events) => {
      for (const event of events) {
        const wire = JSON.parse(`${event.wire()}`);
        seen.push(`${wire.type} ${wire.object.spec.nodeName} ${wire.object.metadata.resourceVersion}`);
      }
    },
    () => {},
  );
  const move = (node: string, name = 'p') =>
    pods.modify(`a/${name}`, ({ object }) => ({ ...object, spec: { containers: [], nodeName: node } }));
  await pods.create(pod('a', 'p'));
  await move('n1');
  await pods.modify('a/p', ({ object }) => ({ ...object, status: { phase: 'Running' } }));
  await move('n2');
  await move('n3');
  await move('n1');
  await pods.delete('a/p');
  t.same(seen, ['ADDED n1 2', 'MODIFIED n1 3', 'DELETED n1 4', 'ADDED n1 6', 'DELETED n1 7']);
});

t.test('events are encoded once for all their watchers', async (t) => {
  const { pods } = await open(t);
  const wires: Buffer[] = [];
  for (let i = 0; i < 3; i++) {
    const { signal } = new AbortController();
    pods.watch(
      { afterRevision: 0, signal },
      (events) => void wires.push(...events.map((event) => event.wire())),
      () => {},
    );
  }
  await pods.create(pod('a', 'x'));
  t.equal(wires.length, 3);
  t.ok(wires.every((wire) => wire === wires[0]));
  t.ok(`${wires[0]}`.endsWith('}\n'));
});

t.test('a watch from a revision before the ring buffer expires', async (t) => {
  const { configs } = await open(t, { ring: { maxEvents: 3, maxBytes: 1 << 20 } });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await configs.create(config(name));
  const { signal } = new AbortController();
  t.throws(
    () =>
      configs.watch(
        { afterRevision: 1, signal },
        () => {},
        () => {},
      ),
    {
      code: 'Expired',
      message: 'too old resource version: 1 (2)',
    },
  );
  const late = record((...args) => configs.watch(...args), { afterRevision: 2 });
  await configs.create(config('f'));
  t.same(
    late.lines.map((line) => line.split(' ')[0]),
    ['3', '4', '5', '6'],
  );
});

t.test('a busy reader gets its backlog later; the watch of a reader too far behind ends', async (t) => {
  const { configs } = await open(t, { maxBacklog: 5 });
  let free = () => {};
  const batches: number[][] = [];
  const closed: unknown[] = [];
  const { signal } = new AbortController();
  configs.watch(
    { afterRevision: 0, signal },
    (events) => {
      batches.push(events.map((event) => event.revision));
      return new Promise<void>((resolve) => {
        free = resolve;
      });
    },
    (reason) => closed.push(reason),
  );
  for (const name of ['a', 'b', 'c']) await configs.create(config(name));
  t.same(batches, [[1]]);
  free();
  await configs.create(config('d'));
  t.same(batches.flat(), batches.length === 2 ? [1, 2, 3] : [1, 2, 3, 4], 'the waiting events arrive in order');
  for (const name of ['e', 'f', 'g', 'h', 'i', 'j', 'k']) await configs.create(config(name));
  t.match(closed, [{ code: 'Unavailable' }]);
});

t.test('the watch of a reader that throws ends, and other watches continue', async (t) => {
  const { configs } = await open(t);
  const { signal } = new AbortController();
  const closed: unknown[] = [];
  configs.watch(
    { afterRevision: 0, signal },
    () => {
      throw new Error('broken');
    },
    (reason) => closed.push(reason),
  );
  const other = record((...args) => configs.watch(...args), { afterRevision: 0 });
  await configs.create(config('a'));
  await configs.create(config('b'));
  t.match(closed, [{ message: 'broken' }]);
  t.equal(other.lines.length, 2);
});

t.test('a cache opened over objects of another cache serves the same bytes', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const one = await open(t, {}, store);
  const written = await one.pods.create(pod('a', 'x', { node: 'n1' }));
  const two = await open(t, {}, store);
  t.same(two.pods.get('a/x')?.json, written.json);
  t.same(two.pods.get('a/x')?.object, written.object);
  t.equal(two.cache.revision(), 1);
  const seen = record((...args) => two.pods.watch(...args), { afterRevision: 1 });
  await one.pods.delete('a/x');
  t.equal((await two.pods.list({ minRevision: 2 })).items.length, 0, 'the second cache follows the first');
  t.same(seen.lines, ['2 DELETED a/x']);
});

t.test('a restarted cache resumes earlier watches, as far back as its option says', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const one = await open(t, {}, store);
  await one.pods.create(pod('a', 'x', { node: 'n1' }));
  await one.pods.create(pod('a', 'y', { node: 'n1' }));
  await one.pods.delete('a/x');
  await one.pods.create(pod('a', 'z', { node: 'n1' }));
  const two = await open(t, { resumeRevisions: 3 }, store);
  t.equal(two.cache.revision(), 4, 'all resumed events arrive');
  t.same([two.pods.get('a/x'), two.pods.get('a/z')?.revision], [undefined, 4]);
  const seen = record((...args) => two.pods.watch(...args), { afterRevision: 1 });
  await one.pods.delete('a/y');
  await two.pods.list({ minRevision: 5 });
  t.same(seen.lines, ['2 ADDED a/y', '3 DELETED a/x', '4 ADDED a/z', '5 DELETED a/y']);
  t.throws(
    () =>
      two.pods.watch(
        { afterRevision: 0, signal: new AbortController().signal },
        () => {},
        () => {},
      ),
    {
      code: 'Expired',
    },
  );
  await store.compact(3);
  const three = await open(t, { resumeRevisions: 3 }, store);
  t.equal(three.cache.revision(), 5, 'the cache starts although history is compacted');
  t.throws(
    () =>
      three.pods.watch(
        { afterRevision: 2, signal: new AbortController().signal },
        () => {},
        () => {},
      ),
    {
      code: 'Expired',
    },
  );
});

t.test('a restarted cache resumes earlier watches from the history that a compaction has left', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const one = await open(t, {}, store);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await one.configs.create(config(name));
  await store.compact(5);
  const two = await open(t, { resumeRevisions: 2_000 }, store);
  const seen = record((...args) => two.configs.watch(...args), { afterRevision: 5 });
  await two.configs.create(config('i'));
  const names = ['6 ADDED default/f', '7 ADDED default/g', '8 ADDED default/h', '9 ADDED default/i'];
  t.same(seen.lines, names);
});

t.test('the cache starts although history is compacted while it reads', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  for (const name of ['x', 'y', 'z']) await (await open(t, {}, store)).pods.create(pod('a', name));
  let left = 3;
  const compacting: Store = {
    ...store,
    range: async (prefix, options) => {
      // Another server writes, and compacts what this one is about to read.
      if (left-- > 0) await store.compact(await store.create(`/other/${left}`, Buffer.from('{}')));
      return store.range(prefix, options);
    },
  };
  const { cache, pods } = await open(t, {}, compacting);
  t.same([pods.size, cache.revision()], [3, 6]);
});

t.test('while everything is loaded again, lists are snapshots, and no watch misses an event', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const other = await open(t, {}, store);
  await other.pods.create(pod('a', 'x'));
  await other.configs.create(config('x'));
  let lose = () => {};
  const gate = { prefix: '', reached: Promise.withResolvers<void>(), open: Promise.withResolvers<void>() };
  const losing: Store = {
    ...store,
    range: async (prefix, options) => {
      if (prefix === gate.prefix) {
        gate.reached.resolve();
        await gate.open.promise;
      }
      return store.range(prefix, options);
    },
    watch: (prefix, after, signal) => {
      const lost = new AbortController();
      lose = () => lost.abort();
      return store.watch(prefix, after, AbortSignal.any([signal, lost.signal]));
    },
  };
  const { cache, pods, configs } = await open(t, {}, losing);
  // The pods are read, and the ConfigMaps are not, when the lists are made.
  gate.prefix = '/registry/core/configmaps/';
  lose();
  await other.pods.create(pod('a', 'y'));
  await gate.reached.promise;
  t.equal(cache.revision(), 2);
  const { items, revision } = await pods.list({});
  t.same([items.map(({ key }) => key), revision], [['a/x'], 2]);
  const seen = record((...args) => pods.watch(...args), { afterRevision: revision });
  gate.open.resolve();
  await pods.list({ minRevision: 3 });
  t.match(seen.lines, [/^closed: /], 'its client begins again from a new list');
  t.same(
    (await pods.list({})).items.map(({ key }) => key),
    ['a/x', 'a/y'],
  );
  t.equal((await configs.list({})).items.length, 1);
});

t.test('kinds can be added and removed while the cache runs', async (t) => {
  const { cache, store } = await open(t);
  const widgets = defineKind<KubeObject>({
    group: 'example.com',
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    namespaced: true,
    schema: { model: '' },
  });
  t.throws(() => cache.kind(widgets), { code: 'NotFound' });
  const early = await store.create(
    `${widgets.prefix}a/early`,
    Buffer.from('{"metadata":{"name":"early","namespace":"a"}}'),
  );
  const adding = cache.addKind(widgets);
  const late = await store.create(
    `${widgets.prefix}a/late`,
    Buffer.from('{"metadata":{"name":"late","namespace":"a"}}'),
  );
  await adding;
  const { items } = await cache.kind(widgets).list({ minRevision: late });
  t.same(
    items.map((item) => [item.key, item.revision]),
    [
      ['a/early', early],
      ['a/late', late],
    ],
  );
  t.match(
    items[0]?.object,
    { kind: 'Widget', apiVersion: 'example.com/v1' },
    'bytes from another writer are converted',
  );
  const seen = record((...args) => cache.kind(widgets).watch(...args), { afterRevision: early });
  await cache.kind(widgets).delete('a/early');
  cache.removeKind(widgets);
  t.same(seen.lines, ['2 ADDED a/late', '3 DELETED a/early', 'closed: widgets are not served any more']);
  t.throws(() => cache.kind(widgets), { code: 'NotFound' });
});

t.test('when the watch of the store breaks, all objects are loaded again and watchers start again', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  let breakWatch: () => void = () => {};
  const fragile: Store = {
    ...store,
    watch(...args) {
      const events = store.watch(...args)[Symbol.asyncIterator]();
      const broken = new Promise<never>((_resolve, reject) => {
        breakWatch = () => reject(new Error('connection lost'));
      });
      return { [Symbol.asyncIterator]: () => ({ next: () => Promise.race([events.next(), broken]) }) };
    },
  };
  const clock = new FakeClock();
  const { cache, configs } = await open(t, { clock }, fragile);
  await configs.create(config('a'));
  const seen = record((...args) => configs.watch(...args), { afterRevision: 1 });
  breakWatch();
  await clock.armed();
  await store.create(`${configMaps.prefix}default/b`, Buffer.from('{"metadata":{"name":"b","namespace":"default"}}'));
  await store.delete(`${configMaps.prefix}default/a`);
  t.same(seen.lines, ['closed: the cache is loading']);
  const reloaded = configs.list({ minRevision: 3 });
  clock.advance(100);
  t.same(
    (await reloaded).items.map((item) => item.key),
    ['default/b'],
  );
  t.throws(() => record((...args) => configs.watch(...args), { afterRevision: 1 }), { code: 'Expired' });
  await configs.create(config('c'));
  t.equal(cache.revision(), 4, 'the cache follows the store again');
});

t.test('closing ends the watches with a reason', async (t) => {
  const { cache, configs } = await open(t);
  const seen = record((...args) => configs.watch(...args), { afterRevision: 0 });
  await cache.close();
  t.same(seen.lines, ['closed: the cache is closed']);
});

t.test('a value that cannot be read is named, and the opening of the cache ends with its signal', async (t) => {
  const bad = Buffer.from('{"metadata":{"name":"bad"');
  const key = `${configMaps.prefix}default/bad`;
  const named = new RegExp(`cannot read ${key}: .*k8ts store check`);
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  await store.create(key, bad);
  await t.rejects(openCache(store, [configMaps]), { code: 'Unsupported', message: named });

  // The first revision is loaded, and the value comes as an event: it may have been mended since, so the cache looks at the newest values.
  const late = await openStore({ kind: 'memory' });
  t.teardown(() => late.close());
  await late.create(`${configMaps.prefix}default/good`, Buffer.from('{"metadata":{"name":"good"}}'));
  await late.create(key, bad);
  await t.rejects(openCache(late, [configMaps]), { code: 'Unsupported', message: named });
  let found: (line: string) => void = () => {};
  const line = new Promise<string>((resolve) => {
    found = resolve;
  });
  const log = createLogger({ component: 'test', write: found });
  const stop = new AbortController();
  const opening = openCache(late, [configMaps], { log, signal: stop.signal, clock: new FakeClock() });
  t.match(await line, named);
  stop.abort();
  await t.rejects(opening, { code: 'Unavailable' });
});
