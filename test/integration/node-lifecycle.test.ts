// Nodes that are not ready yet and nodes that no longer renew their Leases, on a real API server in this process; the second test
// sets the controllers' clock.
import t from 'tap';
import { events, leases, nodes, type Pod, pods, serviceAccounts } from '../../controlplane/api/index';
import { formatMicroTime } from '../../controlplane/base/clock';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { FakeClock } from '../lib/fake-clock';
import { reportReady } from '../lib/fake-kubelet';

t.setTimeout(180_000);

const condition = (
  object: { status?: { conditions?: { type: string; status: string }[] } } | undefined,
  type: string,
) => object?.status?.conditions?.find((each) => each.type === type)?.status;

t.test('a new node gets no pod until its kubelet reports that it is ready', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['old'] });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  // As a kubelet registers its node: with a status. Without the condition the controller would remove the taint, as upstream.
  const created = await client.create(nodes, {
    metadata: { name: 'fresh', labels: { 'kubernetes.io/hostname': 'fresh' } },
    status: { conditions: [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady' }] },
  });
  t.same(created.spec?.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  const waits: Pod = {
    metadata: { name: 'waits', namespace: 'default' },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': 'fresh' },
      containers: [{ name: 'c', image: 'registry.local/app:1' }],
    },
  };
  await client.create(pods, waits);
  const messageOf = (pod: Pod | undefined) =>
    pod?.status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
  // The scheduler may know the pod before the node.
  const [refused] = await eventually(client, pods, ([pod]) => messageOf(pod).includes('had untolerated taint'), {
    namespace: 'default',
  });
  t.equal(refused?.spec?.nodeName, undefined, 'the taint alone keeps the pod away');

  await reportReady(client, 'fresh');
  const [bound] = await eventually(client, pods, ([pod]) => pod?.spec?.nodeName !== undefined, {
    namespace: 'default',
  });
  t.equal(bound?.spec?.nodeName, 'fresh');
  t.equal(
    (await client.get(nodes, 'fresh')).spec?.taints,
    undefined,
    'the node-lifecycle controller removed the taint',
  );

  await client.delete(nodes, 'fresh');
  const of = (reason: string) => (all: readonly { reason?: string; involvedObject: { name?: string } }[]) =>
    all.find((each) => each.reason === reason && each.involvedObject.name === 'fresh');
  const left = await eventually(client, events, (all) => of('RemovingNode')(all) !== undefined, {
    namespace: 'default',
  });
  t.match(of('RegisteredNode')(left), { message: 'Node fresh event: Registered Node fresh in Controller' });
  t.match(of('RemovingNode')(left), { message: 'Node fresh event: Removing Node fresh from Controller' });
});

t.test('a node that no longer renews its Lease', async (t) => {
  const clock = new FakeClock(Date.now());
  const { client } = await openControlPlane(t, { nodes: ['alive', 'silent'], controllers: { clock } });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  const tolerations = [
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 20 },
  ];
  const pod = (name: string, nodeName: string): Pod => ({
    metadata: { name, namespace: 'default' },
    spec: { nodeName, tolerations, containers: [{ name: 'c', image: 'registry.local/app:1' }] },
  });
  await client.create(pods, pod('stays', 'alive'));
  await client.create(pods, pod('leaves', 'silent'));
  await eventually(
    client,
    pods,
    (all) => all.length === 2 && all.every((each) => condition(each, 'Ready') === 'True'),
    { namespace: 'default' },
  );

  // The loops are idle when every node has its timer: 40 s after its last renewal.
  await clock.armed(40_000);
  // Someone sets the clock of the machine: no node is silent because of that.
  clock.step(3_600_000);
  clock.advance(30_000);
  const lease = {
    metadata: { name: 'alive', namespace: 'kube-node-lease' },
    spec: { holderIdentity: 'alive', renewTime: formatMicroTime(clock.now()) },
  };
  await client.create(leases, lease);
  await eventually(client, leases, (all) => all.length === 1, { namespace: 'kube-node-lease' });
  await client.patch(nodes, 'alive', 'merge', { metadata: { labels: { seen: 'yes' } } });
  await eventually(client, nodes, (all) => all.some(({ metadata }) => metadata?.labels?.['seen'] === 'yes'));
  await clock.armed(10_000);
  clock.advance(10_000);

  const unknown = await eventually(client, nodes, (all) => all.some((each) => (each.spec?.taints ?? []).length === 2));
  const silent = unknown.find(({ metadata }) => metadata?.name === 'silent');
  t.same(
    ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => condition(silent, type)),
    Array(4).fill('Unknown'),
  );
  t.same(
    silent?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`),
    ['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute'],
  );
  const alive = unknown.find(({ metadata }) => metadata?.name === 'alive');
  t.equal(condition(alive, 'Ready'), 'True', 'the Lease alone keeps the other node ready');

  const notReady = await eventually(client, pods, (all) => all.some((each) => condition(each, 'Ready') === 'False'), {
    namespace: 'default',
  });
  t.same(
    notReady.filter((each) => condition(each, 'Ready') === 'False').map(({ metadata }) => metadata?.name),
    ['leaves'],
  );

  t.comment('nothing is written after all conditions are set');
  const { metadata } = await client.list(nodes);
  await client.list(pods);
  t.ok(Number(metadata.resourceVersion) < 1000, 'no loop of writes');

  t.comment('the pod is evicted when its toleration ends');
  // Before the other node is silent, too: without a ready node no pod is evicted.
  while (!clock.pending().some((ms) => ms > 15_000 && ms <= 20_000)) await new Promise(setImmediate);
  clock.advance(20_000);
  await eventually(client, pods, (all) => all.length === 1 && all[0]?.metadata?.name === 'stays', {
    namespace: 'default',
  });
});

t.test("a pod leaves a node with a user's taint, which has no time, when its toleration ends", async (t) => {
  const clock = new FakeClock(Date.now());
  const { client } = await openControlPlane(t, { nodes: ['n1'], controllers: { clock } });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  const toleration = { key: 'maint', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 8 };
  const pod = (name: string, tolerationSeconds: number): Pod => ({
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: 'n1',
      terminationGracePeriodSeconds: 0,
      tolerations: [{ ...toleration, tolerationSeconds }],
      containers: [{ name: 'c', image: 'registry.local/app:1' }],
    },
  });
  await client.create(pods, pod('short', 8));
  await client.create(pods, pod('long', 3_600));
  await client.patch(nodes, 'n1', 'merge', { spec: { taints: [{ key: 'maint', effect: 'NoExecute' }] } });
  await clock.armed(3_600_000);
  await clock.armed(8_000);
  clock.advance(8_000);
  const left = await eventually(client, pods, (all) => all.length < 2, { namespace: 'default' });
  t.same(
    left.map(({ metadata }) => metadata?.name),
    ['long'],
  );
});
