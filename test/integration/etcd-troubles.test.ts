// The store on etcd when etcd fails: nothing acknowledged is lost, no event is skipped, and every state has a clear error.
import t, { type Test } from 'tap';
import { EtcdPlace } from '../../controlplane/server/store/etcd-place';
import { EtcdConnection, OutcomeUnknown } from '../../controlplane/store/etcd/connection';
import { EtcdStore } from '../../controlplane/store/etcd/etcd-store';
import type { Store, StoreEvent } from '../../controlplane/store/store';
import { startEtcd, startEtcdCluster, type TestEtcd } from '../lib/etcd';

t.setTimeout(180_000);

const text = (value: string) => Buffer.from(value);
const limits = { readMs: 1_000, writeMs: 3_000, outageMs: 60_000 };

async function openStore(t: Test, ...members: readonly TestEtcd[]): Promise<Store> {
  const store = await EtcdStore.open({ endpoints: members.map(({ endpoint }) => endpoint), limits });
  t.teardown(() => store.close());
  return store;
}

/** Collects the events after `revision`, until stop() is called with the last revision to wait for. */
function follow(t: Test, store: Store, revision: number) {
  const stop = new AbortController();
  const events: StoreEvent[] = [];
  let waiting: { readonly upTo: number; readonly done: () => void } | undefined;
  let position = revision;
  const running = (async () => {
    for await (const batch of store.watch('/', revision, stop.signal)) {
      events.push(...batch.events);
      position = batch.revision;
      if (waiting && position >= waiting.upTo) waiting.done();
    }
  })();
  t.teardown(() => stop.abort());
  return {
    events,
    running,
    reached: async (upTo: number) => {
      if (position >= upTo) return;
      await new Promise<void>((done) => {
        waiting = { upTo, done };
      });
    },
  };
}

/** Creates keys one after the other until end(); returns those that were acknowledged. */
function write(store: Store, prefix: string) {
  let isOver = false;
  const acknowledged = new Map<string, number>();
  const unknown: string[] = [];
  let progress: () => void = () => {};
  const running = (async () => {
    for (let i = 0; !isOver; i++) {
      const key = `${prefix}${i}`;
      try {
        acknowledged.set(key, await store.create(key, text('1')));
      } catch (error) {
        if (!(error instanceof OutcomeUnknown)) throw error;
        unknown.push(key);
      }
      progress();
    }
  })();
  return {
    acknowledged,
    unknown,
    /** Resolves after this many further acknowledged writes. */
    more: async (count: number) => {
      const target = acknowledged.size + count;
      while (acknowledged.size < target) {
        await new Promise<void>((resolve) => {
          progress = resolve;
        });
      }
    },
    end: async () => {
      isOver = true;
      await running;
    },
  };
}

/** Every acknowledged write is there and in the watch once, and everything that is there was in the watch, in order. */
async function checkWrites(
  t: Test,
  store: Store,
  { acknowledged, unknown }: Pick<ReturnType<typeof write>, 'acknowledged' | 'unknown'>,
  watch: ReturnType<typeof follow>,
): Promise<void> {
  await watch.reached(await store.revision());
  const { items } = await store.range('/k/');
  const stored = new Map(items.map(({ key, modRevision }) => [key, modRevision]));
  t.same(
    [...acknowledged].filter(([key, revision]) => stored.get(key) !== revision),
    [],
    'every acknowledged write is stored at its revision',
  );
  const others = [...stored.keys()].filter((key) => !acknowledged.has(key));
  t.same(
    others.filter((key) => !unknown.includes(key)),
    [],
    'nothing else is stored',
  );
  t.same(
    watch.events.map(({ key, revision }) => `${revision} ${key}`),
    [...stored]
      .map(([key, revision]) => ({ key, revision }))
      .sort((a, b) => a.revision - b.revision)
      .map(({ key, revision }) => `${revision} ${key}`),
    'the watch has every write once, in order',
  );
}

t.test(
  'kill -9 of the only member: writes that were acknowledged are there, and watches go on without a gap',
  async (t) => {
    const etcd = await startEtcd(t);
    const store = await openStore(t, etcd);
    const watch = follow(t, store, await store.revision());
    const writer = write(store, '/k/');
    for (let round = 0; round < 3; round++) {
      await writer.more(50);
      await etcd.kill();
      await etcd.start();
    }
    await writer.more(20);
    await writer.end();
    await checkWrites(t, store, writer, watch);
  },
);

t.test('one of three members is killed, then another one is frozen: clients go on', async (t) => {
  const members = await startEtcdCluster(t, 3);
  const store = await openStore(t, ...members);
  const watch = follow(t, store, await store.revision());
  const writer = write(store, '/k/');
  await writer.more(30);
  await members[0]!.kill();
  await writer.more(30);
  await members[0]!.start();
  members[1]!.signal('SIGSTOP');
  await writer.more(30);
  members[1]!.signal('SIGCONT');
  await writer.more(30);
  await writer.end();
  await checkWrites(t, store, writer, watch);
});

