import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { silentLogger } from '../../../controlplane/base/logger';
import { FakeClock } from '../../../test/lib/fake-clock';
import { ScriptedExec } from '../../../test/lib/scripted-exec';
import { container, pod } from '../spec/pod.fixture';
import { cgroupfsNames, parseCgroupRoot, podClasses, podClassOf, systemdNames } from './names';
import { PodCgroups } from './pod-cgroups';
import { filesOf, newGroup, podSettings, sharedMilliCpu, sharesOf, weightOf } from './settings';
import { Slices } from './slices';
import { CgroupTree } from './tree';

const app = (limits: Record<string, string>, requests: Record<string, string> = limits, name = 'app') =>
  container(name, { resources: { limits, requests } });
const mebi = 2 ** 20;

t.test('what the group of a pod allows', async (t) => {
  const cases = [
    { name: 'BestEffort', pod: pod(), want: { cpuShares: 2 } },
    {
      name: 'Guaranteed: the sum of the limits',
      pod: pod({
        containers: [app({ cpu: '500m', memory: '64Mi' }), app({ cpu: '1', memory: '1Mi' }, undefined, 'b')],
      }),
      want: { cpuShares: 1536, cpuQuotaMicros: 150_000, memoryBytes: 65 * mebi },
    },
    {
      name: 'Burstable: only what every container limits',
      pod: pod({ containers: [app({ memory: '64Mi' }, { cpu: '100m' }), app({ memory: '1Mi', cpu: '1' }, {}, 'b')] }),
      want: { cpuShares: 102, memoryBytes: 65 * mebi },
    },
    {
      name: 'Burstable without limits',
      pod: pod({ containers: [app({}, { cpu: '250m' }), container('b')] }),
      want: { cpuShares: 256 },
    },
    {
      name: 'an init container may need more than the others',
      pod: pod({
        initContainers: [app({ memory: '200Mi', cpu: '2' }, undefined, 'init')],
        containers: [app({ memory: '64Mi', cpu: '1' })],
      }),
      want: { cpuShares: 2048, cpuQuotaMicros: 200_000, memoryBytes: 200 * mebi },
    },
    {
      name: 'the pod’s own resources',
      pod: pod({
        resources: { limits: { cpu: '1', memory: '100Mi' }, requests: { cpu: '500m', memory: '50Mi' } },
        containers: [container('app'), container('b')],
      }),
      want: { cpuShares: 512, cpuQuotaMicros: 100_000, memoryBytes: 100 * mebi },
    },
    {
      name: 'overhead adds to amounts that are there',
      pod: pod({
        overhead: { cpu: '100m', memory: '10Mi' },
        containers: [app({ memory: '64Mi' }, { memory: '64Mi' })],
      }),
      want: { cpuShares: 2, memoryBytes: 74 * mebi },
    },
  ];
  for (const { name, pod, want } of cases) t.same(podSettings(pod, 0), want, name);
  t.same(podSettings(pod(), 100), { cpuShares: 2, pids: 100 });
});

t.test('a class shares by what its pods request', async (t) => {
  const burstable = pod({ containers: [app({}, { cpu: '250m' })] });
  const guaranteed = pod({ containers: [app({ cpu: '4', memory: '1Gi' })] });
  t.same([burstable, guaranteed, pod()].map(sharedMilliCpu), [250, 0, 0]);
  t.equal(sharesOf(0), 2);
  t.equal(sharesOf(500), 512);
  t.equal(sharesOf(1_000_000), 262_144);
});

