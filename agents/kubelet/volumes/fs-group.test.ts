import { chmod, chown, lstat, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openBeneath } from '../../../dataplane/mount/beneath';
import { applyFsGroup, type ChangePolicy, groupMode, rootMismatch } from './fs-group';

t.test('bits are added, none is taken', async (t) => {
  t.equal(groupMode(0o100600, false), 0o660);
  t.equal(groupMode(0o104755, false), 0o4775);
  t.equal(groupMode(0o040700, true), 0o2770);
  t.equal(groupMode(0o041777, true), 0o3777);
  t.equal(rootMismatch({ gid: 7, mode: 0o042775 }, 7), false);
  t.equal(rootMismatch({ gid: 8, mode: 0o042775 }, 7), true);
  t.equal(rootMismatch({ gid: 7, mode: 0o040775 }, 7), true, 'new files would not get the group');
  t.equal(rootMismatch({ gid: 7, mode: 0o042755 }, 7), true);
});

t.test('a whole tree', { skip: process.getuid!() === 0 ? false : 'needs root' }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-fs-group-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const at = (...names: string[]) => join(dir, ...names);
  await mkdir(at('v/a/b'), { recursive: true, mode: 0o700 });
  await writeFile(at('v/a/b/file'), '', { mode: 0o600 });
  await writeFile(at('v/program'), '', { mode: 0o755 });
  await chown(at('v/program'), 55, 0);
  await writeFile(at('outside'), '', { mode: 0o600 });
  await mkdir(at('beside'), { mode: 0o700 });
  await symlink(at('outside'), at('v/link'));
  await symlink(at('beside'), at('v/folder-link'));
  await writeFile(Buffer.concat([Buffer.from(`${at('v')}/`), Buffer.from([0xff, 0x41])]), '', { mode: 0o600 });
  for (let i = 0; i < 40; i++) await writeFile(at('v', `many-${i}`), '', { mode: 0o600 });
  const apply = async (gid: number, policy?: ChangePolicy) => {
    const held = await openBeneath(at('v'), '');
    const { signal } = new AbortController();
    let seen = 0;
    const onFile = () => {
      seen++;
    };
    try {
      const files = await applyFsGroup(held, { gid, signal, onFile, ...(policy ? { policy } : {}) });
      t.equal(seen, files);
      return files;
    } finally {
      await held.close();
    }
  };
  const shown = async (name: string) => {
    const { uid, gid, mode } = await lstat(at(name));
    return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
  };
  t.equal(await apply(4321), 45);
  t.equal(await shown('v'), '0:4321 2770');
  t.equal(await shown('v/a/b'), '0:4321 2770');
  t.equal(await shown('v/a/b/file'), '0:4321 660');
  t.equal(await shown('v/program'), '55:4321 775');
  t.equal(await shown('v/many-39'), '0:4321 660');
  t.equal((await lstat(at('v/link'))).gid, 4321, 'the link itself');
  t.equal(await shown('outside'), '0:0 600', 'not what it leads to');
  t.equal(await shown('beside'), '0:0 700');
  await chmod(at('v/a/b/file'), 0o600);
  t.equal(await apply(4321, 'OnRootMismatch'), 0, 'the root is right, so nothing is looked at');
  t.equal(await shown('v/a/b/file'), '0:4321 600');
  t.equal(await apply(4322, 'OnRootMismatch'), 45);
  t.equal(await shown('v/a/b/file'), '0:4322 660');
  const abort = new AbortController();
  const held = await openBeneath(at('v'), '');
  const work = applyFsGroup(held, { gid: 9, signal: abort.signal, onFile: () => abort.abort(new Error('enough')) });
  await t.rejects(work, { message: 'enough' });
  await held.close();
  t.equal(await shown('v'), '0:4322 2770', 'the root is last');
});
