// Cgroups of pods in the real kernel, with real containers: where they are, what they limit, and when they are gone.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { CgroupTree } from '../../agents/kubelet/cgroups/tree';
import { type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

const mebi = 2 ** 20;
const root = '/sys/fs/cgroup';

t.test('each pod has a cgroup with its limits', { skip: skipWithoutDocker(), timeout: 240_000 }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  const tree = (await CgroupTree.open())!;
  const pods3 = `${dockerd.cgroupRoot}/kubepods`;
  // A pod that ended while no kubelet ran.
  await tree.ensure(`${pods3}/burstable/podorphan`);
  const { stop } = await startKubelet(client, dockerd);
  scope.defer(() => stop());
  await assignPodCidr(client);
  const read = async (controller: string, group: string, files: { readonly 1: string; readonly 2: string }) =>
    (
      await readFile(tree.version === 2 ? join(root, group, files[2]) : join(root, controller, group, files[1]), 'utf8')
    ).trim();
  const memoryMax = { 1: 'memory.limit_in_bytes', 2: 'memory.max' } as const;
  const cpuShare = { 1: 'cpu.shares', 2: 'cpu.weight' } as const;
  const app = {
    name: 'app',
    image: dockerd.image,
    command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'],
  };
  const small = { resources: { requests: { cpu: '250m', memory: '16Mi' }, limits: { memory: '32Mi' } } };
  const wanted = kubeletPod('burstable', {
    containers: [
      { ...app, ...small },
      { ...app, name: 'second', ...small },
    ],
  });
  const group = `${pods3}/burstable/poduid-of-burstable`;
  const until = (name: string, test: (pod: Pod | undefined) => boolean) =>
    client.until<Pod>(pods, `default/${name}`, test);
  await client.create<Pod>(pods, wanted);
  const pod = await until('burstable', isReady);

  t.equal(Number(await read('memory', group, memoryMax)), 64 * mebi, 'the sum of the limits');
  t.equal(await read('cpu', group, cpuShare), tree.version === 2 ? '59' : '512');
  t.equal(await read('cpu', `${pods3}/burstable`, cpuShare), tree.version === 2 ? '59' : '512');
  t.equal(await read('cpu', `${pods3}/besteffort`, cpuShare), tree.version === 2 ? '1' : '2');
  const ids = pod!.status!.containerStatuses!.map(({ containerID }) => containerID!.replace('docker://', ''));
  const found = await tree.below(group);
  t.same(
    ids.filter((id) => !found.includes(id)),
    [],
    'its containers are in it',
  );
  t.equal(found.length, 3, 'and the pause container');
  t.ok((await tree.processes(group))! >= 5);
  t.ok((await tree.workingSetBytes(group))! > 0);
  t.same(
    (await tree.below(`${pods3}/burstable`)).filter((name) => name.startsWith('pod')),
    ['poduid-of-burstable'],
    'the group of a pod that no longer exists is gone',
  );

  await t.test('the pod’s own limit ends a container that alone may use more', async (t) => {
    const eats = 'x=a; while :; do x=$x$x; done';
    await client.create<Pod>(
      pods,
      kubeletPod('limited', {
        restartPolicy: 'Never',
        resources: { limits: { memory: '24Mi' } },
        containers: [{ ...app, command: ['sh', '-c', eats] }],
      }),
    );
    const ended = await until('limited', (each) => each?.status?.phase === 'Failed');
    t.match(ended?.status?.containerStatuses, [{ state: { terminated: { exitCode: 137 } } }]);
    const gone = async () => (await tree.below(`${pods3}/burstable`)).includes('poduid-of-limited');
    // The status is published when the container has ended, the group is removed after the pause container.
    while (await gone()) await new Promise((resolve) => setTimeout(resolve, 20));
    t.notOk(await gone(), 'a pod that has ended has no group');
  });

  await t.test('a deleted pod leaves nothing in any hierarchy', async (t) => {
    await client.delete(pods, 'default/burstable');
    await until('burstable', (each) => each === undefined);
    t.same(
      (await tree.below(`${pods3}/burstable`)).filter((name) => name.startsWith('pod')),
      [],
    );
    t.equal(await read('cpu', `${pods3}/burstable`, cpuShare), tree.version === 2 ? '1' : '2');
  });
});

t.test('a group with a process stays', { skip: skipWithoutDocker() }, async (t) => {
  const tree = (await CgroupTree.open())!;
  const group = `/k8ts-test-${process.pid}`;
  await tree.ensure(`${group}/busy`);
  t.teardown(() => tree.remove(group));
  const { startProgram } = await import('../../dataplane/exec/system-exec');
  const procs = tree.version === 2 ? `${root}${group}/busy` : `${root}/memory${group}/busy`;
  await mkdir(procs, { recursive: true });
  const program = await startProgram(['sh', '-c', `echo $$ > ${procs}/cgroup.procs && echo in && exec sleep 60`], {
    onOutput: () => inside.resolve(),
  });
  const inside = Promise.withResolvers<void>();
  await inside.promise;
  t.notOk(await tree.remove(group));
  program.kill('SIGKILL');
  await program.exited;
  t.ok(await tree.remove(group));
});
