// `k8ts store` on the store of an API server, running and stopped.
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { silentLogger } from '../../base/logger';
import { parseOptions } from '../../process/options';
import { openStore } from '../../store/open';
import type { Store } from '../../store/store';
import { commandOptions, runStore } from './command';
import { serveStore, socketOf } from './socket';
import { revisionJump } from './verbs';

const services = '/api/v1/namespaces/default/services';
const configMaps = '/api/v1/namespaces/default/configmaps';
const service = (name: string, nodePort: number) => ({
  metadata: { name },
  spec: { type: 'NodePort', ports: [{ port: 80, nodePort }], selector: { app: name } },
});

interface Running {
  readonly server: TestServer;
  readonly store: Store;
  close(): Promise<void>;
}

/** A server with its store in `dir`, and the socket that a real one has. */
async function start(dir: string): Promise<Running> {
  const store = await openStore({ kind: 'sqlite', path: join(dir, 'state.db') });
  const stop = new AbortController();
  await serveStore({ dataDir: dir, store, files: store.files!, log: silentLogger }, stop.signal);
  const server = await startApiServer({ store });
  return {
    server,
    store,
    async close() {
      stop.abort();
      await server.close();
      await store.close();
    },
  };
}

/** Runs `k8ts store WORDS` and resolves with what it prints. */
async function k8tsStore(dir: string, ...words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const { options, positional } = parseOptions(commandOptions, [`--data-dir=${dir}`, ...words], {});
  const signal = new AbortController().signal;
  try {
    await runStore(positional, { options, signal, say: (line) => lines.push(line) });
  } catch (error) {
    throw Object.assign(error as Error, { printed: lines.join('\n') });
  }
  return lines.join('\n');
}

async function fill({ server }: Running): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const made = await server.call('POST', services, { body: service(`s${i}`, 30_000 + i) });
    if (made.status !== 201) throw new Error(made.text);
  }
  for (let i = 0; i < 30; i++)
    await server.call('POST', configMaps, { body: { metadata: { name: `c${i}` }, data: { i: `${i}` } } });
}

const resourceVersion = async ({ server }: Running, path: string): Promise<number> =>
  Number((await server.call('GET', path)).json['metadata'].resourceVersion);

t.setTimeout(120_000);

t.test('backup of a running server under writes, check, restore into a new folder', async (t) => {
  const dir = t.testdir({ a: {}, b: {} });
  const first = await start(join(dir, 'a'));
  await fill(first);
  const file = join(dir, 'backup');
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++)
      await first.server.call('POST', configMaps, { body: { metadata: { name: `during-${i}` } } });
  })();
  t.match(await k8tsStore(join(dir, 'a'), 'backup', file), /backup: \d+ objects as of revision \d+, 0\.\d MiB/);
  writing = false;
  await writer;
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(await k8tsStore(join(dir, 'a'), 'check', file), /no problem was found/);
  t.match(await k8tsStore(join(dir, 'a'), 'check'), /^a copy of .*\d+ objects, revision \d+; no problem was found$/);
  t.same(readdirSync(join(dir, 'a')).sort(), ['state.db', 'state.db-wal', 'store.sock'], 'the copy is gone');
  t.same(readdirSync(dir).sort(), ['a', 'b', 'backup']);
  await t.rejects(k8tsStore(join(dir, 'a'), 'backup', file), { code: 'AlreadyExists' });
  await t.rejects(k8tsStore(join(dir, 'a'), 'restore', file), { code: 'AlreadyExists' });
  await t.rejects(k8tsStore(join(dir, 'a'), 'restore', file, '--force'), {
    code: 'Unavailable',
    message: /another process/,
  });
  const newest = await first.store.revision();
  await k8tsStore(join(dir, 'b'), 'restore', file);
  const second = await start(join(dir, 'b'));
  t.ok((await second.store.revision()) > newest + 1_000_000_000, 'revisions go up');
  t.match((await second.server.call('GET', `${configMaps}/c7`)).json, { data: { i: '7' } });
  const taken = await second.server.call('POST', services, { body: service('again', 30_001) });
  t.equal(taken.status, 422, 'the claims are restored');
  await second.close();
  t.match(await k8tsStore(join(dir, 'b'), 'check'), /no problem was found/);
  await first.close();
});

