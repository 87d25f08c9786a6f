import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { openStore } from '../open';

const open = (path: string) => openStore({ kind: 'sqlite', path });

function makeDatabase(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

async function filled(t: Test): Promise<string> {
  const path = join(t.testdir(), 'store.db');
  const store = await open(path);
  for (let i = 0; i < 500; i++) void store.create(`/k/${i}`, Buffer.alloc(200, 97));
  await store.close();
  return path;
}

t.test('a file that this version cannot use is refused with one reason', async (t) => {
  const path = join(t.testdir(), 'x.db');
  const cases: { name: string; prepare: () => void; message: RegExp }[] = [
    { name: 'text', prepare: () => writeFileSync(path, 'hello '.repeat(500)), message: /it is not a database/ },
    {
      name: 'foreign database',
      prepare: () => {
        writeFileSync(path, '');
        makeDatabase(path, 'CREATE TABLE kine (id INTEGER PRIMARY KEY)');
      },
      message: /it is the database of another program/,
    },
    {
      name: 'newer schema',
      prepare: () => {
        writeFileSync(path, '');
        makeDatabase(path, 'CREATE TABLE log (x); PRAGMA application_id = 0x6b387473; PRAGMA user_version = 99');
      },
      message: /it was written by a newer version \(schema 99/,
    },
  ];
  for (const { name, prepare, message } of cases) {
    prepare();
    await t.rejects(open(path), { code: 'Unsupported', message }, name);
  }
});

t.test('a file from before claims existed gets their table once, and keeps its content', async (t) => {
  const path = await filled(t);
  makeDatabase(path, 'DROP TABLE claims; PRAGMA user_version = 1');
  const first = await open(path);
  t.same(await first.claims(), []);
  t.equal((await first.range('/k/')).items.length, 500);
  await first.adopt('/k/0', ['port/1'], 1);
  await first.close();
  const second = await open(path);
  t.same(await second.claims(), [{ claim: 'port/1', owner: '/k/0' }], 'claims are kept across processes');
  await t.rejects(second.create('/new', Buffer.from('x'), ['port/1']), { code: 'AlreadyClaimed', owner: '/k/0' });
  await second.close();
});

t.test('a damaged file is refused', async (t) => {
  const path = await filled(t);
  const fd = openSync(path, 'r+');
  for (let page = 3; page < 20; page++) writeSync(fd, Buffer.alloc(2_000, 0x5a), 0, 2_000, page * 4_096 + 8);
  closeSync(fd);
  await t.rejects(open(path), { code: 'Unsupported', message: /it is damaged/ });
});

t.test('a file in use by another process is refused, and can be opened after close', async (t) => {
  const path = join(t.testdir(), 'store.db');
  const first = await open(path);
  await first.create('/a', Buffer.from('1'));
  await t.rejects(open(path), { code: 'Unavailable', message: /another process has it open/ });
  t.equal(await first.create('/b', Buffer.from('2')), 2, 'the refusal does not disturb the first process');
  await first.close();
  const second = await open(path);
  t.equal(await second.revision(), 2);
  await second.close();
});

t.test('only the owner can read the file', async (t) => {
  const path = join(t.testdir(), 'deep', 'store.db');
  const store = await open(path);
  await store.create('/a', Buffer.from('secret'));
  for (const file of [path, `${path}-wal`]) t.equal(statSync(file).mode & 0o077, 0, file);
  t.equal(statSync(join(path, '..')).mode & 0o077, 0);
  await store.close();
});

t.test('compaction returns disk space', async (t) => {
  const path = join(t.testdir(), 'store.db');
  const store = await open(path);
  let revision = await store.create('/registry/leases/a', Buffer.alloc(2_000));
  for (let i = 0; i < 2_000; i++) revision = await store.update('/registry/leases/a', Buffer.alloc(2_000), revision);
  await store.compact(revision);
  await store.close();
  t.ok(statSync(path).size < 200_000, `${statSync(path).size} bytes for one Lease`);
});
