// Mounts on the real kernel, below a temporary folder.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
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
