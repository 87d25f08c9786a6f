// Evictions of real containers: by the node's memory and by a pod's own storage limits, from the kernel's own numbers.
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parseThresholds } from '../../agents/kubelet/eviction/thresholds';
import { defaultNodePolicy, type NodePolicy } from '../../agents/kubelet/node/policy';
import { type Event, events, type Node, nodes, type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutDocker, startDockerd, type TestDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

const skip = skipWithoutDocker();
const texts = { hard: {}, soft: {}, softGracePeriod: {}, minimumReclaim: {} };
const ready = (name: string, client: MemoryClient) => client.until<Pod>(pods, `default/${name}`, isReady);
const failed = (name: string, client: MemoryClient) =>
  client.until<Pod>(pods, `default/${name}`, (pod) => pod?.status?.phase === 'Failed');

async function setUp(
  scope: Scope,
  policy: Partial<NodePolicy>,
): Promise<{ dockerd: TestDockerd; client: MemoryClient }> {
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  const { stop } = await startKubelet(client, dockerd, undefined, undefined, { ...defaultNodePolicy, ...policy });
  scope.defer(() => stop());
  await assignPodCidr(client);
  return { dockerd, client };
}

const sleeps = 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done';

t.test('pods over their own storage limits are evicted', { skip, timeout: 240_000 }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const { dockerd, client } = await setUp(scope, { thresholds: [] });
  const app = { name: 'app', image: dockerd.image };
  const writes = (path: string, then = sleeps) => ['sh', '-c', `head -c 3000000 /dev/zero > ${path}; ${then}`];
  const limited = { resources: { limits: { 'ephemeral-storage': '1Mi' } } };
  const cache = { volumeMounts: [{ name: 'cache', mountPath: '/cache' }] };
  await Promise.all(
    [
      kubeletPod('cache', {
        volumes: [{ name: 'cache', emptyDir: { sizeLimit: '2Mi' } }],
        containers: [{ ...app, ...cache, command: writes('/cache/file') }],
      }),
      kubeletPod('within', {
        volumes: [{ name: 'cache', emptyDir: { sizeLimit: '20Mi' } }],
        containers: [{ ...app, ...cache, command: writes('/cache/file') }],
      }),
      kubeletPod('layer', { containers: [{ ...app, ...limited, command: writes('/file') }] }),
      kubeletPod('log', {
        containers: [
          { ...app, ...limited, command: ['sh', '-c', `head -c 3000000 /dev/zero; ${sleeps}`] },
          {
            ...app,
            name: 'large',
            resources: { limits: { 'ephemeral-storage': '100Mi' } },
            command: ['sh', '-c', sleeps],
          },
        ],
      }),
    ].map((pod) => client.create<Pod>(pods, pod)),
  );
  const messages = {
    cache: 'Usage of EmptyDir volume "cache" exceeds the limit "2Mi". ',
    layer: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ',
    log: 'Container app exceeded its local ephemeral storage limit "1Mi". ',
  };
  for (const [name, message] of Object.entries(messages)) {
    const pod = await failed(name, client);
    t.match(pod?.status, { phase: 'Failed', reason: 'Evicted', message });
    t.notOk(
      pod?.status?.conditions?.some(({ type }) => type === 'DisruptionTarget'),
      name,
    );
  }
  t.ok(await ready('within', client));
  t.match(
    (await client.list<Event>(events)).items.find(({ reason }) => reason === 'Evicted'),
    { type: 'Warning', source: { component: 'kubelet' } },
  );
});

t.test(
  'a node short of memory evicts the pod that uses most above its request',
  { skip, timeout: 240_000 },
  async (t) => {
    const scope = new Scope();
    t.teardown(() => scope.close());
    const total = Number(/MemTotal:\s+(\d+)/.exec(await readFile('/proc/meminfo', 'utf8'))![1]) * 1024;
    const amount = { amount: total * 2, text: `${total * 2}` };
    // A soft threshold that is always met: pods can run before it counts.
    const soft = parseThresholds({
      ...texts,
      soft: { 'memory.available': amount.text },
      softGracePeriod: { 'memory.available': '1s' },
    });
    const { dockerd, client } = await setUp(scope, { thresholds: soft, maxPodGraceSeconds: 3 });
    const app = { name: 'app', image: dockerd.image };
    const memory = { resources: { requests: { memory: '1Mi' } } };
    const eats = `x=$(head -c 20000000 /dev/zero | tr "\\0" a); ${sleeps}`;
    for (const [name, script] of [
      ['modest', sleeps],
      ['greedy', eats.replace('tr "\\0" a', 'cat')],
    ] as const) {
      await client.create<Pod>(
        pods,
        kubeletPod(name, { containers: [{ ...app, ...memory, command: ['sh', '-c', script] }] }),
      );
    }
    const pressed = await client.until<Node>(
      nodes,
      'n1',
      (node) =>
        node?.status?.conditions?.some(({ type, status }) => type === 'MemoryPressure' && status === 'True') ?? false,
    );
    t.match(
      pressed?.status?.conditions?.find(({ type }) => type === 'MemoryPressure'),
      { reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' },
    );
    await client.create<Pod>(pods, kubeletPod('late', { containers: [{ ...app, command: ['sh', '-c', sleeps] }] }));
    const late = await failed('late', client);
    t.match(late?.status, {
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    });
    const victim = await Promise.race([failed('greedy', client), failed('modest', client)]);
    t.match(victim?.status, {
      reason: 'Evicted',
      message: /^The node was low on resource: memory\. Threshold quantity: \d+/,
    });
    t.ok(
      victim?.status?.conditions?.some(
        ({ type, reason }) => type === 'DisruptionTarget' && reason === 'TerminationByKubelet',
      ),
    );
  },
);
