// Troubles of the disk below an open store. A full file system: test/kernel/store-disk.test.ts.
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { silentLogger } from '../../base/logger';
import { FileKeeper, lookMs } from './file-keeper';
import { SqliteStore } from './sqlite-store';

const value = Buffer.from('x');

/** A logger that keeps its lines. */
function recorder() {
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  return { lines, log: { ...silentLogger, error: note, info: note, warn: note } };
}

t.test('a keeper says each trouble once, and tries until it is over', async (t) => {
  const path = join(t.testdir({ db: '', 'db-wal': '' }), 'db');
  const clock = new FakeClock();
  const { lines, log } = recorder();
  let tries = 0;
  let tried: () => void = () => {};
  const keeper: FileKeeper = new FileKeeper({
    path,
    clock,
    log,
    tryWrite: async () => {
      tries++;
      if (tries === 2) keeper.writeWorked();
      else keeper.writeFailed({ errcode: 13 }, false);
      tried();
    },
  });
  await keeper.start();
  t.equal(keeper.problem(), undefined);
  for (let i = 0; i < 3; i++) keeper.writeFailed({ errcode: 13 }, false);
  t.equal(keeper.problem(), 'the disk is full');
  for (const problem of ['the disk is full', undefined]) {
    const next = new Promise<void>((resolve) => {
      tried = resolve;
    });
    await clock.armed(lookMs);
    clock.advance(lookMs);
    await next;
    t.equal(keeper.problem(), problem);
  }
  t.same(lines, ['the store refuses writes', 'the store takes writes again']);
  const texts = [
    { errcode: 8 },
    { errcode: 1032 },
    { code: 'EROFS' },
    { code: 'ENOSPC' },
    { errcode: 778 },
    new Error('any'),
  ].map((error) => {
    keeper.writeFailed(error, false);
    return keeper.problem();
  });
  const readOnly = 'the file or its file system is read-only';
  t.same(texts, [
    readOnly,
    readOnly,
    readOnly,
    'the disk is full',
    'the disk reports errors',
    'the disk reports errors',
  ]);
  await keeper.close();
});

t.test('a failed sync ends the store; the next start has every acknowledged write', async (t) => {
  const path = join(t.testdir(), 'store.db');
  const { lines, log } = recorder();
  let fails = false;
  const sync = async () => {
    if (fails) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  };
  const options = { erases: false, log, clock: new FakeClock() };
  const store = await SqliteStore.open(path, { ...options, sync });
  await store.create('/a', value);
  fails = true;
  await t.rejects(store.create('/b', value), { code: 'Unavailable', message: /could not be made durable/ });
  t.ok(store.ended.aborted);
  t.equal(store.problem(), 'a write could not be made durable');
  fails = false;
  await t.rejects(store.create('/c', value), { code: 'Unavailable' });
  await t.rejects(store.get('/a'), { code: 'Unavailable' }, 'what the disk has is unknown');
  t.same(lines, ['the store ends: a write could not be made durable']);
  await store.close();
  // The lock of the first connection ends with its process.
  const again = `${path}.again`;
  copyFileSync(path, again);
  copyFileSync(`${path}-wal`, `${again}-wal`);
  const next = await SqliteStore.open(again, options);
  t.match(await next.get('/a'), { modRevision: 1 });
  t.equal(await next.revision(), 2, 'the write without an answer may be there');
  await next.close();
});

t.test(
  'a sync that fails once: writes that waited meanwhile are refused, and nothing of the failed group is seen',
  async (t) => {
    const path = join(t.testdir(), 'state.db');
    const syncs: PromiseWithResolvers<void>[] = [];
    let isHeld = false;
    let held = Promise.withResolvers<void>();
    const sync = async () => {
      if (!isHeld) return;
      const next = Promise.withResolvers<void>();
      syncs.push(next);
      held.resolve();
      held = Promise.withResolvers();
      await next.promise;
    };
    const store = await SqliteStore.open(path, { erases: false, log: recorder().log, clock: new FakeClock(), sync });
    await store.create('/a', Buffer.from('1'));
    isHeld = true;
    const begun = held.promise;
    const first = store.update('/a', Buffer.from('2'), 1);
    await begun;
    const second = store.create('/b', Buffer.from('1'));
    isHeld = false;
    syncs[0]!.reject(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
    await t.rejects(first, { code: 'Unavailable' });
    await t.rejects(second, { code: 'Unavailable' });
    t.equal(await store.revision(), 1);
    t.equal(store.ended.aborted, true);
    await store.close();
  },
);

/** Opens a store whose file the test takes away, and lets the keeper look. */
async function openLab(t: Test) {
  const dir = t.testdir();
  const path = join(dir, 'store.db');
  const clock = new FakeClock();
  const { lines, log } = recorder();
  const store = await SqliteStore.open(path, { erases: false, log, clock });
  t.teardown(() => store.close());
  await store.create('/a', value);
  const until = async (problem: string | undefined) => {
    while (store.problem() !== problem) {
      clock.advance(lookMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { dir, path, store, lines, until };
}

t.test(
  'a file that is removed: no write is acknowledged, reads and a copy have all, and it can come back',
  async (t) => {
    const { dir, path, store, lines, until } = await openLab(t);
    renameSync(path, `${path}.away`);
    await until('its file was removed or replaced');
    await t.rejects(store.create('/b', value), { code: 'Unavailable', message: /removed or replaced/ });
    t.match(await store.get('/a'), { modRevision: 1 });
    const copy = join(dir, 'copy.db');
    writeFileSync(copy, '');
    await store.files.copyTo(copy);
    const copied = await SqliteStore.open(copy, { erases: false, log: silentLogger, clock: new FakeClock() });
    t.match(await copied.get('/a'), { modRevision: 1 });
    await copied.close();
    renameSync(`${path}.away`, path);
    await until(undefined);
    t.equal(await store.create('/b', value), 2);
    t.equal(lines.length, 2);
  },
);

t.test('a file that is replaced, and a log that is removed', async (t) => {
  const first = await openLab(t);
  renameSync(first.path, `${first.path}.away`);
  writeFileSync(first.path, '');
  await first.until('its file was removed or replaced');
  const second = await openLab(t);
  rmSync(`${second.path}-wal`);
  await second.until('its file was removed or replaced');
  await t.rejects(second.store.create('/b', value), { code: 'Unavailable' });
});