t.test('a watch from before a restore begins again, and objects get greater resourceVersions', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'backup');
  const before = await start(dir);
  await fill(before);
  await k8tsStore(dir, 'backup', file);
  const changed = await before.server.call('PUT', `${configMaps}/c1`, {
    body: { metadata: { name: 'c1' }, data: { i: 'lost' } },
  });
  const known = changed.json['metadata'].resourceVersion;
  await before.close();
  t.match(await k8tsStore(dir, 'restore', file, '--force'), /the former store is .*state\.db\.before-/);
  const kept = readdirSync(dir).find((name) => name.startsWith('state.db.before-'))!;
  const after = await start(dir);
  t.match((await after.server.call('GET', `${configMaps}/c1`)).json, { data: { i: '1' } });
  t.ok((await resourceVersion(after, `${configMaps}/c1`)) > Number(known));
  const gone = await after.server.call('GET', `${configMaps}?watch=true&resourceVersion=${known}`);
  t.match(gone.text, /"code":410/);
  const stale = { metadata: { name: 'c1', resourceVersion: known }, data: { i: 'stale' } };
  t.equal((await after.server.call('PUT', `${configMaps}/c1`, { body: stale })).status, 409);
  await after.close();
  // The former store is complete.
  const old = await openStore({ kind: 'sqlite', path: join(dir, kept) });
  t.match(`${(await old.get('/registry/core/configmaps/default/c1'))?.value}`, /lost/);
  await old.close();
});

t.test('a backup that is damaged replaces nothing', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'backup');
  const running = await start(dir);
  await fill(running);
  await k8tsStore(dir, 'backup', file);
  await running.close();
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
  const before = readFileSync(join(dir, 'state.db'));
  await t.rejects(k8tsStore(dir, 'restore', file, '--force'), {
    code: 'Unsupported',
    message: /backup: it is damaged/,
  });
  t.ok(readFileSync(join(dir, 'state.db')).equals(before));
  t.same(readdirSync(dir).sort(), ['backup', 'state.db', 'store.sock']);
  await t.rejects(k8tsStore(dir, 'check', file), { code: 'Unsupported' });
});

t.test('a restore says what the server may refuse', async (t) => {
  const dir = t.testdir({ a: {}, b: {} });
  const running = await start(join(dir, 'a'));
  await fill(running);
  await running.close();
  const db = new DatabaseSync(join(dir, 'a/state.db'));
  db.exec("UPDATE log SET value = x'7b7b' WHERE key LIKE '%/c3'");
  db.close();
  const file = join(dir, 'backup');
  await k8tsStore(join(dir, 'a'), 'backup', file);
  const printed = await k8tsStore(join(dir, 'b'), 'restore', file);
  t.match(printed, /c3: its value is not JSON\n.*restore a backup\n.*backup has 1 problems\. .*may end at its start/s);
  t.match(printed, /\d+ objects of /, 'and restores it');
});

t.test('compact, while the server runs and when it is stopped', async (t) => {
  const dir = t.testdir();
  const running = await start(dir);
  await fill(running);
  const big = 'x'.repeat(50_000);
  for (let i = 0; i < 40; i++) {
    await running.server.call('PUT', `${configMaps}/c0`, {
      body: { metadata: { name: 'c0' }, data: { big, i: `${i}` } },
    });
  }
  const sizes = (text: string) => [...text.matchAll(/([\d.]+) MiB/g)].map(([, size]) => Number(size));
  const [before = 0, after = 0] = sizes(await k8tsStore(dir, 'compact'));
  t.ok(before > 2 && after < before / 2, `${before} MiB, then ${after}`);
  t.equal((await running.server.call('GET', `${configMaps}/c0`)).json['data'].i, '39');
  await running.close();
  t.match(await k8tsStore(dir, 'compact'), /history up to revision \d+ is dropped/);
  t.match(await k8tsStore(dir, 'check'), /no problem was found/);
});

