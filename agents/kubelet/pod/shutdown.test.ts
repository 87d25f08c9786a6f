// What the shutdown of the node does to a pod: it fails for good, and its volumes are unmounted.
import t from 'tap';
import { type Pod, pods } from '../../../controlplane/api';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

const message = 'Pod was terminated in response to imminent node shutdown.';
const end = { reason: 'Terminated', message, graceSeconds: 7, disrupted: true };
const withVolume = {
  terminationGracePeriodSeconds: 60,
  containers: [container('app', { volumeMounts: [{ name: 'ram', mountPath: '/ram' }] })],
  volumes: [{ name: 'ram', emptyDir: { medium: 'Memory' } }],
};
const failed = (pod: Pod | undefined) => pod?.status?.phase === 'Failed';

t.test('the pod fails, and its volumes are gone when the shutdown goes on', async (t) => {
  const { create, ready, runtime, set, reasons, mounts, client, restart } = await setUp(t);
  await create('web', withVolume);
  await ready('web');
  t.equal(mounts.entries.length, 1);
  t.same(
    set()
      .holdingPods()
      .map(({ metadata }) => metadata?.name),
    ['web'],
  );
  await set().endForGood('uid-web', end);
  t.same(mounts.entries, [], 'unmounted');
  t.ok(runtime.calls.includes('stop k8s_app_web_shop_uid-web_0 7'), 'with the time that is left');
  const expected = { phase: 'Failed', reason: 'Terminated', message };
  const found = await client.get(pods, 'shop/web');
  t.match(found.status, expected);
  t.match(
    found.status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
    { status: 'True', reason: 'TerminationByKubelet', message },
  );
  t.same(await reasons(), ['Pulled', 'Created', 'Started', 'Killing'], 'no Event of its own');
  t.same(set().holdingPods(), []);
  await restart();
  await create('other', { containers: [container('app')] });
  await ready('other');
  t.match((await client.get(pods, 'shop/web')).status, expected, 'after the next boot');
  t.equal(runtime.calls.filter((call) => call.startsWith('create k8s_app_web_')).length, 1);
});

t.test('a pod that is being deleted ends as usual', async (t) => {
  const { create, ready, until, set, client, mounts } = await setUp(t);
  await create('web', withVolume);
  await ready('web');
  await client.delete(pods, 'shop/web');
  await set().endForGood('uid-web', end);
  t.same(mounts.entries, []);
  t.equal(await until('web', (pod) => pod === undefined), undefined);
  await set().endForGood('uid-none', end);
});

t.test('a pod without containers fails at once', async (t) => {
  const { create, set, waiting, client } = await setUp(t);
  await create('web', { containers: [container('app', { image: 'none:1', imagePullPolicy: 'Never' })] });
  await waiting('web', 'ErrImageNeverPull');
  await set().endForGood('uid-web', end);
  t.match((await client.get(pods, 'shop/web')).status, { phase: 'Failed', reason: 'Terminated' });
});

t.test('a node that shuts down refuses new pods', async (t) => {
  const { create, until, runtime } = await setUp(t, {
    ownNode: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
    pressure: () => ({ reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }),
  });
  await create('web', { containers: [container('app')] });
  const found = await until('web', failed);
  t.match(found?.status, {
    reason: 'NodeShutdown',
    message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
  });
  t.same(runtime.calls, []);
});
