import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import type { Exec, RunResult } from '../exec/exec';
import type { MountEntry } from './mount-table';
import { isRemote, RemoteFileSystems } from './remote';

const entry = (point: string, type: string, device: string): MountEntry => ({
  point,
  type,
  device,
  root: '/',
  options: [],
  source: 'server:/export',
});

class PatientExec implements Exec {
  readonly calls: string[] = [];
  private waiting: PromiseWithResolvers<RunResult>[] = [];
  run(argv: readonly string[]): Promise<RunResult> {
    this.calls.push(argv.join(' '));
    const answer = Promise.withResolvers<RunResult>();
    this.waiting.push(answer);
    return answer.promise;
  }
  answer(stdout: string): void {
    for (const each of this.waiting.splice(0)) each.resolve({ stdout, stderr: '' });
  }
}

function setUp(table: readonly MountEntry[]) {
  const exec = new PatientExec();
  const clock = new FakeClock();
  return { exec, clock, remote: new RemoteFileSystems({ exec, clock, table: async () => table }) };
}

t.test('which file systems a server outside the kernel serves', async (t) => {
  for (const type of ['nfs', 'nfs4', 'cifs', 'ceph', '9p', 'fuse', 'fuse.sshfs', 'fuseblk'])
    t.ok(isRemote({ type }), type);
  for (const type of ['ext4', 'xfs', 'tmpfs', 'overlay', 'fusectl', 'nfsd']) t.notOk(isRemote({ type }), type);
});

t.test('the remote mount of a path, over links and without a look into it', async (t) => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'k8ts-remote-')));
  t.teardown(() => rm(dir, { recursive: true }));
  const at = (path: string) => join(dir, path);
  await mkdir(at('local/deep'), { recursive: true });
  await mkdir(at('export'));
  await symlink('../export/data', at('local/relative'));
  await symlink(at('local/relative'), at('absolute'));
  await symlink('loop', at('loop'));
  const { remote } = setUp([entry('/', '9p', '0:1'), entry(at('export'), 'nfs4', '0:50')]);
  for (const path of ['export', 'export/data/file', 'local/relative/file', 'absolute', 'local/../export/x']) {
    t.equal((await remote.mountOf(at(path)))?.device, '0:50', path);
  }
  for (const path of ['', 'local/deep', 'none/below', 'loop', 'exports']) {
    t.equal(await remote.mountOf(at(path)), undefined, path);
  }
  const hidden = setUp([entry(at('export'), 'nfs4', '0:50'), entry(at('export'), 'ext4', '8:1')]);
  t.equal(await hidden.remote.mountOf(at('export/data')), undefined, 'another file system is mounted on top');
});

t.test('a size is that of stat(1)', async (t) => {
  const nfs = entry('/mnt', 'nfs', '0:50');
  const { remote, exec } = setUp([nfs]);
  const asked = remote.size(nfs);
  exec.answer('4096 100 60 50 1000 900\n');
  const size = { blockBytes: 4096, blocks: 100, freeBlocks: 60, availableBlocks: 50, inodes: 1000, freeInodes: 900 };
  t.same(await asked, size);
  t.same(exec.calls, ['stat --file-system --format=%S %b %f %a %c %d -- /mnt']);
  const odd = remote.size(nfs);
  exec.answer('? 100');
  t.equal(await odd, undefined);
});

t.test(
  'a server that does not answer is asked by one program at a time, and then left alone for a while',
  async (t) => {
    const one = entry('/pods/one', 'nfs', '0:50');
    const two = entry('/pods/two', 'nfs', '0:50');
    const { remote, exec, clock } = setUp([one, two]);
    const both = [remote.size(one), remote.size(two)];
    await clock.armed(5_000);
    clock.advance(5_000);
    t.same(await Promise.all(both), [undefined, undefined]);
    await t.rejects(remote.ensureAnswers('/pods/two/file'), {
      code: 'Unavailable',
      message: 'the file system at /pods/two (nfs, server:/export) does not answer',
    });
    t.equal(exec.calls.length, 1);
    clock.advance(30_000);
    const again = remote.size(one);
    await clock.armed(5_000);
    t.equal(exec.calls.length, 1, 'the first program has not ended');
    exec.answer('4096 100 60 50 1000 900');
    t.ok(await again);
    const next = remote.ensureAnswers('/pods/two');
    while (exec.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    exec.answer('4096 100 60 50 1000 900');
    await next;
  },
);
