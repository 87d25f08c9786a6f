import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readIfThere, writePrivate } from './files';

t.test('a file is private, and readers see the complete text', async (t) => {
  const path = join(t.testdir(), 'a', 'b.conf');
  t.equal(await readIfThere(path), undefined);
  await writePrivate(path, 'one');
  t.equal((await stat(path)).mode & 0o777, 0o600);
  t.equal((await stat(join(path, '..'))).mode & 0o777, 0o700);
  await writePrivate(path, 'two');
  t.equal(await readIfThere(path), 'two');
  await mkdir(join(path, '..', 'taken'));
  await t.rejects(writePrivate(join(path, '..', 'taken'), 'x'), 'a directory is not a file');
});

t.test(
  'a file of another owner keeps its owner',
  { skip: process.getuid?.() === 0 ? false : 'needs root' },
  async (t) => {
    const path = join(t.testdir(), 'dns.conf');
    await writeFile(path, 'old', { mode: 0o644 });
    await chown(path, 12_345, 12_346);
    await writePrivate(path, 'new');
    const { uid, gid, mode } = await stat(path);
    t.strictSame([uid, gid, mode & 0o777], [12_345, 12_346, 0o600]);
    t.equal(await readFile(path, 'utf8'), 'new');
  },
);
