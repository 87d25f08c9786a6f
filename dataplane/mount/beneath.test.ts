import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { openBeneath, pathOfHeld } from './beneath';

/** DIR/volume, and DIR/host next to it, which no path may reach. */
async function setUp(t: Tap) {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'k8ts-beneath-')));
  t.teardown(() => rm(dir, { recursive: true }));
  const root = join(dir, 'volume');
  const host = join(dir, 'host');
  await mkdir(join(root, 'a/b'), { recursive: true });
  await mkdir(join(host, 'inner'), { recursive: true });
  await writeFile(join(root, 'a/b/file'), 'inside');
  await writeFile(join(host, 'file'), 'outside');
  /** Where a path leads below DIR, as the kernel resolves it. */
  const reached = async (path: string, createMode?: number) => {
    const handle = await openBeneath(root, path, createMode === undefined ? {} : { createMode });
    try {
      return relative(dir, await readlink(pathOfHeld(handle)));
    } finally {
      await handle.close();
    }
  };
  return { root, host, reached };
}
type Tap = Pick<typeof t, 'teardown'>;

t.test('paths without links', async (t) => {
  const { root, reached } = await setUp(t);
  t.equal(await reached(''), 'volume');
  t.equal(await reached('a/b'), 'volume/a/b');
  t.equal(await reached('./a//b/./file'), 'volume/a/b/file');
  await t.rejects(reached('a/none'), { code: 'NotFound' });
  await t.rejects(reached('a/b/file/x'), { code: 'BadRequest' });
  await t.rejects(reached('..'), { code: 'Forbidden' });
  await t.rejects(reached('a/../../host'), { code: 'Forbidden' });
  await t.rejects(reached('a\0b'), { code: 'BadRequest' });
  await t.rejects(reached(`a/${'x'.repeat(256)}`), { code: 'NotFound' });
  await mkdir(join(root, Array(300).fill('d').join('/')), { recursive: true });
  await t.rejects(reached(Array(300).fill('d').join('/')), { code: 'BadRequest' });
});

t.test('links are followed inside the root, never out of the root', async (t) => {
  const { root, host, reached } = await setUp(t);
  const lay = (target: string, name: string) => symlink(target, join(root, name));
  // As a ConfigMap's volume is laid out.
  await mkdir(join(root, '..2026_01_01'));
  await writeFile(join(root, '..2026_01_01/key'), '');
  await lay('..2026_01_01', '..data');
  await lay('..data/key', 'key');
  t.equal(await reached('..data/key'), 'volume/..2026_01_01/key');
  t.equal(await reached('key'), 'volume/..2026_01_01/key');
  await lay('b/../b', 'a/again');
  t.equal(await reached('a/again/file'), 'volume/a/b/file');
  await lay(join(root, 'a'), 'absolute');
  t.equal(await reached('absolute/b'), 'volume/a/b');
  const out: Record<string, string> = {
    folder: host,
    file: join(host, 'file'),
    relative: '../host',
    deep: 'a/b/../../../host',
    sibling: `${root}-other`,
    top: '/',
    proc: '/proc/self/root',
    chained: 'folder/inner',
  };
  for (const [name, target] of Object.entries(out)) {
    await lay(target, name);
    await t.rejects(reached(name), { code: 'Forbidden' }, name);
    await t.rejects(reached(`${name}/x`, 0o777), { code: 'Forbidden' }, name);
  }
  await lay('circle', 'circle');
  await t.rejects(reached('circle'), { code: 'BadRequest' });
  await lay('dangling-target', 'dangling');
  await t.rejects(reached('dangling', 0o777), { code: 'NotFound' }, 'nothing is created through a link');
  await symlink(Buffer.from([0xff, 0x41]), join(root, 'bytes'));
  await t.rejects(reached('bytes'), { code: 'BadRequest' });
});

t.test('missing folders are created only inside, with the given mode', async (t) => {
  const { root, host, reached } = await setUp(t);
  t.equal(await reached('new/deep/er', 0o2775), 'volume/new/deep/er');
  for (const path of ['new', 'new/deep', 'new/deep/er']) {
    t.equal((await stat(join(root, path))).mode & 0o7777, 0o2775, path);
  }
  const mode = (await stat(join(root, 'a'))).mode;
  t.equal(await reached('a/c', 0o700), 'volume/a/c');
  t.equal((await stat(join(root, 'a'))).mode, mode, 'existing folders keep their mode');
  await symlink(host, join(root, 'link'));
  await t.rejects(reached('link/new/folder', 0o777), { code: 'Forbidden' });
  t.same(await readdir(host), ['file', 'inner'], 'nothing was created outside');
  await symlink('a', join(root, 'in'));
  t.equal(await reached('in/d/e', 0o777), 'volume/a/d/e');
  const both = await Promise.all([reached('same/path/x', 0o777), reached('same/path/y', 0o777)]);
  t.same(both, ['volume/same/path/x', 'volume/same/path/y'], 'two at the same time');
});

t.test('an open handle stays on the same file, whatever happens to its name', async (t) => {
  const { root, host } = await setUp(t);
  await link(join(root, 'a/b/file'), join(root, 'other'));
  const handle = await openBeneath(root, 'other');
  await rm(join(root, 'other'));
  await symlink(join(host, 'file'), join(root, 'other'));
  t.equal(await readFile(pathOfHeld(handle), 'utf8'), 'inside');
  await handle.close();
});

/** Swaps VOLUME/sub between a folder and a link out of the volume, as fast as it can, until the test ends it. */
const swapper = `
  const { renameSync, symlinkSync, unlinkSync, rmdirSync } = require('node:fs');
  const { workerData: { root, host } } = require('node:worker_threads');
  const quietly = (fn) => { try { fn(); } catch {} };
  for (;;) {
    quietly(() => renameSync(root + '/sub', root + '/kept'));
    quietly(() => symlinkSync(host, root + '/sub'));
    quietly(() => unlinkSync(root + '/sub'));
    quietly(() => renameSync(root + '/kept', root + '/sub'));
    quietly(() => rmdirSync(root + '/new'));
    quietly(() => symlinkSync(host, root + '/new'));
    quietly(() => unlinkSync(root + '/new'));
  }`;

t.test('a process that swaps folder and link moves no open out of the volume', async (t) => {
  const { root, host } = await setUp(t);
  await mkdir(join(root, 'sub/inner'), { recursive: true });
  const mode = (await stat(host)).mode;
  const outside = new Set([(await stat(host)).ino, (await stat(join(host, 'inner'))).ino]);
  const worker = new Worker(swapper, { eval: true, workerData: { root, host } });
  t.teardown(() => worker.terminate());
  const counts = { opened: 0, refused: 0 };
  let escapes = 0;
  for (let i = 0; i < 3000; i++) {
    try {
      const handle = await openBeneath(root, i % 2 === 0 ? 'sub/inner' : 'new', { createMode: 0o777 });
      if (outside.has((await handle.stat()).ino)) escapes++;
      counts.opened++;
      await handle.close();
    } catch {
      counts.refused++;
    }
  }
  t.equal(escapes, 0);
  t.ok(counts.opened > 0 && counts.refused > 0, `both results occurred: ${JSON.stringify(counts)}`);
  t.same(await readdir(host), ['file', 'inner'], 'nothing was created in the host folder');
  t.equal((await stat(host)).mode, mode, 'the host folder keeps its mode');
});
