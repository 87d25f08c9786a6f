// A file system whose server never answers: one of FUSE, whose program reads nothing.
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../controlplane/base/clock';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { libc } from '../../dataplane/libc/libc';
import { RemoteFileSystems } from '../../dataplane/mount/remote';
import { SystemMounts } from '../../dataplane/mount/system-mounts';
import { skipWithoutKernel } from '../lib/netns';

const skip = skipWithoutKernel();

t.test('a server that never answers holds no thread of this process', { skip }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-silent-'));
  const device = await open('/dev/fuse', constants.O_RDWR).catch(() => undefined);
  if (!device) {
    t.pass('no FUSE on this machine');
    return;
  }
  const mounts = new SystemMounts();
  t.teardown(async () => {
    await device.close();
    await mounts.detachBelow(dir);
    await rm(dir, { recursive: true });
  });
  const points = ['one', 'two', 'three', 'four', 'five'].map((name) => join(dir, name));
  for (const point of points) await mkdir(point);
  const [first = ''] = points;
  t.equal(
    libc().mount('silent', first, 'fuse.silent', 0, `fd=${device.fd},rootmode=40000,user_id=0,group_id=0`),
    0,
    'mounted',
  );
  const remote = new RemoteFileSystems({ exec: new SystemExec(), clock: systemClock, table: () => mounts.table() });
  const mount = await remote.mountOf(join(first, 'data'));
  t.match(mount, { point: first, type: 'fuse.silent' });
  const sizes = Promise.all(points.map(() => remote.size(mount!)));
  t.ok((await stat(dir)).isDirectory(), 'files of other file systems can be used meanwhile');
  t.same(await sizes, Array(5).fill(undefined));
  await t.rejects(remote.ensureAnswers(join(first, 'data')), { code: 'Unavailable' });
  await mounts.detachBelow(dir);
  t.equal(await remote.mountOf(first), undefined);
  t.same(await readdir(first), [], 'the folder below it');
});
