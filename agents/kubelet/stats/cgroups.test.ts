import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { containerGroup, folderOf, parseCgroupPaths, parseHierarchies, podGroup } from './cgroup-places';
import { CgroupReader } from './cgroup-reader';
import { sampleV1 } from './cgroup-v1';
import { sampleV2 } from './cgroup-v2';
import { limit, pressureOf } from './cgroup-values';

const id = 'c'.repeat(64);
const uid = '11111111-2222-3333-4444-555555555555';

t.test('hierarchies and groups of v1, v2, and both at once', async (t) => {
  const v1 = parseHierarchies(
    [
      '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
      '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct',
      '35 31 0:32 /a /sys/fs/cgroup/me\\040mory rw - cgroup cgroup rw,memory',
      '42 31 0:39 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
    ].join('\n'),
  );
  t.match(v1.get('cpuacct'), { dir: '/sys/fs/cgroup/cpu,cpuacct', root: '/' });
  t.same(v1.get('memory'), { dir: '/sys/fs/cgroup/me mory', root: '/a' });
  t.ok(v1.has('unified'));
  t.equal(folderOf(v1.get('memory')!, '/a/docker/x'), '/sys/fs/cgroup/me mory/docker/x');
  t.equal(folderOf(v1.get('memory')!, '/other'), undefined, 'outside of what is mounted');

  const paths = parseCgroupPaths(
    `4:memory:/docker/${id}/inner:x\n2:cpu,cpuacct:/docker/${id}\n9:name=systemd:/\n0::/v2\n`,
  );
  t.equal(paths.get('memory'), `/docker/${id}/inner:x`);
  t.equal(paths.get('cpu'), `/docker/${id}`);
  t.equal(paths.get('unified'), '/v2');
});

t.test('a container may make groups of its own; pods have groups with - and with _', async (t) => {
  t.equal(containerGroup(`/docker/${id}/init.scope`, id), `/docker/${id}`);
  t.equal(containerGroup(`/system.slice/docker-${id}.scope`, id), `/system.slice/docker-${id}.scope`);
  t.equal(containerGroup('/elsewhere', id), '/elsewhere');
  t.equal(podGroup(`/kubepods/burstable/pod${uid}/${id}`, uid), `/kubepods/burstable/pod${uid}`);
  const slice = `/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice`;
  t.equal(podGroup(`${slice}/docker-${id}.scope`, uid), slice);
  t.equal(podGroup(`/docker/${id}`, uid), undefined);
});

t.test('numbers and limits', async (t) => {
  t.equal(limit('9223372036854771712\n'), undefined, 'the largest number of v1 is no limit');
  t.equal(limit('max\n'), undefined);
  t.equal(limit(undefined), undefined);
  t.equal(limit('1048576\n'), 1_048_576);
  t.same(
    pressureOf('some avg10=1.50 avg60=0.00 avg300=0.00 total=42\nfull avg10=0.00 avg60=0.00 avg300=0.25 total=7\n'),
    {
      some: { avg10: 1.5, avg60: 0, avg300: 0, totalMicros: 42 },
      full: { avg10: 0, avg60: 0, avg300: 0.25, totalMicros: 7 },
    },
  );
  t.equal(pressureOf(undefined), undefined);
});

const v1Texts = {
  'cpuacct.usage': '5000000000\n',
  'cpuacct.usage_user': '3000000000\n',
  'cpuacct.usage_sys': '2000000000\n',
  'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 900\n',
  'cpu.shares': '512\n',
  'cpu.cfs_period_us': '100000\n',
  'cpu.cfs_quota_us': '50000\n',
  'memory.usage_in_bytes': '1000\n',
  'memory.stat':
    'cache 1\nrss 2\npgfault 70\npgmajfault 3\ntotal_cache 400\ntotal_rss 500\ntotal_mapped_file 40\ntotal_swap 6\ntotal_active_file 90\ntotal_inactive_file 300\n',
  'memory.limit_in_bytes': '4096\n',
  'memory.memsw.limit_in_bytes': '8192\n',
  'memory.soft_limit_in_bytes': '9223372036854771712\n',
  'memory.max_usage_in_bytes': '2000\n',
  'memory.failcnt': '8\n',
  'memory.kmem.usage_in_bytes': '77\n',
  'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  'pids.current': '9\n',
  'pids.max': 'max\n',
  'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 8192\n8:0 Total 12288\nTotal 12288\n',
  'blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n',
};
const memory = {
  usageBytes: 1000,
  workingSetBytes: 700,
  rssBytes: 500,
  cacheBytes: 400,
  mappedFileBytes: 40,
  activeFileBytes: 90,
  inactiveFileBytes: 300,
  swapBytes: 6,
  kernelBytes: 77,
  maxUsageBytes: 2000,
  failures: 8,
  pageFaults: 70,
  majorPageFaults: 3,
};
const cpu = {
  usageNanoseconds: 5e9,
  userNanoseconds: 3e9,
  systemNanoseconds: 2e9,
  periods: 10,
  throttledPeriods: 4,
  throttledNanoseconds: 900,
};
const devices = [{ major: 8, minor: 0, readBytes: 4096, writeBytes: 8192, reads: 1, writes: 2 }];