t.test('migrate copies everything into a new place', async (t) => {
  const dir = t.testdir({ a: {} });
  const running = await start(join(dir, 'a'));
  await fill(running);
  const places = ['migrate', `--from=sqlite:${join(dir, 'a')}`, `--to=sqlite:${join(dir, 'b')}`];
  await t.rejects(k8tsStore(dir, ...places), { code: 'Unavailable', message: /stop the server first/ });
  const revision = await running.store.revision();
  await running.close();
  t.match(await k8tsStore(dir, ...places), new RegExp(`equal \\(SHA-256 .*\\n.*end at ${revision}, the new ones`));
  t.match(await k8tsStore(join(dir, 'b'), 'check'), /no problem was found/);
  await t.rejects(k8tsStore(dir, ...places), { code: 'AlreadyExists' });
  await t.rejects(k8tsStore(dir, 'migrate'), { code: 'BadRequest' });
  for (const words of [
    ['--from=foo', '--to=sqlite:x'],
    [`--from=sqlite:${join(dir, 'a')}`, '--to=sqlite'],
  ]) {
    await t.rejects(k8tsStore(dir, 'migrate', ...words), {
      code: 'BadRequest',
      message: /expected sqlite:DIR or etcd:/,
    });
  }
});

t.test('the socket', async (t) => {
  const dir = t.testdir({ full: 'x' });
  const running = await start(dir);
  t.teardown(() => running.close());
  t.equal(statSync(socketOf(dir)).mode & 0o777, 0o600, 'is for its owner only');
  const { askServer } = await import('./socket');
  const ask = (what: string, body: object) => askServer(dir, what, body, new AbortController().signal);
  await t.rejects(ask('/copy', { path: join(dir, 'full') }), { code: 'BadRequest', message: /is not an empty file/ });
  t.equal(readFileSync(join(dir, 'full'), 'utf8'), 'x');
  await t.rejects(ask('/copy', { path: 'relative' }), { code: 'BadRequest' });
  await t.rejects(ask('/copy', { path: join(dir, 'none') }), { message: /ENOENT|no such file/ });
  await t.rejects(ask('/other', {}), { code: 'NotFound' });
  t.notOk(existsSync(join(dir, 'none')));
});

/** A change of the rows of a stopped store, and what check says about it. */
const damages: readonly { readonly name: string; readonly sql: string; readonly says: RegExp }[] = [
  {
    name: 'a missing revision',
    sql: "DELETE FROM log WHERE key LIKE '%/c3'",
    says: /1 revisions between 0 and \d+ are missing/,
  },
  {
    name: 'a version that follows another one',
    sql: "UPDATE log SET previous_revision = 2 WHERE key LIKE '%/c3'",
    says: /configmaps\/default\/c3: revision \d+ /,
  },
  {
    name: 'a claim of nothing',
    sql: "INSERT INTO claims VALUES ('nodeport/1', '/registry/core/services/x/y')",
    says: /x\/y: it does not exist, but holds nodeport\/1/,
  },
  {
    name: 'a missing claim',
    sql: "DELETE FROM claims WHERE claim = 'nodeport/30001'",
    says: /s1: it does not hold nodeport\/30001/,
  },
  {
    name: 'a surplus claim',
    sql: "INSERT INTO claims VALUES ('nodeport/9', '/registry/core/services/default/s2')",
    says: /s2: it holds nodeport\/9, which/,
  },
  {
    name: 'a claim of two objects',
    sql: "INSERT INTO claims VALUES ('nodeport/30000', '/registry/core/services/default/s2')",
    says: /s2: nodeport\/30000 is also held by \/registry\/core\/services\/default\/s0/,
  },
  {
    name: 'a value that is no JSON',
    sql: "UPDATE log SET value = x'7b7b' WHERE key LIKE '%/c3'",
    says: /c3: its value is not JSON/,
  },
  {
    name: 'protobuf',
    sql: "UPDATE log SET value = x'6b3873000a' WHERE key LIKE '%/c3'",
    says: /c3: kube-apiserver wrote it in protobuf/,
  },
  {
    name: 'another name',
    sql: "UPDATE log SET key = replace(key, '/c3', '/c333') WHERE key LIKE '%/c3'",
    says: /c333: its name is "c3", not that of the key/,
  },
  {
    name: 'another kind',
    sql: `UPDATE log SET value = replace(CAST(value AS TEXT), '"ConfigMap"', '"Secret"') WHERE key LIKE '%/c3'`,
    says: /c3: its kind is "Secret", not ConfigMap/,
  },
  {
    name: 'a key of no kind',
    sql: "UPDATE log SET key = '/registry/a.example.com/as/x/y' WHERE key LIKE '%/c3'",
    says: /no kind has this key/,
  },
  {
    name: 'a key of kube-apiserver',
    sql: "UPDATE log SET key = '/registry/pods/x/y' WHERE key LIKE '%/c3'",
    says: /a key of kube-apiserver/,
  },
  {
    name: 'an encrypted value that is counted',
    sql: "UPDATE log SET value = CAST('k8s:enc:aesgcm:v1:k:xxxx' AS BLOB) WHERE key LIKE '%/c3'; DELETE FROM claims WHERE claim = 'nodeport/30001'",
    says: /nodeport\/30001/,
  },
];

