// A resize of a pod from its spec to its containers and status, on the fake runtime.
import t from 'tap';
import { type Pod, pods } from '../../../controlplane/api';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

const mega = 2 ** 20;
const sized = (cpu: string, memory: string, more: object = {}) => [
  container('app', { resources: { requests: { cpu, memory }, limits: { cpu, memory } }, ...more }),
];

async function start(t: Parameters<typeof setUp>[0], more: object = {}) {
  const lab = await setUp(t);
  await lab.create('web', { containers: sized('500m', '64Mi', more) });
  await lab.ready('web');
  const resize = (cpu: string, memory: string, generation: number) =>
    lab.client.patch<Pod>(pods, 'shop/web', 'merge', {
      metadata: { generation },
      spec: { containers: sized(cpu, memory, more) },
    });
  const shown = (test: (status: NonNullable<Pod['status']>) => boolean) =>
    lab.until('web', (pod) => pod?.status !== undefined && test(pod.status));
  const conditionOf = (pod: Pod | undefined, type: string) =>
    pod?.status?.conditions?.find((condition) => condition.type === type);
  const record = () => lab.runtime.byName('uid-web', 'app')!.record;
  return { ...lab, resize, shown, conditionOf, record };
}

const limitOf = ({ containerStatuses }: NonNullable<Pod['status']>) => containerStatuses?.[0]?.resources?.limits;

t.test('the status shows what a container has and what it was promised', async (t) => {
  const { ready } = await start(t);
  const amounts = { cpu: '500m', memory: '64Mi' };
  t.match((await ready('web'))?.status?.containerStatuses?.[0], {
    resources: { limits: amounts, requests: amounts },
    allocatedResources: amounts,
  });
});

t.test('a running container gets other resources and goes on', async (t) => {
  const { resize, shown, record, runtime, reasons } = await start(t);
  const { id } = record();
  await resize('1', '128Mi', 2);
  const done = await shown((status) => status.observedGeneration === 2 && limitOf(status)?.['memory'] === '128Mi');
  t.match(done?.status?.containerStatuses?.[0], { restartCount: 0, allocatedResources: { cpu: '1' } });
  t.equal(record().id, id);
  t.match(record().resources, { cpuShares: 1024, cpuQuotaMicros: 100_000, memoryBytes: 128 * mega });
  t.equal(runtime.calls.filter((call) => call.startsWith('update')).length, 1);
  await shown((status) => !status.conditions?.some(({ type }) => type.startsWith('PodResize')));
  t.match(await reasons(), /ResizeStarted.*ResizeCompleted/);
});

t.test('a policy restarts the container', async (t) => {
  const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }];
  const { resize, shown, record, runtime } = await start(t, { resizePolicy });
  await resize('500m', '128Mi', 2);
  const done = await shown(
    ({ containerStatuses: [status] = [] }) =>
      status?.restartCount === 1 && status.resources?.limits?.['memory'] === '128Mi',
  );
  t.ok(done?.status?.containerStatuses?.[0]?.lastState?.terminated);
  t.equal(record().resources?.memoryBytes, 128 * mega);
  t.notOk(runtime.calls.some((call) => call.startsWith('update')));
});

t.test('a resize beyond the node waits, and a restarted kubelet keeps the promise', async (t) => {
  const { resize, shown, conditionOf, restart, record, runtime } = await start(t);
  await resize('3', '64Mi', 2);
  const waits = await shown((status) => status.conditions?.some(({ reason }) => reason === 'Deferred') ?? false);
  t.match(conditionOf(waits, 'PodResizePending'), {
    status: 'True',
    observedGeneration: 2,
    message: "Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
  });
  t.equal(waits?.status?.containerStatuses?.[0]?.allocatedResources?.['cpu'], '500m');
  await restart();
  await resize('1', '64Mi', 3);
  await shown((status) => limitOf(status)?.['cpu'] === '1');
  t.equal(record().resources?.cpuShares, 1024);
  t.equal(runtime.calls.filter((call) => call.startsWith('update')).length, 1, 'the first resize changed nothing');
});

t.test('less memory than the container uses is refused and tried again', async (t) => {
  const { resize, shown, conditionOf, runtime, clock, record } = await start(t);
  runtime.memoryInUse = 40 * mega;
  await resize('500m', '32Mi', 2);
  const failed = await shown((status) => status.conditions?.some(({ reason }) => reason === 'Error') ?? false);
  t.match(conditionOf(failed, 'PodResizeInProgress'), {
    status: 'True',
    reason: 'Error',
    message:
      'cannot decrease memory limits: attempting to set container "app" memory limit (33554432) below current usage (41943040)',
    observedGeneration: 2,
  });
  t.equal(limitOf(failed!.status!)?.['memory'], '64Mi', 'the actual limit');
  runtime.memoryInUse = 20 * mega;
  while (record().resources?.memoryBytes !== 32 * mega) {
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await shown((status) => limitOf(status)?.['memory'] === '32Mi');
  t.equal(record().resources?.memoryBytes, 32 * mega);
});