t.test('a group of v1', async (t) => {
  t.same(sampleV1(v1Texts, 7), {
    atMs: 7,
    cpu,
    memory,
    limits: { cpuShares: 512, cpuPeriodMicros: 100_000, cpuQuotaMicros: 50_000, memoryBytes: 4096, swapBytes: 4096 },
    devices,
    threads: 9,
    oomKills: 2,
    pressure: {},
  });
});

const v2Texts = {
  'cpu.stat':
    'usage_usec 5000000\nuser_usec 3000000\nsystem_usec 2000000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 1\n',
  'cpu.weight': '100\n',
  'cpu.max': 'max 100000\n',
  'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  'memory.current': '1000\n',
  'memory.stat':
    'anon 500\nfile 400\nkernel 77\nfile_mapped 40\nactive_file 90\ninactive_file 300\npgfault 70\npgmajfault 3\n',
  'memory.max': 'max\n',
  'memory.swap.current': '6\n',
  'memory.swap.max': '0\n',
  'memory.peak': '2000\n',
  'memory.min': '0\n',
  'memory.events': 'low 0\nhigh 0\nmax 8\noom 1\noom_kill 2\n',
  'pids.current': '9\n',
  'pids.max': '100\n',
  'io.stat': '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n',
};

t.test('a group of v2', async (t) => {
  t.same(sampleV2(v2Texts, 7), {
    atMs: 7,
    cpu: { ...cpu, throttledNanoseconds: 1000 },
    memory,
    limits: { cpuShares: 2597, cpuPeriodMicros: 100_000, swapBytes: 0, memoryReservationBytes: 0, threads: 100 },
    devices,
    threads: 9,
    oomKills: 2,
    pressure: {
      cpu: {
        some: { avg10: 0, avg60: 0, avg300: 0, totalMicros: 1 },
        full: { avg10: 0, avg60: 0, avg300: 0, totalMicros: 0 },
      },
    },
  });
});

t.test('the root group of v2 has no memory.current: the machine counts', async (t) => {
  const meminfo = 'MemTotal:  100 kB\nMemFree:  40 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n';
  const { 'memory.current': _, 'memory.swap.current': __, ...root } = v2Texts;
  const { memory: found } = sampleV2({ ...root, 'memory.stat': 'inactive_file 1024\n' }, 0, meminfo);
  t.match(found, { usageBytes: 60 * 1024, workingSetBytes: 59 * 1024, swapBytes: 6 * 1024 });
});

t.test('the reader: files of v1 and of v2, groups below, a group that is gone', async (t) => {
  const dir = t.testdir();
  const write = async (path: string, texts: Readonly<Record<string, string>>) => {
    await mkdir(join(dir, path), { recursive: true });
    for (const [name, text] of Object.entries(texts)) await writeFile(join(dir, path, name), text);
  };
  const only = (prefix: string, texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(texts).filter(([name]) => name.startsWith(prefix)));
  for (const controller of ['cpuacct', 'memory', 'cpu', 'pids', 'blkio']) {
    await write(`v1/${controller}/pod/app`, only(`${controller}.`, v1Texts));
  }
  await write('v1/memory/pod/app', { 'cgroup.procs': '11\n' });
  await write('v1/memory/pod/app/inner', { 'cgroup.procs': '12\n13\n' });
  const line = (controller: string) => `1 1 0:1 / ${dir}/v1/${controller} rw - cgroup cgroup rw,${controller}`;
  const mounts = ['cpuacct', 'memory', 'cpu', 'pids', 'blkio'].map(line).join('\n');
  await write('proc1/self', { mountinfo: mounts });
  await write('proc1/11', { cgroup: 'x' });
  const v1 = await CgroupReader.open(join(dir, 'proc1'));
  const paths = new Map(['cpuacct', 'memory', 'cpu', 'pids', 'blkio'].map((controller) => [controller, '/pod/app']));
  const all = await v1.sample(paths, 'all');
  t.match(all, { cpu, memory, devices, processes: 3, threads: 9 });
  const few = await v1.sample(paths, 'few');
  t.match(few, { cpu: { usageNanoseconds: 5e9, userNanoseconds: 0 }, memory: { workingSetBytes: 700 }, devices: [] });
  t.equal(few?.processes, undefined);
  t.equal(await v1.sample(new Map([['memory', '/gone']]), 'all'), undefined);
  t.same(await v1.pathsOf(11), new Map());
  t.equal(await v1.pathsOf(12), undefined, 'the process has ended');

  await write('v2/pod', { ...v2Texts, 'cgroup.procs': '21\n' });
  await write('proc2/self', { mountinfo: `1 1 0:1 / ${dir}/v2 rw - cgroup2 cgroup2 rw` });
  const v2 = await CgroupReader.open(join(dir, 'proc2'));
  t.match(await v2.sample(new Map([['unified', '/pod']]), 'all'), { cpu: { periods: 10 }, memory, processes: 1 });
  t.equal(await v2.sample(new Map([['unified', '/gone']]), 'all'), undefined);
});
