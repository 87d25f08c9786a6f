// What an eviction does to a pod: its containers end, its status says why, and it never runs again.
import t from 'tap';
import { events, type Pod, pods } from '../../../controlplane/api';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

const annotations = { starved_resource: 'memory', offending_containers: 'app', offending_containers_usage: '1Gi' };
const eviction = {
  message: 'The node was low on resource: memory. ',
  graceSeconds: 1,
  disrupted: true,
  annotations,
};
const failed = (pod: Pod | undefined) => pod?.status?.phase === 'Failed';

// Every container has two seconds to end, as upstream.

t.test('an evicted pod fails with the message, and its containers end with the grace of the eviction', async (t) => {
  const { create, ready, until, runtime, set, reasons, network, client } = await setUp(t);
  await create('web', { terminationGracePeriodSeconds: 60, containers: [container('app')] });
  await ready('web');
  t.same(
    set()
      .activePods()
      .map(({ metadata }) => metadata?.name),
    ['web'],
  );
  await set().evict('uid-web', eviction);
  t.match(runtime.calls, [
    /create/,
    /start/,
    /create/,
    /start/,
    'stop k8s_app_web_shop_uid-web_0 2',
    'remove k8s_POD_web_shop_uid-web_0',
  ]);
  t.equal(network.taken.size, 0, 'its addresses are free');
  const pod = await until('web', failed);
  t.match(pod?.status, { phase: 'Failed', reason: 'Evicted', message: eviction.message });
  t.match(
    pod?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
    { status: 'True', reason: 'TerminationByKubelet', message: eviction.message },
  );
  t.same(await reasons(), ['Pulled', 'Created', 'Started', 'Evicted', 'Killing']);
  const said = (await client.list(events)).items;
  t.same(said.find(({ reason }) => reason === 'Evicted')?.metadata.annotations, annotations);
  t.notOk(said.find(({ reason }) => reason === 'Killing')?.metadata.annotations);
  t.same(set().activePods(), []);
});

t.test('a pod over its own limit is no disruption', async (t) => {
  const { create, ready, until, set } = await setUp(t);
  await create('web', { containers: [container('app')] });
  await ready('web');
  await set().evict('uid-web', { ...eviction, disrupted: false });
  const pod = await until('web', failed);
  t.notOk(pod?.status?.conditions?.some(({ type }) => type === 'DisruptionTarget'));
});

t.test('a pod is failed only when its containers have ended', async (t) => {
  const { create, ready, until, runtime, set } = await setUp(t);
  await create('web', { containers: [container('app')] });
  await ready('web');
  const mayStop = Promise.withResolvers<void>();
  const stop = runtime.stop.bind(runtime);
  runtime.stop = async (id, graceSeconds) => {
    await mayStop.promise;
    await stop(id, graceSeconds);
  };
  const ended = set().evict('uid-web', eviction);
  const disrupted = await until(
    'web',
    (pod) => pod?.status?.conditions?.some(({ type }) => type === 'DisruptionTarget') ?? false,
  );
  t.match(disrupted?.status, { phase: 'Running', reason: undefined });
  mayStop.resolve();
  await ended;
  const pod = await until('web', failed);
  t.match(pod?.status, { reason: 'Evicted', containerStatuses: [{ state: { terminated: {} } }] });
});

t.test('the verdict stays after a restart of the kubelet', async (t) => {
  const { create, ready, until, set, restart, runtime, client } = await setUp(t);
  await create('web', { containers: [container('app')] });
  await ready('web');
  await set().evict('uid-web', eviction);
  await until('web', failed);
  await restart();
  await create('other', { containers: [container('app')] });
  await ready('other');
  t.match((await client.get(pods, 'shop/web')).status, {
    phase: 'Failed',
    reason: 'Evicted',
    message: eviction.message,
  });
  t.equal(runtime.calls.filter((call) => call.startsWith('create k8s_app_web_')).length, 1);
});

t.test('an eviction shortens a deletion that is under way', async (t) => {
  const { create, ready, until, runtime, set, client } = await setUp(t);
  await create('web', { terminationGracePeriodSeconds: 60, containers: [container('app')] });
  await ready('web');
  const stopping = Promise.withResolvers<void>();
  const mayStop = Promise.withResolvers<void>();
  const stop = runtime.stop.bind(runtime);
  runtime.stop = async (id, graceSeconds) => {
    stopping.resolve();
    if (graceSeconds > 1) await mayStop.promise;
    await stop(id, graceSeconds);
  };
  await client.delete(pods, 'shop/web');
  await stopping.promise;
  const ended = set().evict('uid-web', eviction);
  // The container has ended by the shorter stop; the longer one finds nothing to do.
  runtime.stop = stop;
  mayStop.resolve();
  await ended;
  await until('web', (pod) => pod === undefined);
  t.ok(runtime.calls.includes('stop k8s_app_web_shop_uid-web_0 1'));
});

t.test('a node under pressure refuses a new pod', async (t) => {
  const { create, until, runtime } = await setUp(t, {
    ownNode: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
    pressure: () => ({ reason: 'Evicted', message: 'The node had condition: [MemoryPressure]. ' }),
  });
  await create('web', { containers: [container('app')] });
  const pod = await until('web', failed);
  t.match(pod?.status, {
    reason: 'Evicted',
    message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
  });
  t.same(runtime.calls, []);
});

t.test('the containers of pods that have ended are discarded; the status stays', async (t) => {
  const { create, ready, until, runtime, set, client } = await setUp(t);
  await create('job', { restartPolicy: 'Never', containers: [container('app')] });
  await create('web', { containers: [container('app')] });
  await ready('web');
  await ready('job');
  await set().discardEnded();
  const find = (name: string) =>
    runtime.list().then((all) => all.filter(({ labels }) => labels['io.kubernetes.pod.name'] === name));
  t.equal((await find('job')).length, 2, 'a pod that runs keeps its containers');
  const app = runtime.byName('uid-job', 'app');
  runtime.end(app!.record.id, 0);
  const before = await until('job', (pod) => pod?.status?.phase === 'Succeeded');
  // The kubelet's informer may show the end a few turns later.
  while ((await find('job')).length > 0) {
    await set().discardEnded();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal((await find('web')).length, 2);
  const after = await client.get<Pod>(pods, 'shop/job');
  t.match(after.status, { phase: 'Succeeded', containerStatuses: before?.status?.containerStatuses });
  await client.delete(pods, 'shop/job');
  t.equal(await until('job', (pod) => pod === undefined), undefined);
});