t.test('what check finds', async (t) => {
  const made = t.testdir({ good: {}, bad: {} });
  const running = await start(join(made, 'good'));
  await fill(running);
  await running.close();
  const dir = join(made, 'bad');
  for (const { name, sql, says } of damages) {
    copyFileSync(join(made, 'good/state.db'), join(dir, 'state.db'));
    const db = new DatabaseSync(join(dir, 'state.db'));
    // The table is strict: values are blobs.
    db.exec(
      sql.includes('AS TEXT')
        ? sql.replace('value = replace(', 'value = CAST(replace(').replace(') WHERE', ') AS BLOB) WHERE')
        : sql,
    );
    db.close();
    const error = await k8tsStore(dir, 'check').then(
      () => undefined,
      (error: Error & { printed: string }) => error,
    );
    t.match(error?.message, /state\.db: \d+ problems/, name);
    t.match(error?.printed, says, name);
  }
  t.match(await k8tsStore(join(made, 'good'), 'check'), /no problem was found/);
});

t.test('what check finds in the file itself', async (t) => {
  const dir = t.testdir();
  const running = await start(dir);
  await fill(running);
  await running.close();
  const path = join(dir, 'state.db');
  const fd = openSync(path, 'r+');
  for (let page = 3; page < 20; page++) writeSync(fd, Buffer.alloc(2_000, 0x5a), 0, 2_000, page * 4_096 + 8);
  closeSync(fd);
  await t.rejects(k8tsStore(dir, 'check'), { code: /Invalid|Unsupported/ });
  writeFileSync(path, 'hello '.repeat(500));
  await t.rejects(k8tsStore(dir, 'check'), { code: 'Unsupported', message: /not a database/ });
  await t.rejects(k8tsStore(join(dir, 'none'), 'check'), { code: 'NotFound', message: /there is no store/ });
});

t.test('wrong arguments', async (t) => {
  for (const words of [[], ['x'], ['toString'], ['backup'], ['backup', 'a', 'b'], ['compact', 'a']]) {
    await t.rejects(k8tsStore('/none', ...words), { code: 'BadRequest' }, words.join(' '));
  }
});

t.test('a directory instead of a file', async (t) => {
  const dir = t.testdir({ a: {} });
  for (const verb of ['check', 'restore']) {
    await t.rejects(k8tsStore(dir, verb, join(dir, 'a')), { code: 'BadRequest', message: /is a directory/ }, verb);
  }
});

t.test('the jump of revisions grows with the age of the backup', (t: Test) => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  t.equal(revisionJump('2026-01-02T00:00:00Z', now), 1_000_000_000);
  t.equal(revisionJump('2026-01-01T00:00:00Z', now), 1_000_000_000 + 86_400 * 20_000);
  t.equal(revisionJump('2026-01-03T00:00:00Z', now), 1_000_000_000, 'a clock that was put back');
  t.equal(revisionJump('never', now), 1_000_000_000);
  t.end();
});
