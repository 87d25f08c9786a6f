import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import { pod } from '../spec/pod.fixture';
import { writeAtomically } from './atomic-writer';
import type { Payload } from './payload';
import { ensureHostPath } from './plugins/host-path';
import { podReferences } from './references';
import { removeTree } from './remove-tree';

const text = (of: Record<string, string>): Payload =>
  new Map(Object.entries(of).map(([path, data]) => [path, { data: Buffer.from(data), mode: 0o640 }]));

t.test('files change all at once', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-volume-'));
  t.teardown(() => rm(dir, { recursive: true }));
  t.equal(await writeAtomically(dir, text({ a: '1', 'd/b': '2' })), true);
  t.equal(await writeAtomically(dir, text({ a: '1', 'd/b': '2' })), false, 'the same again changes nothing');
  const first = await readlink(join(dir, '..data'));
  t.equal(await readFile(join(dir, 'd/b'), 'utf8'), '2');
  t.equal((await stat(join(dir, 'a'))).mode & 0o777, 0o640);
  t.equal((await lstat(join(dir, 'a'))).isSymbolicLink(), true);
  t.equal(await writeAtomically(dir, text({ a: '3' })), true);
  t.equal(await readFile(join(dir, 'a'), 'utf8'), '3');
  t.not(await readlink(join(dir, '..data')), first);
  t.same(
    (await readdir(dir)).filter((name) => !name.startsWith('..')),
    ['a'],
  );
  t.notOk((await readdir(dir)).includes(first), 'the old folder is gone');
  await truncate(join(dir, '..data', 'a'), 2 ** 40);
  t.equal(await writeAtomically(dir, text({ a: '3' })), true, 'a file of another size is replaced without reading it');
  await chmod(join(dir, '..data', 'a'), 0o600);
  t.equal(await writeAtomically(dir, text({ a: '3' })), true, 'a mode that was changed is put right');
  await mkdir(join(dir, 'later'));
  t.equal(await writeAtomically(dir, text({ a: '4' })), true, 'a folder that a subPath has left is no obstacle');
  t.equal(await writeAtomically(dir, text({ a: '4', later: '5' })), true);
  t.equal(await readFile(join(dir, 'later'), 'utf8'), '5');
  const shownBefore = await readlink(join(dir, '..data'));
  for (const path of [
    '../x',
    '/x',
    '',
    '..data/x',
    './..data/x',
    '..data_tmp',
    'a/../../x',
    'a/../..data/x',
    'a/..',
    'a\0b',
  ]) {
    await t.rejects(writeAtomically(dir, text({ ok: '', [path]: '' })), { code: 'BadRequest' }, path);
  }
  t.equal(await readlink(join(dir, '..data')), shownBefore, 'and nothing was written');
  t.equal(await writeAtomically(dir, text({ 'd/..x': '1', './a': '2' })), true);
  t.equal(await readFile(join(dir, 'd/..x'), 'utf8'), '1');
  const before = (await readdir(dir)).sort();
  await t.rejects(writeAtomically(dir, text({ a: '1', 'a/b': '2' })), 'one path is a file and a folder');
  t.same((await readdir(dir)).sort(), before, 'the unfinished folder is removed');
});

t.test('folders nested deeper than the longest path are removed', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-volume-'));
  const levels = Array(15).fill('d'.repeat(200)).join('/');
  // No call accepts such a long path, so the lower half is created elsewhere and moved below the upper half.
  for (const half of ['upper', 'lower']) await mkdir(join(dir, half, levels), { recursive: true });
  await rename(join(dir, 'lower'), join(dir, 'upper', levels, 'lower'));
  await removeTree(dir);
  await t.rejects(stat(dir), { code: 'ENOENT' });
  await removeTree(dir);
});

t.test('hostPath types', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-hostpath-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const file = join(dir, 'file');
  await writeFile(file, '');
  await ensureHostPath(dir, 'Directory');
  await ensureHostPath(file, 'File');
  await ensureHostPath(join(dir, 'made/deep'), 'DirectoryOrCreate');
  await ensureHostPath(join(dir, 'fresh'), 'FileOrCreate');
  t.ok((await stat(join(dir, 'fresh'))).isFile());
  t.ok((await stat(join(dir, 'made/deep'))).isDirectory());
  await t.rejects(ensureHostPath(file, 'Directory'), {
    message: `hostPath type check failed: ${file} is not a directory`,
  });
  await t.rejects(ensureHostPath(join(dir, 'none'), 'Socket'), { code: 'NotFound' });
  await new SystemExec().run(['mkfifo', join(dir, 'fifo')]);
  await t.rejects(ensureHostPath(join(dir, 'fifo'), 'FileOrCreate'), { message: /is not a file$/ }, 'nor waited for');
  await symlink(join(dir, 'nowhere'), join(dir, 'dangling'));
  await t.rejects(ensureHostPath(join(dir, 'dangling'), 'FileOrCreate'), { message: /is not a file$/ });
});

t.test('references of a pod', async (t) => {
  const of = pod({
    imagePullSecrets: [{ name: 'pull' }],
    volumes: [
      { name: 'a', configMap: { name: 'c1' } },
      { name: 'b', projected: { sources: [{ secret: { name: 's1' } }, { configMap: { name: 'c2' } }] } },
      { name: 'c', secret: { secretName: 's3' } },
      { name: 'd', emptyDir: {} },
    ],
    initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 's2' } }] }],
    containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c1', key: 'k' } } }] }],
    ephemeralContainers: [{ name: 'e', envFrom: [{ configMapRef: { name: 'c3' } }] }],
  });
  t.same(podReferences(of), { configMaps: ['c1', 'c2', 'c3'], secrets: ['s1', 's3', 's2', 'pull'] });
});
