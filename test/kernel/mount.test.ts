// Mounts on a real kernel, in a temporary folder.
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { openBeneath } from '../../dataplane/mount/beneath';
import { mountPoints, SystemMounts } from '../../dataplane/mount/system-mounts';
import { skipWithoutKernel } from '../lib/netns';

t.test('tmpfs', { skip: skipWithoutKernel() }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts mounts-'));
  const mounts = new SystemMounts();
  t.teardown(async () => {
    await mounts.detachBelow(dir);
    await rm(dir, { recursive: true });
  });
  const ours = async () =>
    mountPoints(await readFile('/proc/self/mounts', 'utf8')).filter((point) => point.startsWith(dir));
  const path = join(dir, 'a b/volume');
  await mkdir(path, { recursive: true });
  await mounts.ensureTmpfs(path, { mode: 0o750, sizeBytes: 65536 });
  t.equal((await stat(path)).mode & 0o7777, 0o750);
  await writeFile(join(path, 'secret'), 'text');
  await mounts.ensureTmpfs(path, { mode: 0o750 });
  t.same(await ours(), [path], 'mounted once');
  t.equal(await readFile(join(path, 'secret'), 'utf8'), 'text');
  await t.rejects(writeFile(join(path, 'large'), Buffer.alloc(200_000)), { code: 'ENOSPC' });
  await mkdir(join(path, 'inner'));
  await mounts.ensureTmpfs(join(path, 'inner'), { mode: 0o755 }).catch(() => {});
  await mounts.detachBelow(dir);
  t.same(await ours(), []);
  t.same(await readdir(path), [], 'nothing was written to the disk');
  await mounts.detachBelow(dir);
  await t.rejects(mounts.ensureTmpfs(join(dir, 'none'), { mode: 0o755 }), { code: 'NotFound' });
});

t.test('huge pages, and a bind with options of its own', { skip: skipWithoutKernel() }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-options-'));
  const mounts = new SystemMounts();
  t.teardown(async () => {
    await mounts.detachBelow(dir);
    await rm(dir, { recursive: true });
  });
  const at = (...names: string[]) => join(dir, ...names);
  for (const name of ['huge', 'other', 'source', 'shown']) await mkdir(at(name));
  await mounts.ensureHugePages(at('huge'), { mode: 0o777, pageBytes: 2 ** 21 });
  t.match(await mounts.at(at('huge')), { type: 'hugetlbfs' });
  t.equal((await stat(at('huge'))).mode & 0o7777, 0o777);
  await t.rejects(mounts.ensureHugePages(at('other'), { mode: 0o777, pageBytes: 4096 * 3 }), { code: 'BadRequest' });
  await mounts.ensureTmpfs(at('source'), { mode: 0o755 });
  await writeFile(at('source/file'), 'text');
  const held = await openBeneath(at('source'), '');
  t.teardown(() => held.close());
  await mounts.ensureBind(held, at('shown'), []);
  await mounts.ensureBind(held, at('shown'), ['ro', 'noexec']);
  await mounts.ensureBind(held, at('shown'), ['ro']);
  t.equal((await mounts.table()).filter(({ point }) => point === at('shown')).length, 1, 'mounted once');
  t.same((await mounts.at(at('shown')))?.options, ['ro', 'nosuid', 'nodev', 'noexec', 'relatime'], 'what it had stays');
  t.equal(await readFile(at('shown/file'), 'utf8'), 'text');
  await t.rejects(writeFile(at('shown/new'), ''), { code: 'EROFS' });
  await writeFile(at('source/new'), '');
  t.equal(await mounts.at(at('none/below')), undefined);
});

t.test('layers of an image', { skip: skipWithoutKernel() }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-layers-'));
  const mounts = new SystemMounts();
  t.teardown(async () => {
    await mounts.detachBelow(dir);
    await rm(dir, { recursive: true });
  });
  const layer = async (name: string, files: Record<string, string>) => {
    await mkdir(join(dir, name));
    for (const [file, text] of Object.entries(files)) await writeFile(join(dir, name, file), text, { mode: 0o755 });
    return join(dir, name);
  };
  const top = await layer('top', { both: 'top' });
  const low = await layer('low:er', { both: 'low', program: '#!/bin/sh\n' });
  const shown = await layer('volume', {});
  await mounts.ensureLayers(shown, [top, low]);
  t.equal(await readFile(join(shown, 'both'), 'utf8'), 'top');
  await mounts.ensureLayers(shown, [low]);
  t.equal(await readFile(join(shown, 'both'), 'utf8'), 'top', 'mounted once');
  await t.rejects(writeFile(join(shown, 'new'), ''), { code: 'EROFS' });
  await t.rejects(new SystemExec().run([join(shown, 'program')]), { cause: { code: 'EACCES' } });
  const single = await layer('single', {});
  await mounts.ensureLayers(single, [low]);
  t.same(await readdir(single), ['both', 'program'], 'an image of one layer');
  const many = await layer('many', {});
  const tooMany = Array.from({ length: 100 }, (_, i) => `${top}/${'x'.repeat(40)}${i}`);
  await t.rejects(mounts.ensureLayers(many, tooMany), { code: 'BadRequest' });
  await mounts.detachBelow(dir);
  t.same(await readdir(shown), [], 'the layers themselves stay as they are');
  t.same(await readdir(low), ['both', 'program']);
});

