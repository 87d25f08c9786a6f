import { link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { logUse } from './container-places';
import { countTree, DiskUsage } from './disk-usage';
import { FileSystems, sourceOf } from './file-systems';
import { parseNetDev } from './network';
import { findListener, listenersAt, parseProcessStat } from './process-sample';

t.test('a tree: files with two names count once, folders are inodes too', async (t) => {
  const dir = t.testdir({ a: { file: 'x'.repeat(10_000) }, b: {} });
  await link(join(dir, 'a/file'), join(dir, 'b/again'));
  const use = await countTree(dir);
  t.equal(use?.inodes, 4);
  t.ok(use!.bytes >= 10_000 && use!.bytes < 40_000, `${use!.bytes}`);
  t.equal(await countTree(join(dir, 'missing')), undefined);
});

t.test('a count is kept, and shared while it runs', async (t) => {
  const clock = new FakeClock(0);
  let counts = 0;
  const gate = Promise.withResolvers<void>();
  const disk = new DiskUsage(clock, async () => {
    counts++;
    await gate.promise;
    return { bytes: counts, inodes: 1 };
  });
  const both = [disk.of('/a'), disk.of('/a')];
  gate.resolve();
  t.same(await Promise.all(both), [
    { bytes: 1, inodes: 1 },
    { bytes: 1, inodes: 1 },
  ]);
  clock.advance(59_000);
  t.same(await disk.of('/a'), { bytes: 1, inodes: 1 });
  clock.advance(2_000);
  t.same(await disk.of('/a'), { bytes: 2, inodes: 1 });
  disk.keepOnly(new Set());
  t.same(await disk.of('/a'), { bytes: 3, inodes: 1 });
});

t.test('a count that takes long: the caller gets the last one, and the next count is later', async (t) => {
  const clock = new FakeClock(0);
  let gate = Promise.withResolvers<void>();
  let bytes = 1;
  const disk = new DiskUsage(clock, async () => {
    await gate.promise;
    return { bytes, inodes: 1 };
  });
  const first = disk.of('/a');
  await new Promise(setImmediate);
  clock.advance(6_000);
  t.equal(await first, undefined);
  clock.advance(4_000);
  gate.resolve();
  await new Promise(setImmediate);
  t.match(await disk.of('/a'), { bytes: 1 });
  bytes = 2;
  gate = Promise.withResolvers<void>();
  clock.advance(99_000);
  t.match(await disk.of('/a'), { bytes: 1 }, 'it took ten seconds, so it is kept for a hundred');
  clock.advance(2_000);
  const stale = disk.of('/a');
  await new Promise(setImmediate);
  clock.advance(6_000);
  t.match(await stale, { bytes: 1 });
  gate.resolve();
});

t.test('a log with its rotated files', async (t) => {
  const dir = t.testdir();
  await mkdir(join(dir, 'other'));
  for (const name of ['log', 'log.1', 'log.2.gz', 'log.4']) await writeFile(join(dir, name), 'x');
  t.equal((await logUse(join(dir, 'log')))?.inodes, 3, 'up to the first number that is missing');
  t.equal(await logUse(join(dir, 'missing')), undefined);
});

t.test('interfaces of a network', async (t) => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9',
    '  eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0',
    'veth0a: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0',
  ].join('\n');
  t.same(parseNetDev(text), [
    {
      name: 'eth0',
      rxBytes: 1,
      rxPackets: 2,
      rxErrors: 3,
      rxDropped: 4,
      txBytes: 5,
      txPackets: 6,
      txErrors: 7,
      txDropped: 8,
    },
  ]);
});

t.test('a file system, and what is mounted from a device', async (t) => {
  const size = await new FileSystems().of('/');
  t.ok(size && size.capacityBytes >= size.usedBytes && size.inodes >= size.inodesFree);
  t.equal(await new FileSystems().of('/no/such/path'), undefined);
  t.equal(sourceOf('22 1 254:1 / / rw - ext4 /dev/vda1 rw\n', '254:1'), '/dev/vda1');
  t.equal(sourceOf('', '254:1'), '');
});

t.test('one process', async (t) => {
  const fields = ['S', 1, 1, 1, 0, -1, 0, 10, 0, 3, 0, 200, 100, 0, 0, 20, 0, 7, 0, 5000, 999, 25];
  const { sample, startedAtMs } = parseProcessStat(`42 (a) b) ${fields.join(' ')}`, 9, 1_000);
  t.match(sample, {
    atMs: 9,
    cpu: { usageNanoseconds: 3e9, userNanoseconds: 2e9 },
    memory: { rssBytes: 25 * 4096, pageFaults: 13, majorPageFaults: 3 },
    threads: 7,
  });
  t.equal(startedAtMs, 51_000);
});

t.test('who listens at a socket', async (t) => {
  const unix = [
    'Num       RefCount Protocol Flags    Type St Inode Path',
    'ffff: 00000002 00000000 00010000 0001 01 111 /run/a.sock',
    'ffff: 00000003 00000000 00000000 0001 03 222 /run/a.sock',
    'ffff: 00000002 00000000 00010000 0001 01 333 /run/b.sock',
  ].join('\n');
  t.same(listenersAt(unix, '/run/a.sock'), ['111']);
  const proc = t.testdir({
    net: { unix },
    1: { comm: 'systemd\n', fd: { 3: t.fixture('symlink', 'socket:[111]') } },
    50: { comm: 'dockerd\n', fd: { 4: t.fixture('symlink', 'socket:[111]') } },
    51: { comm: 'dockerd\n', fd: { 4: t.fixture('symlink', 'socket:[333]') } },
  });
  t.equal(await findListener('/run/a.sock', 'dockerd', proc), 50);
  t.equal(await findListener('/run/b.sock', 'dockerd', proc), 51);
  t.equal(await findListener('/run/c.sock', 'dockerd', proc), undefined);
});
