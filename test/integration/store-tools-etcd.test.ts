// `k8ts store` on a real etcd: backup of a running server, restore, check, compact, and migration from SQLite and back.
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { parseOptions } from '../../controlplane/process/options';
import { commandOptions, runStore } from '../../controlplane/server/store/command';
import { EtcdStore } from '../../controlplane/store/etcd/etcd-store';
import { openStore } from '../../controlplane/store/open';
import { fillingKey } from '../../controlplane/store/shifted-store';
import { startApiServer, type TestServer } from '../lib/api-server';
import { startEtcd, type TestEtcd } from '../lib/etcd';

t.setTimeout(300_000);

const services = '/api/v1/namespaces/default/services';
const configMaps = '/api/v1/namespaces/default/configmaps';
const service = (name: string, nodePort: number) => ({
  metadata: { name },
  spec: { type: 'NodePort', ports: [{ port: 80, nodePort }] },
});

const k8tsStore = (...words: readonly string[]): Promise<string> => k8tsStoreUntil(new AbortController().signal, words);

async function k8tsStoreUntil(signal: AbortSignal, words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const { options, positional } = parseOptions(commandOptions, words, {});
  try {
    await runStore(positional, { options, signal, say: (line) => lines.push(line) });
  } catch (error) {
    throw Object.assign(error as Error, { printed: lines.join('\n') });
  }
  return lines.join('\n');
}

interface Running {
  readonly server: TestServer;
  revision(): Promise<number>;
  close(): Promise<void>;
}