t.test('the files of both versions', async (t) => {
  const settings = { cpuShares: 1024, cpuQuotaMicros: 50_000, memoryBytes: 4096, pids: 7 };
  const text = (version: 1 | 2, of: Parameters<typeof filesOf>[0] = settings) =>
    filesOf(of, version).map(({ controller, file, value }) => `${controller}/${file}=${value}`);
  t.same(text(1), [
    'cpu/cpu.shares=1024',
    'cpu/cpu.cfs_period_us=100000',
    'cpu/cpu.cfs_quota_us=50000',
    'memory/memory.limit_in_bytes=4096',
    'pids/pids.max=7',
  ]);
  t.same(text(2), ['cpu/cpu.weight=100', 'cpu/cpu.max=50000 100000', 'memory/memory.max=4096', 'pids/pids.max=7']);
  t.same(text(2, { cpuShares: 2 }), [
    'cpu/cpu.weight=1',
    'cpu/cpu.max=max 100000',
    'memory/memory.max=max',
    'pids/pids.max=max',
  ]);
  t.match(text(1, { cpuShares: 2 }), [
    'cpu/cpu.shares=2',
    /period/,
    'cpu/cpu.cfs_quota_us=-1',
    'memory/memory.limit_in_bytes=-1',
  ]);
  t.same(
    filesOf({ cpuShares: 2, memoryBytes: 4096 }, 1, newGroup).map(({ file }) => file),
    ['cpu.shares', 'memory.limit_in_bytes'],
  );
  t.same(filesOf({ cpuShares: 2 }, 2, { cpuShares: 2, pids: 7 }), [
    { controller: 'pids', file: 'pids.max', value: 'max' },
  ]);
  // The table of runc's own conversion.
  for (const [shares, weight] of [
    [2, 1],
    [3, 2],
    [102, 17],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [262_144, 10_000],
  ] as const) {
    t.equal(weightOf(shares), weight, `${shares} shares`);
  }
});

t.test('names', async (t) => {
  const best = pod();
  t.equal(podClassOf(best), 'besteffort');
  const uid = '0a1b-2c';
  const fs = cgroupfsNames('/a/b');
  t.equal(cgroupfsNames('/').ofPod('besteffort', uid), '/kubepods/besteffort/pod0a1b-2c');
  t.equal(fs.ofPod('', uid), '/a/b/kubepods/pod0a1b-2c');
  t.equal(fs.parent('', uid), fs.ofPod('', uid));
  const slices = systemdNames();
  t.equal(slices.ofPod('', uid), '/kubepods.slice/kubepods-pod0a1b_2c.slice');
  t.equal(
    slices.ofPod('burstable', uid),
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b_2c.slice',
  );
  t.equal(slices.parent('burstable', uid), 'kubepods-burstable-pod0a1b_2c.slice');
  t.equal(fs.ofContainer('', uid, 'c1'), '/a/b/kubepods/pod0a1b-2c/c1');
  t.equal(slices.ofContainer('', uid, 'c1'), `${slices.ofPod('', uid)}/docker-c1.scope`);
  for (const names of [fs, slices]) {
    for (const podClass of podClasses) t.equal(names.uidOf(names.ofPod(podClass, uid).split('/').at(-1)!), uid);
    for (const podClass of podClasses) t.equal(names.uidOf(names.ofClass(podClass).split('/').at(-1)!), undefined);
    t.throws(() => names.ofPod('', '../x'), { code: 'BadRequest' });
  }
  t.equal(parseCgroupRoot('//a/b/'), '/a/b');
  t.equal(parseCgroupRoot('/'), '/');
  for (const wrong of ['', 'a', '/a/../b']) t.throws(() => parseCgroupRoot(wrong), { code: 'BadRequest' }, wrong);
});

t.test(
  'version 2: controllers are switched on from the root to the pod, limits are written, use is read',
  async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'k8ts-cgroup2-'));
    t.teardown(() => rm(root, { recursive: true, force: true }));
    await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids');
    const tree = (await CgroupTree.open(root))!;
    t.equal(tree.version, 2);
    t.ok(await tree.ensure('/kubepods/burstable/podu1'));
    t.notOk(await tree.ensure('/kubepods/burstable/podu1'));
    for (const group of ['.', 'kubepods', 'kubepods/burstable', 'kubepods/burstable/podu1']) {
      t.equal(await readFile(join(root, group, 'cgroup.subtree_control'), 'utf8'), '+cpu +memory +pids', group);
    }
    await tree.set('/kubepods/burstable/podu1', { cpuShares: 1024, memoryBytes: 4096 });
    const read = (file: string) => readFile(join(root, 'kubepods/burstable/podu1', file), 'utf8');
    t.equal(await read('memory.max'), '4096');
    t.equal(await read('cpu.max'), 'max 100000');
    await writeFile(join(root, 'kubepods/burstable/podu1/memory.current'), '5000\n');
    await writeFile(join(root, 'kubepods/burstable/podu1/memory.stat'), 'anon 1\ninactive_file 1000\nactive_file 7\n');
    t.equal(await tree.workingSetBytes('/kubepods/burstable/podu1'), 4000);
    t.equal(await tree.workingSetBytes('/kubepods/none'), undefined);
    t.same(await tree.below('/kubepods'), ['burstable']);
    await writeFile(join(root, 'kubepods/burstable/podu1/cgroup.procs'), '12\n7\n');
    t.same(tree.processesOf('/kubepods/burstable/podu1'), [12, 7]);
    t.same(tree.processesOf('/kubepods/none'), []);
    await mkdir(join(root, 'empty/child'), { recursive: true });
    t.ok(await tree.remove('/empty'));
    t.same(await tree.below('/empty'), []);
    t.ok(await tree.remove('/none'));
  },
);