t.test(
  'a held file or folder is bound, not the one that has its name now',
  { skip: skipWithoutKernel() },
  async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'k8ts-bind-'));
    const mounts = new SystemMounts();
    t.teardown(async () => {
      await mounts.detachBelow(dir);
      await rm(dir, { recursive: true });
    });
    const at = (...names: string[]) => join(dir, ...names);
    await mkdir(at('volume/sub'), { recursive: true });
    await mkdir(at('host'));
    await writeFile(at('volume/sub/which'), 'inside');
    await writeFile(at('volume/file'), 'inside');
    await writeFile(at('host/which'), 'outside');
    await mkdir(at('folder place'));
    await writeFile(at('file place'), '');
    const folder = await openBeneath(at('volume'), 'sub');
    const file = await openBeneath(at('volume'), 'file');
    await rename(at('volume/sub'), at('volume/kept'));
    await symlink(at('host'), at('volume/sub'));
    await rename(at('volume/file'), at('volume/other'));
    await symlink(at('host/which'), at('volume/file'));
    await mounts.bind(folder, at('folder place'));
    await mounts.bind(file, at('file place'));
    for (const handle of [folder, file]) await handle.close();
    t.equal(await readFile(at('folder place/which'), 'utf8'), 'inside');
    t.equal(await readFile(at('file place'), 'utf8'), 'inside');
    await t.rejects(rmdir(at('folder place')), { code: 'EBUSY' }, 'a mount point in use is not deleted');
    await t.rejects(unlink(at('file place')), { code: 'EBUSY' });
    const again = await openBeneath(at('host'), '');
    await mounts.bind(again, at('folder place'));
    await again.close();
    await mounts.detach(at('folder place'));
    t.same(await readdir(at('folder place')), [], 'both layers are removed');
    await mounts.detach(at('folder place'));
    await mounts.detach(at('none'));
    await symlink(dir, `${dir}-link`);
    t.teardown(() => unlink(`${dir}-link`));
    await mounts.detachBelow(`${dir}-link`);
    t.equal(await readFile(at('file place'), 'utf8'), '', 'found through a link to the folder');
    await mounts.detachBelow(at('none'));
  },
);

t.test('a folder whose mounts other namespaces share', { skip: skipWithoutKernel() }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-shared-'));
  const mounts = new SystemMounts();
  t.teardown(async () => {
    await mounts.detachBelow(dir);
    await rm(dir, { recursive: true });
  });
  const root = join(dir, 'root');
  await mkdir(join(root, 'before'), { recursive: true });
  await mkdir(join(root, 'after'));
  // The host's own mount may be a shared one already: this one is not.
  await mounts.ensureTmpfs(root, { mode: 0o755 });
  const exec = new SystemExec();
  await exec.run(['mount', '--make-rprivate', root]);
  await mkdir(join(root, 'kubelet/before'), { recursive: true });
  await mkdir(join(root, 'kubelet/after'));
  await mounts.ensureTmpfs(join(root, 'kubelet/before'), { mode: 0o755 });
  await writeFile(join(root, 'kubelet/before/file'), 'kept');
  await t.rejects(mounts.ensureShared(join(root, 'kubelet')), { code: 'Conflict' });
  t.equal(await readFile(join(root, 'kubelet/before/file'), 'utf8'), 'kept');
  await mounts.detachBelow(join(root, 'kubelet'));
  t.equal(await mounts.at(join(root, 'kubelet/before')), undefined, 'nothing was hidden');
  await mounts.ensureShared(join(root, 'kubelet'));
  const count = (await mounts.table()).length;
  await mounts.ensureShared(join(root, 'kubelet'));
  t.equal((await mounts.table()).length, count, 'mounted once');
  // As a driver in a container: in a mount namespace of its own, below a folder with propagation in both directions.
  const after = join(root, 'kubelet/after');
  await exec.run(['unshare', '--mount', '--propagation', 'unchanged', 'mount', '-t', 'tmpfs', 'driver', after]);
  t.match(await mounts.at(after), { type: 'tmpfs', source: 'driver' });
  await exec.run(['unshare', '--mount', '--propagation', 'unchanged', 'umount', after]);
  t.equal(await mounts.at(after), undefined);
});
