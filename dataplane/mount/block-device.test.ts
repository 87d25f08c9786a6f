import t from 'tap';
import { type ScriptedCall, ScriptedExec } from '../../test/lib/scripted-exec';
import { formatArguments, mountDevice, parseContent } from './block-device';

t.test('what is on a device', async (t) => {
  t.equal(parseContent('DEVNAME=/dev/x\nTYPE=ext4\n'), 'ext4');
  t.equal(parseContent(''), '');
  t.equal(parseContent('TYPE=ext4\nPTTYPE=gpt\n'), 'unknown data, probably partitions');
  t.throws(() => parseContent('a=b=c'), { message: 'blkid returns invalid output: a=b=c' });
  t.same(formatArguments('ext4', '/dev/x'), ['-F', '-m0', '/dev/x']);
  t.same(formatArguments('xfs', '/dev/x'), ['-f', '/dev/x']);
  t.same(formatArguments('btrfs', '/dev/x'), ['/dev/x']);
});

const blkid = 'blkid -p -s TYPE -s PTTYPE -o export /dev/x';
const mount = 'mount -t ext4 -o OPTIONS -- /dev/x /m';

t.test('only an empty device is formatted; one that is broken is not mounted', async (t) => {
  const run = async (calls: readonly ScriptedCall[], options: readonly string[] = [], fsType = 'ext4') => {
    const exec = new ScriptedExec(calls);
    const { signal } = new AbortController();
    const work = mountDevice(exec, { device: '/dev/x', target: '/m', fsType, options }, signal);
    const failure = await work.then(
      () => undefined,
      (err: Error) => err.message,
    );
    t.same(exec.remaining, []);
    return failure;
  };
  const mounts = { argv: mount.replace('OPTIONS', 'defaults') };
  t.equal(await run([{ argv: blkid, exitCode: 2 }, { argv: 'mkfs.ext4 -F -m0 /dev/x' }, mounts]), undefined);
  const empty = [{ argv: blkid, exitCode: 2 }, { argv: 'mkfs.ext4 -F -m0 /dev/x' }, mounts];
  t.equal(await run(empty, [], ''), undefined, 'an empty type is none: ext4');
  const known = { argv: blkid, stdout: 'TYPE=ext4\n' };
  t.equal(await run([known, { argv: 'fsck -a /dev/x', exitCode: 1 }, mounts]), undefined, 'errors that fsck mended');
  t.match(await run([known, { argv: 'fsck -a /dev/x', exitCode: 4 }]), /could not correct them/);
  t.match(await run([{ argv: blkid, exitCode: 1 }]), /^failed to get disk format of disk \/dev\/x/);
  t.equal(
    await run([known, { argv: mount.replace('OPTIONS', 'ro,defaults') }], ['ro']),
    undefined,
    'read-only: no fsck',
  );
  t.equal(
    await run([{ argv: blkid, exitCode: 2 }], ['ro']),
    'cannot mount unformatted disk /dev/x as we are manipulating it in read-only mode',
  );
});
