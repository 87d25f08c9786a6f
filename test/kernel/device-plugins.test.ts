// Device plug-ins with real Docker: what a container sees of its devices, refused pods, and what survives a restart of the kubelet.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type Node, nodes, type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { playPlugin } from '../lib/device-plugin';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);
const resource = 'example.com/resource';

t.test('devices of plug-ins', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  let running = await startKubelet(client, dockerd);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const shared = join(dockerd.dir, 'shared');
  await mkdir(shared);
  await writeFile(join(shared, 'firmware'), 'two');
  const socket = join(dockerd.dir, 'kubelet/device-plugins/kubelet.sock');
  const play = async () => {
    const plugin = await playPlugin(socket, resource, ['Dev-1', 'Dev-2'], {
      answer: (ids) => ({
        envs: { DEVICES: ids.join(',') },
        mounts: [{ containerPath: '/firmware', hostPath: shared, readOnly: true }],
        devices: ids.map((id) => ({ containerPath: `/dev/${id}`, hostPath: '/dev/kmsg', permissions: 'r' })),
        annotations: { 'example.com/devices': ids.join(',') },
      }),
    });
    scope.defer(() => plugin.stop());
    return plugin;
  };
  const node = (count: string) =>
    client.until<Node>(nodes, 'n1', (one) => one?.status?.allocatable?.[resource] === count);
  const using = (name: string, count: number) =>
    kubeletPod(name, {
      containers: [
        {
          name: 'app',
          image: dockerd.image,
          imagePullPolicy: 'Never',
          command: ['/bin/sh', '-c', 'exec sleep 1000'],
          resources: { limits: { [resource]: String(count) }, requests: { [resource]: String(count) } },
        },
      ],
    });
  const until = (name: string, test: (pod: Pod | undefined) => boolean) =>
    client.until<Pod>(pods, `default/${name}`, test);
  const idOf = (pod: Pod | undefined) => pod!.status!.containerStatuses![0]!.containerID!.replace('docker://', '');

  const plugin = await play();
  const announced = await node('2');
  t.equal(announced?.status?.capacity?.[resource], '2');
  await client.create(pods, using('one', 1));
  const one = await until('one', isReady);
  const see = (pod: Pod | undefined, script: string) => dockerd.docker('exec', idOf(pod), '/bin/sh', '-c', script);
  t.equal(await see(one, 'echo $DEVICES; cat /firmware/firmware'), 'Dev-1\ntwo');
  t.equal(await see(one, 'stat -c %F /dev/Dev-1'), 'character special file\n');
  t.match(
    await see(one, '(: >/dev/Dev-1) 2>&1 || true'),
    /Operation not permitted/,
    'only to read: other containers may not even do that',
  );
  const label = '{{index .Config.Labels "annotation.example.com/devices"}}';
  t.equal(await dockerd.docker('inspect', '-f', label, idOf(one)), 'Dev-1\n');
  t.match(one?.status?.containerStatuses?.[0]?.allocatedResourcesStatus, [
    { name: resource, resources: [{ resourceID: 'Dev-1', health: 'Healthy' }] },
  ]);

  await client.create(pods, using('two', 2));
  const two = await until('two', (pod) => pod?.status?.phase === 'Failed');
  t.match(two?.status, {
    reason: 'UnexpectedAdmissionError',
    message: `Pod was rejected: Allocate failed due to requested number of devices unavailable for ${resource}. Requested: 2, Available: 1, which is unexpected`,
  });

  plugin.devices({ ID: 'Dev-1', health: 'Unhealthy' }, 'Dev-2');
  await node('1');
  await until(
    'one',
    (pod) => pod?.status?.containerStatuses?.[0]?.allocatedResourcesStatus?.[0]?.resources?.[0]?.health === 'Unhealthy',
  );

  await running.stop();
  running = await startKubelet(client, dockerd);
  await node('0');
  await plugin.stop();
  await play();
  await node('2');
  await client.create(pods, using('other', 1));
  const other = await until('other', isReady);
  t.equal(await see(other, 'echo $DEVICES'), 'Dev-2\n', 'the device of the first pod is not free');
  t.equal(idOf(await until('one', isReady)), idOf(one), 'whose container still runs');
});
