// By the numbers of device-plugins.ts, with plug-ins that the test plays over real sockets.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Node, Pod } from '../../../controlplane/api';
import { silentLogger } from '../../../controlplane/base/logger';
import { type PluginPlay, playPlugin, registerPlugin } from '../../../test/lib/device-plugin';
import { FakeClock } from '../../../test/lib/fake-clock';
import type { Container } from '../spec/container';
import { pod as basePod, container } from '../spec/pod.fixture';
import { DevicePlugins } from './device-plugins';
import { stopGraceMs } from './resources';

// The gRPC library takes a while to load on a busy machine.
t.setTimeout(240_000);

const gpu = 'example.com/gpu';
const using = (name: string, count: number, more: Partial<Container> = {}): Container =>
  container(name, { resources: { limits: { [gpu]: String(count) }, requests: { [gpu]: String(count) } }, ...more });
const pod = (uid: string, containers: readonly Container[], more: Partial<NonNullable<Pod['spec']>> = {}): Pod => {
  const base = basePod({ containers: [...containers], ...more });
  return { ...base, metadata: { ...base.metadata, uid } };
};

async function setUp(t: Test) {
  const rootDir = await mkdtemp(join(tmpdir(), 'k8ts-devices-'));
  const clock = new FakeClock();
  let wake = Promise.withResolvers<void>();
  const changedPods: string[] = [];
  const start = async () => {
    const devices = new DevicePlugins({
      ...{ rootDir, clock, log: silentLogger },
      changed: () => {
        wake.resolve();
        wake = Promise.withResolvers();
      },
    });
    devices.onChange((uid) => changedPods.push(uid));
    await devices.open();
    return devices;
  };
  let running = await start();
  const socket = join(rootDir, 'device-plugins/kubelet.sock');
  const plugins: (() => Promise<void>)[] = [];
  t.teardown(async () => {
    await running.close();
    for (const stop of plugins) await stop();
    await rm(rootDir, { recursive: true, force: true, maxRetries: 5 });
  });
  const amount = () => {
    const { capacity, allocatable } = running.amounts();
    return `${capacity[gpu]}/${allocatable[gpu]}`;
  };
  return {
    socket,
    clock,
    changedPods,
    amount,
    devices: () => running,
    play: async (ids: readonly string[], play: PluginPlay = {}) => {
      const plugin = await playPlugin(socket, gpu, ids, play);
      plugins.push(plugin.stop);
      return plugin;
    },
    /** Resolves when the Node would announce this: all devices / healthy ones. */
    until: async (want: string) => {
      while (amount() !== want) await wake.promise;
    },
    restart: async () => {
      await running.close();
      running = await start();
    },
    checkpoint: async () =>
      JSON.parse(await readFile(join(rootDir, 'device-plugins/kubelet_internal_checkpoint'), 'utf8')) as {
        Data: { PodDeviceEntries: { DeviceIDs: object }[]; RegisteredDevices: object };
      },
  };
}

t.test('1: what the Node announces', async (t) => {
  const { play, until, amount, clock, devices } = await setUp(t);
  t.same(devices().amounts(), { capacity: {}, allocatable: {} });
  const plugin = await play(['a', 'b', 'c']);
  await until('3/3');
  plugin.devices('a', { ID: 'b', health: 'Unhealthy' });
  await until('2/1');
  await plugin.stop();
  await until('2/0');
  clock.advance(stopGraceMs);
  t.equal(amount(), '2/0');
  clock.advance(1);
  t.equal(amount(), '0/0', 'it will not come back');
  t.notOk(devices().wants(pod('u1', [using('app', 1)])), 'the scheduler and the node refuse the pod');
  await play(['a']);
  await until('1/1');
});

t.test('registrations that are refused', async (t) => {
  const { socket } = await setUp(t);
  const refused = async (request: object, desc: string | RegExp) =>
    t.rejects(registerPlugin(socket, { version: 'v1beta1', endpoint: 'x.sock', resourceName: gpu, ...request }), {
      message: desc,
    });
  const unknown = 'rpc error: code = Unknown desc = ';
  const version = 'requested API version "v2" is not supported by kubelet. Supported version is ["v1beta1"]';
  await refused({ version: 'v2' }, unknown + version);
  await refused({ resourceName: 'cpu' }, `${unknown}the ResourceName "cpu" is invalid`);
  await refused({}, /^rpc error: code = Unknown desc = failed to get device plugin options: /);
});

