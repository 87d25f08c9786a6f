// In-place resize with real Docker: what the kernel shows of a container before and after, and what survives a restart of the kubelet.
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { PodLookup } from '../../agents/kubelet/server/pod-lookup';
import { type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);
const mega = 2 ** 20;

t.test('in-place resize', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  let running = await startKubelet(client, dockerd);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const runtime = new DockerRuntime(dockerd.host);
  const record = () => new PodLookup(running.kubelet.pods, running.kubelet.records).running('default', 'web', 'app');
  const containers = (cpu: string, memory: string, restartMemory = false) => [
    {
      name: 'app',
      image: dockerd.image,
      imagePullPolicy: 'Never',
      command: ['/bin/sleep', '1000'],
      resources: { requests: { cpu, memory }, limits: { cpu, memory } },
      ...(restartMemory ? { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] } : {}),
    },
  ];
  const resize = (cpu: string, memory: string, generation: number) =>
    client.patch<Pod>(pods, 'default/web', 'merge', {
      metadata: { generation },
      spec: { containers: containers(cpu, memory) },
    });
  const until = (test: (pod: Pod | undefined) => boolean) => client.until<Pod>(pods, 'default/web', test);
  const statusOf = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];
  const conditions = (pod: Pod | undefined) =>
    (pod?.status?.conditions ?? []).filter(({ type }) => type.startsWith('PodResize'));
  const has = (cpu: string, memory: string) =>
    until((pod) => {
      const { limits } = statusOf(pod)?.resources ?? {};
      return limits?.['cpu'] === cpu && limits['memory'] === memory && conditions(pod).length === 0;
    });
  /** The value that the kernel applies: of cgroup v2, else of v1. */
  const kernel = async (v2: string, v1: string, id = record().id): Promise<string> => {
    const groups = await readFile(`/proc/${(await runtime.inspect(id)).pid}/cgroup`, 'utf8');
    const paths = groups
      .trim()
      .split('\n')
      .map((line) => line.split(':'));
    const unified = paths.find(([id]) => id === '0')?.[2] ?? '';
    const [controller, ...file] = v1.split('/');
    const legacy = paths.find(([, names = '']) => names.split(',').includes(controller!))?.[2];
    const path =
      legacy === undefined
        ? `/sys/fs/cgroup${unified}/${v2}`
        : `/sys/fs/cgroup/${controller}${legacy}/${file.join('/')}`;
    return (await readFile(path, 'utf8')).trim();
  };
  const memoryLimit = () => kernel('memory.max', 'memory/memory.limit_in_bytes');

  await client.create(pods, kubeletPod('web', { containers: containers('500m', '64Mi') as never }));
  await until(isReady);
  const { id } = record();

  await t.test('more of both, without a restart', async (t) => {
    t.equal(await memoryLimit(), String(64 * mega));
    await resize('700m', '96Mi', 2);
    const pod = await has('700m', '96Mi');
    t.equal(record().id, id);
    t.match(statusOf(pod), { restartCount: 0, allocatedResources: { cpu: '700m', memory: '96Mi' } });
    t.equal(await memoryLimit(), String(96 * mega));
    t.match(await kernel('cpu.max', 'cpu/cpu.cfs_quota_us'), /^70000\b/);
  });

  await t.test('less memory than it uses is refused; Docker is not asked', async (t) => {
    await resize('700m', '100', 3);
    const pod = await until((one) => conditions(one).some(({ reason }) => reason === 'Error'));
    t.match(conditions(pod)[0], {
      type: 'PodResizeInProgress',
      message:
        /^cannot decrease memory limits: \[attempting to set pod memory limit \(100\) below current usage \(\d+\), attempting to set container "app" memory limit \(100\) below current usage/,
    });
    t.equal(await memoryLimit(), String(96 * mega));
    await resize('700m', '80Mi', 4);
    await has('700m', '80Mi');
    t.equal(await memoryLimit(), String(80 * mega));
  });

  await t.test('a resize that waits is still promised after a restart of the kubelet', async (t) => {
    await resize('1000', '80Mi', 5);
    await until((pod) => conditions(pod).some(({ reason }) => reason === 'Deferred'));
    await running.stop();
    running = await startKubelet(client, dockerd);
    await resize('600m', '80Mi', 6);
    await has('600m', '80Mi');
    t.equal(record().id, id, 'the same container');
    t.match(await kernel('cpu.max', 'cpu/cpu.cfs_quota_us'), /^60000\b/);
  });

  await t.test('resources of a whole pod: its cgroup, and containers without limits of their own', async (t) => {
    const whole = (cpu: string, memory: string) => ({ limits: { cpu, memory }, requests: { cpu, memory } });
    const [app] = containers('100m', '16Mi');
    const { resources: _, ...free } = { ...app!, name: 'free' };
    const podLevel = (cpu: string, memory: string) => ({ resources: whole(cpu, memory), containers: [app, free] });
    const untilWhole = (test: (pod: Pod | undefined) => boolean) => client.until<Pod>(pods, 'default/whole', test);
    await client.create(pods, kubeletPod('whole', podLevel('400m', '64Mi') as never));
    const before = await untilWhole((pod) => isReady(pod) && pod?.status?.phase === 'Running');
    t.match(before?.status?.resources, whole('400m', '64Mi'));
    t.same(before?.status?.allocatedResources, { cpu: '400m', memory: '64Mi' });
    const idOf = (name: string) =>
      new PodLookup(running.kubelet.pods, running.kubelet.records).running('default', 'whole', name).id;
    const inherited = (v2: string, v1: string) => kernel(v2, v1, idOf('free'));
    const limited = (v2: string, v1: string) => kernel(v2, v1, idOf('app'));
    const group = (v2: string, v1: string) => kernel(`../${v2}`, v1.replace('/', '/../'), idOf('app'));
    const memory = ['memory.max', 'memory/memory.limit_in_bytes'] as const;
    t.equal(await group(...memory), String(64 * mega));
    t.equal(await inherited(...memory), String(64 * mega));
    await client.patch<Pod>(pods, 'default/whole', 'merge', {
      metadata: { generation: 2 },
      spec: { resources: whole('600m', '96Mi') },
    });
    await untilWhole((pod) => pod?.status?.resources?.limits?.['memory'] === '96Mi' && conditions(pod).length === 0);
    t.equal(await group(...memory), String(96 * mega));
    t.match(await group('cpu.max', 'cpu/cpu.cfs_quota_us'), /^60000\b/);
    t.equal(await inherited(...memory), String(96 * mega));
    t.equal(await limited(...memory), String(16 * mega), 'a container with a limit of its own keeps it');
    await client.patch<Pod>(pods, 'default/whole', 'merge', {
      metadata: { generation: 3 },
      spec: { resources: whole('600m', '200Ki') },
    });
    const refused = await untilWhole((pod) => conditions(pod).some(({ reason }) => reason === 'Error'));
    t.match(
      conditions(refused)[0]?.message,
      /attempting to set pod memory limit \(204800\) below current usage \(\d+\)/,
    );
    t.equal(await group(...memory), String(96 * mega));
  });
});