t.test('without a quorum reads and writes fail with the reason, and work again when it is back', async (t) => {
  const members = await startEtcdCluster(t, 3);
  const endpoints = [members[0]!.endpoint];
  const store = await EtcdStore.open({ endpoints, limits: { ...limits, outageMs: 0 } });
  t.teardown(() => store.close());
  await store.create('/a', text('1'));
  await members[1]!.kill();
  await members[2]!.kill();
  await t.rejects(store.revision(), { code: 'Unavailable', message: /^etcd at 127\.0\.0\.1:\d+: / });
  await t.rejects(store.create('/b', text('1')), { code: 'Unavailable' });
  await members[1]!.start();
  t.ok(await store.get('/a'));
  await store.update('/a', text('2'), (await store.get('/a'))!.modRevision);
});

t.test('a watch that was cut off for longer than the history reaches back is Expired', async (t) => {
  const etcd = await startEtcd(t);
  const [store, other] = [await openStore(t, etcd), await openStore(t, etcd)];
  const first = await store.create('/a', text('1'));
  for (let i = 0; i < 5; i++) await other.create(`/k/${i}`, text('1'));
  await other.compact(await other.revision());
  const { running } = follow(t, store, first);
  await t.rejects(running, { code: 'Expired' });
  await t.rejects(store.range('/', { revision: first }), { code: 'Expired' });
});

t.test('data of another program is refused with the reason', async (t) => {
  const etcd = await startEtcd(t);
  const raw = await EtcdConnection.open({ endpoints: [etcd.endpoint] });
  t.teardown(() => raw.close());
  const put = (key: string, value: string) =>
    raw.write('Txn', { compare: [], success: [{ requestPut: { key: text(key), value: text(value) } }], failure: [] });
  await put('/registry/pods/default/web', 'k8s\0');
  const open = () => EtcdStore.open({ endpoints: [etcd.endpoint] });
  await t.rejects(open(), { code: 'Unsupported', message: /registry\/pods\/default\/web.*kube-apiserver/ });
  await etcd.clear();
  await put('k8ts/format', '2');
  await t.rejects(open(), { code: 'Unsupported', message: /format 2, which a newer k8ts wrote/ });
  await etcd.clear();
  const store = await open();
  await store.close();
  await (await open()).close();
});

t.test('an object that etcd does not accept is too large, and changes nothing', async (t) => {
  const etcd = await startEtcd(t, ['--max-request-bytes=100000', '--max-txn-ops=10']);
  const store = await openStore(t, etcd);
  await t.rejects(store.create('/a', Buffer.alloc(200_000, 'x')), { code: 'TooLarge', message: /--max-request-bytes/ });
  const claims = Array.from({ length: 20 }, (_, i) => `port/${i}`);
  await t.rejects(store.create('/a', text('1'), claims), { code: 'TooLarge', message: /--max-txn-ops/ });
  t.equal(await store.get('/a'), undefined);
  t.same(await store.claims(), []);
});

t.test('two servers decide about one further key one after the other', async (t) => {
  const etcd = await startEtcd(t);
  const stores = [await openStore(t, etcd), await openStore(t, etcd)];
  await stores[0]!.create('/count', text('0'));
  const add = {
    action: 'change' as const,
    key: '/count',
    change: (value: Buffer) => text(`${Number(value.toString()) + 1}`),
  };
  await Promise.all(Array.from({ length: 60 }, (_, i) => stores[i % 2]!.create(`/k/${i}`, text('x'), [], [add])));
  t.equal((await stores[0]!.get('/count'))?.value.toString(), '60');
});

t.test(
  'an etcd that has no space left refuses writes with the reason, until k8ts store compact has made room',
  async (t) => {
    const etcd = await startEtcd(t, ['--quota-backend-bytes=4000000']);
    const store = await openStore(t, etcd);
    await store.create('/a', text('1'));
    const fill = async () => {
      for (let i = 0; i < 100; i++) await store.create(`/big/${i}`, Buffer.alloc(200_000, 'x'));
    };
    await t.rejects(fill(), { code: 'Unavailable', message: /database space exceeded/ });
    t.equal(store.problem?.(), 'etcd has no space left');
    t.ok(await store.get('/a'));
    for (const { key } of (await store.range('/big/')).items) await store.delete(key);
    await t.rejects(store.create('/b', text('1')), { message: /database space exceeded/ }, 'the alarm stays');
    await new EtcdPlace({ endpoints: [etcd.endpoint] }).compact(new AbortController().signal);
    await store.create('/b', text('1'));
    t.equal(store.problem?.(), undefined);
  },
);
