// Project quotas on a file system of the test's own. Where the kernel cannot keep quotas, the answer to the caller says so.
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { ProjectQuotas } from '../../dataplane/quota/project-quotas';
import { skipWithoutKernel } from '../lib/netns';

t.test('the limit of a folder', { skip: skipWithoutKernel() }, async (t) => {
  const exec = new SystemExec();
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-quota-'));
  const [image, mounted] = [join(dir, 'image'), join(dir, 'mounted')];
  await mkdir(mounted);
  await exec.run(['truncate', '-s', '64M', image]);
  await exec.run(['mkfs.ext4', '-q', '-O', 'project,quota', '-E', 'quotatype=prjquota', image]);
  const mount = (options: string) => exec.run(['mount', '-o', `loop,${options}`, image, mounted]);
  const keepsQuotas = await mount('prjquota').then(
    () => true,
    () => false,
  );
  if (!keepsQuotas) {
    // A kernel without support for quotas refuses such a file system.
    await exec.run(['mkfs.ext4', '-q', '-F', image]);
    await mount('rw');
  }
  t.teardown(async () => {
    await exec.run(['umount', mounted]);
    await rm(dir, { recursive: true });
  });
  const quotas = new ProjectQuotas();
  const folder = join(mounted, 'pvc-1');
  await mkdir(folder);
  t.equal(await quotas.limitNew(folder, 4 * 2 ** 20), keepsQuotas);
  const write = (name: string, megabytes: number) => writeFile(join(folder, name), Buffer.alloc(megabytes * 2 ** 20));
  if (keepsQuotas) {
    await write('fits', 3);
    await t.rejects(write('large', 3), /EDQUOT|ENOSPC/);
    const size = await statfs(folder);
    t.equal(size.blocks * size.bsize, 4 * 2 ** 20, 'pods see the limit as the size');
    t.equal(await quotas.change(folder, 16 * 2 ** 20), true);
    await write('large', 3);
  } else {
    t.equal(await quotas.change(folder, 16 * 2 ** 20), false);
    await write('large', 6);
  }
  await quotas.release(folder);
  await rm(folder, { recursive: true });
  await quotas.release(folder);
  await t.rejects(quotas.limitNew(folder, 1), { code: 'NotFound' });
  t.equal(await quotas.limitNew('/proc/self', 1), false, 'a file system that has no projects');
});
