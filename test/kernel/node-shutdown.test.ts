// Graceful node shutdown with real Docker: pods fail in the order of their priority, while the API and the volumes still work.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { type Node, nodes, type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod as pod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);

t.test('the machine goes down', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  const periods = [
    { priority: 0, seconds: 60 },
    { priority: 2_000_000_000, seconds: 60 },
  ];
  let running = await startKubelet(client, dockerd, undefined, undefined, undefined, periods);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const politely = {
    name: 'c',
    image: dockerd.image,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', "trap 'exit 7' TERM; sleep 100000 & wait"],
    volumeMounts: [{ name: 'ram', mountPath: '/ram' }],
  };
  const spec = {
    terminationGracePeriodSeconds: 30,
    containers: [politely],
    volumes: [{ name: 'ram', emptyDir: { medium: 'Memory' } }],
  };
  await client.create(pods, pod('web', spec));
  await client.create(pods, pod('system', { ...spec, priority: 2_000_001_000 }));
  for (const name of ['web', 'system']) await client.until<Pod>(pods, `default/${name}`, isReady);
  const mounted = async () =>
    (await readFile('/proc/self/mounts', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(`${dockerd.dir}/kubelet/pods`));
  t.equal((await mounted()).length >= 2, true);
  await running.stop('machine goes down');
  const left = (await new DockerRuntime(dockerd.host).list()).filter(({ state }) => state === 'running');
  t.strictSame(left, [], 'no container runs, and no sandbox');
  t.same(await mounted(), [], 'all volumes are unmounted');
  const expected = {
    phase: 'Failed',
    reason: 'Terminated',
    message: 'Pod was terminated in response to imminent node shutdown.',
    containerStatuses: [{ state: { terminated: { exitCode: 7 } } }],
  };
  const ends: number[] = [];
  for (const name of ['web', 'system']) {
    const { status } = await client.get<Pod>(pods, `default/${name}`);
    t.match(status, expected, name);
    ends.push(Date.parse(status?.containerStatuses?.[0]?.state?.terminated?.finishedAt ?? ''));
  }
  t.ok(ends[0]! <= ends[1]!, 'the critical pod last');
  const ready = (await client.get<Node>(nodes, 'n1')).status?.conditions?.find(({ type }) => type === 'Ready');
  t.match(ready, { status: 'False', reason: 'KubeletNotReady', message: 'node is shutting down' });
  t.match(JSON.parse(await readFile(join(dockerd.dir, 'kubelet/graceful_node_shutdown_state'), 'utf8')), {
    endTime: /^20/,
  });
  running = await startKubelet(client, dockerd, undefined, undefined, undefined, periods);
  await client.create(pods, pod('next', { containers: [{ ...politely, volumeMounts: [] }] }));
  await client.until<Pod>(pods, 'default/next', isReady);
  t.match((await client.get<Pod>(pods, 'default/web')).status, expected, 'after the boot');
});