async function start(open: () => ReturnType<typeof openStore>): Promise<Running> {
  const store = await open();
  const server = await startApiServer({ store }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  return {
    server,
    revision: () => store.revision(),
    close: async () => {
      await server.close();
      await store.close();
    },
  };
}
const onEtcd = ({ endpoint }: TestEtcd) => start(() => openStore({ kind: 'etcd', endpoints: [endpoint] }));
const onFile = (dir: string) => start(() => openStore({ kind: 'sqlite', path: join(dir, 'state.db') }));

async function fill({ server }: Running): Promise<void> {
  for (let i = 0; i < 3; i++) await server.call('POST', services, { body: service(`s${i}`, 30_000 + i) });
  for (let i = 0; i < 20; i++) {
    await server.call('POST', configMaps, { body: { metadata: { name: `c${i}` }, data: { i: `${i}` } } });
  }
}

/** All that fill() made is there, and its claims are held. */
async function isFilled(t: Test, { server }: Running): Promise<void> {
  t.match((await server.call('GET', `${configMaps}/c7`)).json, { data: { i: '7' } });
  t.equal((await server.call('GET', services)).json['items'].length, 4, 'with default/kubernetes');
  t.equal((await server.call('POST', services, { body: service('again', 30_001) })).status, 422, 'the port is taken');
}

void main();

async function main(): Promise<void> {
  const etcd = await startEtcd(t);
  const store = `--store=${etcd.url}`;

  t.test('backup under writes, restore, and a watch from before', async (t) => {
    await etcd.clear();
    const dir = t.testdir();
    const file = join(dir, 'backup');
    const first = await onEtcd(etcd);
    await fill(first);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; writing; i++) {
        await first.server.call('POST', services, { body: service(`w${i}`, 30_100 + i) });
        await first.server.call('DELETE', `${services}/w${i - 3}`);
      }
    })();
    for (let i = 0; i < 3; i++) {
      t.match(await k8tsStore('backup', file, '--force', store), /\d+ objects as of revision \d+/);
      t.match(await k8tsStore('check', file), /no problem was found/, 'objects and claims are of one revision');
      t.match(await k8tsStore('check', store), /^etcd at .* no problem was found$/);
    }
    writing = false;
    await writer;
    for (const { metadata } of (await first.server.call('GET', services)).json['items']) {
      if (/^w/.test(metadata.name)) await first.server.call('DELETE', `${services}/${metadata.name}`);
    }
    await k8tsStore('backup', file, '--force', store);
    const known = await first.revision();
    await first.close();
    await t.rejects(k8tsStore('restore', file, store), { code: 'AlreadyExists' });
    await etcd.clear();
    t.match(await k8tsStore('restore', file, store), /objects of/);
    t.match(await k8tsStore('check', store), /no problem was found/);
    const second = await onEtcd(etcd);
    t.ok((await second.revision()) > known + 1_000_000_000, 'revisions go up');
    await isFilled(t, second);
    const gone = await second.server.call('GET', `${configMaps}?watch=true&resourceVersion=${known}`);
    t.match(gone.text, /"code":410/);
    const { metadata } = (await second.server.call('GET', `${configMaps}/c7`)).json;
    t.ok(Number(metadata.resourceVersion) > known);
    t.equal(
      (await second.server.call('PUT', `${configMaps}/c7`, { body: { metadata, data: { i: '8' } } })).status,
      200,
    );
    await second.close();
  });

  t.test('a restore over objects keeps them in a backup, and is refused while a server writes', async (t) => {
    await etcd.clear();
    const dir = t.testdir();
    const file = join(dir, 'backup');
    const first = await onEtcd(etcd);
    await fill(first);
    await k8tsStore('backup', file, store);
    let writing = true;
    const writer = (async () => {
      while (writing) {
        await first.server.call('POST', configMaps, { body: { metadata: { generateName: 'later-' } } });
        await sleep(50);
      }
    })();
    const force = ['restore', file, store, '--force'];
    await t.rejects(k8tsStore(...force), { code: 'Unavailable', message: /changed meanwhile: stop all servers first/ });
    t.strictSame(readdirSync(dir), ['backup'], 'nothing was kept, because nothing was replaced');
    writing = false;
    await writer;
    const later = (await first.server.call('GET', configMaps)).json['items'].length;
    const known = await first.revision();
    await first.close();
    t.match(await k8tsStore(...force), /the former store is .*backup\.before-/);
    const kept = readdirSync(dir).find((name) => name.startsWith('backup.before-'))!;
    const second = await onEtcd(etcd);
    await isFilled(t, second);
    t.ok((await second.revision()) > known + 1_000_000_000, 'revisions go up');
    t.ok((await second.server.call('GET', configMaps)).json['items'].length < later, 'only what the backup has');
    await second.close();
    await k8tsStore('restore', join(dir, kept), store, '--force');
    const third = await onEtcd(etcd);
    t.equal((await third.server.call('GET', configMaps)).json['items'].length, later, 'and back');
    await third.close();
    const cut = new AbortController();
    const part = k8tsStoreUntil(cut.signal, force);
    const watching = await EtcdStore.open({ endpoints: [etcd.endpoint] });
    while (!(await watching.get(fillingKey))) await sleep(1);
    cut.abort(new Error('Ctrl-C'));
    await t.rejects(part, {
      message: /Ctrl-C\. Servers refuse etcd at .*; its former objects are in .*backup\.before-/,
    });
    await watching.close();
    await t.rejects(onEtcd(etcd), { code: 'Unsupported', message: /has not ended: wait for it, or run it again/ });
    t.match(await k8tsStore('restore', file, store), /objects of/, 'again, over what is there in part');
    t.match(await k8tsStore('check', store), /no problem was found/);
  });

  t.test(
    'a server whose etcd is emptied and restored meanwhile ends, and the next one has the new revisions',
    async (t) => {
      await etcd.clear();
      const file = join(t.testdir(), 'backup');
      const store = await openStore({ kind: 'etcd', endpoints: [etcd.endpoint] });
      const server = await startApiServer({ store });
      await server.call('POST', configMaps, { body: { metadata: { name: 'a' } } });
      await k8tsStore('backup', file, `--store=${etcd.url}`);
      const ended = once(store.ended!, 'abort');
      await etcd.clear();
      await ended;
      t.equal(store.problem?.(), 'the data in etcd was replaced');
      await t.rejects(store.get('/registry/core/configmaps/default/a'), { code: 'Unavailable' });
      await k8tsStore('restore', file, `--store=${etcd.url}`);
      await server.close();
      await store.close();
      const next = await openStore({ kind: 'etcd', endpoints: [etcd.endpoint] });
      const serving = await startApiServer({ store: next });
      const { metadata } = (await serving.call('GET', `${configMaps}/a`)).json;
      t.ok(Number(metadata.resourceVersion) > 1_000_000_000, metadata.resourceVersion);
      t.notOk(next.ended?.aborted, 'what was before the opening does not count');
      await serving.close();
      await next.close();
    },
  );

  t.test('from SQLite to etcd and back: equal, and revisions never go back', async (t) => {
    await etcd.clear();
    const dir = t.testdir({ a: {} });
    const first = await onFile(join(dir, 'a'));
    await fill(first);
    const before = await first.revision();
    await first.close();
    const [a, b] = [`sqlite:${join(dir, 'a')}`, `sqlite:${join(dir, 'b')}`];
    t.match(await k8tsStore('migrate', `--from=${a}`, `--to=${etcd.url}`), /: equal \(SHA-256/);
    await t.rejects(k8tsStore('migrate', `--from=${a}`, `--to=${etcd.url}`), { code: 'AlreadyExists' });
    const second = await onEtcd(etcd);
    const between = await second.revision();
    t.ok(between > before, `${between} after ${before}`);
    await isFilled(t, second);
    const after = await second.revision();
    await second.close();
    t.match(await k8tsStore('migrate', `--from=${etcd.url}`, `--to=${b}`), /: equal \(SHA-256/);
    t.match(await k8tsStore('check', `--data-dir=${join(dir, 'b')}`), /no problem was found/);
    const third = await onFile(join(dir, 'b'));
    t.ok((await third.revision()) > after);
    await isFilled(t, third);
    await third.close();
  });

  t.test('a store that is only filled in part is refused, and filled again', async (t) => {
    await etcd.clear();
    const dir = t.testdir({ a: {} });
    const first = await onFile(join(dir, 'a'));
    await fill(first);
    await first.close();
    // As a run leaves it that was killed.
    const part = await EtcdStore.open({ endpoints: [etcd.endpoint] });
    await part.create(fillingKey, Buffer.from('now'));
    await part.create('/registry/core/configmaps/default/part', Buffer.from('{}'), ['claim/1']);
    await part.close();
    await t.rejects(openStore({ kind: 'etcd', endpoints: [etcd.endpoint] }), {
      code: 'Unsupported',
      message: /a restore or a migration into this store has not ended/,
    });
    await k8tsStore('migrate', `--from=sqlite:${join(dir, 'a')}`, `--to=${etcd.url}`);
    const second = await onEtcd(etcd);
    await isFilled(t, second);
    t.equal((await second.server.call('GET', `${configMaps}/part`)).status, 404);
    await second.close();
  });

  t.test('a source that changes is refused, and the target stays as it was', async (t) => {
    await etcd.clear();
    const dir = t.testdir();
    const first = await onEtcd(etcd);
    await fill(first);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; writing; i++)
        await first.server.call('POST', configMaps, { body: { metadata: { name: `w${i}` } } });
    })();
    await t.rejects(k8tsStore('migrate', `--from=${etcd.url}`, `--to=sqlite:${join(dir, 'b')}`), {
      code: 'Unavailable',
      message: /stop all servers first/,
    });
    writing = false;
    await writer;
    await first.close();
    await t.rejects(k8tsStore('check', `--data-dir=${join(dir, 'b')}`), { code: 'NotFound' });
  });

  t.test('compact gives space back', async (t) => {
    await etcd.clear();
    const running = await onEtcd(etcd);
    const text = 'x'.repeat(100_000);
    await running.server.call('POST', configMaps, { body: { metadata: { name: 'big' }, data: { text } } });
    for (let i = 0; i < 100; i++) {
      await running.server.call('PUT', `${configMaps}/big`, {
        body: { metadata: { name: 'big' }, data: { text, i: `${i}` } },
      });
    }
    const line = await k8tsStore('compact', store);
    const [before = 0, after = 0] = [...line.matchAll(/([\d.]+) MiB/g)].map(([, size]) => Number(size));
    t.ok(before > 8 && after < before / 2, line);
    t.equal((await running.server.call('GET', `${configMaps}/big`)).json['data'].i, '99');
    await running.close();
  });

  t.test('what the real kube-apiserver wrote', async (t) => {
    await etcd.clear();
    const raw = await EtcdStore.open({ endpoints: [etcd.endpoint] });
    await raw.create('/registry/pods/default/web', Buffer.from('k8s\0\n\x09'));
    await raw.create('/registry/apiextensions.k8s.io/customresourcedefinitions/a.example.com', Buffer.from('k8s\0\n'));
    await raw.close();
    const error = await k8tsStore('check', store).then(
      () => undefined,
      (error: Error & { printed: string }) => error,
    );
    t.match(error?.printed, /\/registry\/pods\/default\/web: it is a key of kube-apiserver\n +use a store of its own/);
    t.match(error?.printed, /customresourcedefinitions\/a.example.com: kube-apiserver wrote it in protobuf/);
    await t.rejects(onEtcd(etcd), {
      code: 'Unsupported',
      message: /cannot read \/registry\/apiextensions.*in protobuf/,
    });
  });
}