t.test('no cgroup file system', async (t) => {
  t.equal(await CgroupTree.open('/nonexistent'), undefined);
});

t.test('the slices of pods that have ended are stopped together', async (t) => {
  const clock = new FakeClock();
  const exec = new ScriptedExec();
  const slices = new Slices({ exec, clock, log: silentLogger });
  exec.expect({ argv: 'systemctl stop --no-block a.slice b.slice' });
  slices.stop('a.slice');
  slices.stop('b.slice');
  t.same(clock.pending(), [1000]);
  clock.advance(1000);
  t.equal(exec.calls.length, 1);
  slices.stop('c.slice');
  t.same(clock.pending(), [1000]);
});

t.test('values that systemd has reset are written again', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'k8ts-cgroup2-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids');
  const tree = (await CgroupTree.open(root))!;
  const limit = { cpuShares: 1024, memoryBytes: 2 ** 30 };
  const deps = { tree, names: systemdNames(), podPidsLimit: 0, limit, log: silentLogger };
  const groups = await PodCgroups.open({ ...deps, resets: true });
  const burstable = pod({ containers: [app({ memory: '64Mi' }, { cpu: '250m' })] });
  await groups.ensure(burstable);
  const slice = 'kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podu1.slice';
  const read = (group: string) => readFile(join(root, group, 'memory.max'), 'utf8');
  await writeFile(join(root, slice, 'memory.max'), 'max');
  await groups.started(burstable);
  t.equal(await read(slice), String(64 * mebi));
  await writeFile(join(root, slice, 'memory.max'), 'max');
  await groups.repair();
  t.equal(await read(slice), 'max', 'the group of all pods shows whether there was a reset');
  await writeFile(join(root, 'kubepods.slice/memory.max'), 'max');
  await groups.repair();
  t.equal(await read(slice), String(64 * mebi));
  t.equal(await read('kubepods.slice'), String(2 ** 30));
});

t.test('a pod’s group has its limits, or a resize is due; less memory than is used is not given', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'k8ts-cgroup2-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids');
  const tree = (await CgroupTree.open(root))!;
  const limit = { cpuShares: 1024, memoryBytes: 2 ** 30 };
  const groups = await PodCgroups.open({
    ...{ tree, names: cgroupfsNames('/'), podPidsLimit: 0, limit, log: silentLogger },
  });
  const asking = (memory: string) =>
    pod({ resources: { limits: { memory }, requests: { memory } }, containers: [container('app')] });
  t.ok(groups.has(asking('64Mi')), 'unknown: an earlier kubelet has set it, or it comes with the first container');
  t.equal(groups.settingsOf('u1'), undefined);
  await groups.ensure(asking('64Mi'));
  t.ok(groups.has(asking('64Mi')));
  t.equal(groups.settingsOf('u1')?.memoryBytes, 64 * mebi);
  t.notOk(groups.has(asking('32Mi')));
  await writeFile(join(root, 'kubepods/burstable/podu1/memory.current'), `${40 * mebi}\n`);
  t.same(await groups.usedBeyond(asking('32Mi')), { limitBytes: 32 * mebi, usedBytes: 40 * mebi });
  t.equal(await groups.usedBeyond(asking('50Mi')), undefined);
  t.equal(await groups.usedBeyond(asking('128Mi')), undefined, 'more is always possible');
  t.equal(await groups.usedBeyond(pod()), undefined);
});