t.test('2, 3: devices of pods', async (t) => {
  const { play, until, devices, checkpoint, changedPods } = await setUp(t);
  const answer = (ids: readonly string[]) => ({
    envs: { GPUS: ids.join(',') },
    mounts: [{ containerPath: '/lib/gpu', hostPath: '/opt/gpu', readOnly: true }],
    devices: ids.map((id) => ({ containerPath: `/dev/${id}`, hostPath: '/dev/null', permissions: 'rw' })),
    annotations: { 'example.com/used': ids.join(',') },
  });
  const plugin = await play(['a', 'b', 'c', 'd'], { answer });
  await until('4/4');
  const init = using('init', 2);
  const [app, second] = [using('app', 1), using('second', 1)];
  const first = pod('u1', [app, second], { initContainers: [init] });
  t.ok(devices().wants(first));
  await devices().allocate(first);
  t.same(plugin.calls, ['Allocate a b', 'Allocate a', 'Allocate b'], 'the init container’s are used again');
  const options = await devices().optionsFor(first, app);
  t.same([...options!.envs], [['GPUS', 'a']]);
  t.match(options, {
    mounts: [{ containerPath: '/lib/gpu', hostPath: '/opt/gpu', readOnly: true }],
    devices: [{ containerPath: '/dev/a', hostPath: '/dev/null', permissions: 'rw' }],
    annotations: { 'example.com/used': 'a' },
  });
  t.equal(devices().optionsFor(first, container('plain')), undefined);
  t.same(devices().healthOf('u1', 'app'), [{ name: gpu, resources: [{ resourceID: 'a', health: 'Healthy' }] }]);

  await t.rejects(devices().allocate(pod('u2', [using('app', 3)])), {
    message: `requested number of devices unavailable for ${gpu}. Requested: 3, Available: 2`,
  });
  const two = await Promise.allSettled(['u3', 'u4'].map((uid) => devices().allocate(pod(uid, [using('app', 2)]))));
  t.same(
    two.map(({ status }) => status),
    ['fulfilled', 'rejected'],
    'at the same time: none twice',
  );
  const stored = await checkpoint();
  t.equal(stored.Data.PodDeviceEntries.length, 4);
  t.same(stored.Data.PodDeviceEntries[0]?.DeviceIDs, { '-1': ['a', 'b'] });
  t.same(stored.Data.RegisteredDevices, { [gpu]: ['a', 'b', 'c', 'd'] });

  const node = { metadata: { name: 'n1' }, status: { allocatable: { cpu: '2', [gpu]: '0' } } } as unknown as Node;
  t.same(devices().covering(first, node).status?.allocatable, { cpu: '2', [gpu]: '4' });
  t.equal(devices().covering(pod('other', []), node), node);

  plugin.devices({ ID: 'a', health: 'Unhealthy' }, 'b', 'c', 'd');
  await until('4/3');
  t.same(
    changedPods.filter((uid) => uid !== 'u3'),
    ['u1'],
  );
  t.match(devices().healthOf('u1', 'app')?.[0]?.resources, [{ resourceID: 'a', health: 'Unhealthy' }]);
  devices().release('u3');
  devices().countActive((uid) => uid !== 'u1');
  await devices().allocate(pod('u5', [using('app', 3)]));
  t.equal(plugin.calls.at(-1), 'Allocate b c d', 'those of pods that have ended are free');
});

t.test('what a plug-in may ask for: preferences, a call before the start; CDI is refused', async (t) => {
  const { play, until, devices } = await setUp(t);
  const options = { preStartRequired: true, getPreferredAllocationAvailable: true };
  const plugin = await play(['a', 'b', 'c'], { options, prefers: ['c'] });
  await until('3/3');
  const one = pod('u1', [using('app', 1)]);
  await devices().allocate(one);
  await devices().optionsFor(one, one.spec!.containers[0]!);
  t.same(plugin.calls, ['GetPreferredAllocation a b c 1', 'Allocate c', 'PreStartContainer c']);
  await plugin.stop();
  await until('3/0');
  await play(['a'], {
    options,
    preStartFails: 'no power',
    answer: () => ({ cdiDevices: [{ name: 'example.com/gpu=a' }] }),
  });
  await until('1/1');
  await t.rejects(devices().optionsFor(one, one.spec!.containers[0]!)!, {
    message: 'device plugin PreStartContainer rpc failed with err: rpc error: code = Unknown desc = no power',
  });
  await t.rejects(devices().allocate(pod('u2', [using('app', 1)])), {
    message: 'the container runtime docker does not support CDI devices: example.com/gpu=a',
  });
});

t.test('3, 4: a kubelet that starts again', async (t) => {
  const { play, until, devices, restart, amount, socket } = await setUp(t);
  const topology = { nodes: [{ ID: 0 }, { ID: 1 }] };
  const plugin = await play(['a', 'b'], { answer: (ids) => ({ envs: { GPUS: ids.join(',') } }) });
  plugin.devices({ ID: 'a', health: 'Healthy', topology }, 'b');
  await until('2/2');
  const one = pod('u1', [using('app', 2)]);
  await devices().allocate(one);
  await restart();
  t.equal(amount(), '0/0', 'until the plug-in registers again');
  t.notOk(existsSync(socket.replace('kubelet.sock', 'example.com-gpu.sock')), 'so it notices that it must');
  const options = await devices().optionsFor(one, one.spec!.containers[0]!);
  t.same([...options!.envs], [['GPUS', 'a,b']], 'a container that starts now gets the same');
  t.same(
    devices()
      .healthOf('u1', 'app')?.[0]
      ?.resources?.map(({ resourceID }) => resourceID),
    ['a', 'b'],
  );
  await t.rejects(devices().allocate(pod('u2', [using('app', 1)])), {
    message: `no healthy devices present; cannot allocate unhealthy devices ${gpu}`,
  });
  await plugin.stop();
  await play(['a', 'b', 'c']);
  await until('3/3');
  await devices().allocate(pod('u2', [using('app', 1)]));
  t.same(
    devices()
      .healthOf('u2', 'app')?.[0]
      ?.resources?.map(({ resourceID }) => resourceID),
    ['c'],
  );
});
