import t from 'tap';
import { configMaps, type Pod, pods } from '../../../controlplane/api';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

type Ephemeral = NonNullable<NonNullable<Pod['spec']>['ephemeralContainers']>[number];
const statusOf = (pod: Pod | undefined) => pod?.status?.ephemeralContainerStatuses?.[0];
const waitsFor = (reason: string) => (pod: Pod | undefined) => statusOf(pod)?.state?.waiting?.reason === reason;

/** A running pod, and a way to add an ephemeral container to it. */
async function start(t: Parameters<typeof setUp>[0]) {
  const kubelet = await setUp(t);
  await kubelet.create('web', { containers: [container('app')] });
  await kubelet.ready('web');
  const debug = (more: Partial<Ephemeral> = {}) => {
    const ephemeralContainers = [{ name: 'tool', image: 'app:1', ...more }];
    return kubelet.client.patch<Pod>(pods, 'shop/web', 'merge', { spec: { ephemeralContainers } });
  };
  const runs = () => kubelet.until('web', (pod) => statusOf(pod)?.state?.running !== undefined);
  const ended = () => kubelet.until('web', (pod) => statusOf(pod)?.state?.terminated !== undefined);
  return { ...kubelet, debug, runs, ended };
}

t.test('one added to a running pod starts once, also after a restart of the kubelet', async (t) => {
  const { debug, runs, ended, runtime, restart, create, ready, client, reasons } = await start(t);
  await client.create(configMaps, { metadata: { name: 'cfg', namespace: 'shop' }, data: { a: 'one' } });
  await debug({ envFrom: [{ configMapRef: { name: 'cfg' } }] });
  t.match(statusOf(await runs()), { name: 'tool', ready: false, restartCount: 0 });
  t.same(runtime.byName('uid-web', 'tool')?.spec.env, ['a=one'], 'with a ConfigMap that the pod did not need before');
  t.equal((await reasons()).filter((reason) => reason === 'Started').length, 2);
  const { id } = runtime.byName('uid-web', 'tool')!.record;
  await restart();
  runtime.end(id, 3);
  t.match(statusOf(await ended()), { containerID: `docker://${id}`, state: { terminated: { exitCode: 3 } } });
  await restart();
  await create('other', { containers: [container('app')] });
  await ready('other');
  const starts = runtime.calls.filter((call) => call.startsWith('start k8s_tool'));
  t.same(starts, ['start k8s_tool_web_shop_uid-web_0']);
  t.equal(statusOf(await client.get<Pod>(pods, 'shop/web'))?.containerID, `docker://${id}`);
});

t.test('one with a target shares its processes, and waits while the target does not exist', async (t) => {
  const { debug, until, runs, runtime, clock } = await start(t);
  await debug({ targetContainerName: 'nothing' });
  const web = await until('web', waitsFor('CreateContainerConfigError'));
  t.equal(statusOf(web)?.state?.waiting?.message, 'unable to find target container nothing');
  // A failed start is tried again after 10 s.
  clock.advance(10_000);
  await debug({ targetContainerName: 'app' });
  const app = runtime.byName('uid-web', 'app')!.record.id;
  await runs();
  t.same(runtime.byName('uid-web', 'tool')?.spec.pid, { container: app });
});

t.test('one whose image is missing waits, and the pod stays ready', async (t) => {
  const { debug, until } = await start(t);
  await debug({ image: 'none:1', imagePullPolicy: 'Never' });
  const web = await until('web', waitsFor('ErrImageNeverPull'));
  t.equal(web?.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
});

t.test('a deleted pod ends and removes it', async (t) => {
  const { debug, runs, until, client, runtime } = await start(t);
  await debug();
  await runs();
  await client.delete(pods, 'shop/web');
  await until('web', (pod) => pod === undefined);
  t.ok(runtime.calls.includes('stop k8s_tool_web_shop_uid-web_0 5'));
  t.equal(runtime.byName('uid-web', 'tool'), undefined);
});
