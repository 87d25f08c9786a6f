// ReplicationControllers on a real API server in this process, with all controllers and simulated kubelets.
import t from 'tap';
import { isReady } from '../../controlplane/api/conditions';
import { pods, replicationControllers, serviceAccounts } from '../../controlplane/api/index';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.setTimeout(120_000);
const namespace = 'default';

t.test('a ReplicationController keeps its number of pods', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['n1'], kubelets: {} });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace });
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'registry.local/app:1' }] },
  };
  await client.create(replicationControllers, {
    metadata: { name: 'web', namespace },
    spec: { replicas: 3, template },
  });
  const [made] = await eventually(client, replicationControllers, ([one]) => one?.status?.availableReplicas === 3, {
    namespace,
  });
  t.match(made?.status, { replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, observedGeneration: 1 });
  const [pod] = await eventually(client, pods, (all) => all.length === 3 && all.every(isReady), { namespace });
  const owner = { apiVersion: 'v1', kind: 'ReplicationController', name: 'web', controller: true };
  t.match(pod?.metadata?.ownerReferences, [owner]);

  t.comment('a pod without the labels is released, and another one is created');
  await client.patch(pods, `${namespace}/${pod?.metadata?.name}`, 'merge', { metadata: { labels: { app: 'x' } } });
  const all = await eventually(
    client,
    pods,
    (found) => found.length === 4 && found.filter(({ metadata }) => metadata?.ownerReferences).length === 3,
    { namespace },
  );
  t.equal(all.filter(({ metadata }) => metadata?.labels?.app === 'web').length, 3);

  t.comment('fewer pods');
  await client.patch(replicationControllers, `${namespace}/web`, 'merge', { spec: { replicas: 1 } });
  await eventually(client, pods, (found) => found.length === 2, { namespace });

  t.comment('a deletion without a policy leaves the pod, without an owner');
  await client.delete(replicationControllers, `${namespace}/web`);
  await eventually(client, replicationControllers, (found) => found.length === 0, { namespace });
  const left = await eventually(
    client,
    pods,
    (found) => found.length === 2 && found.every(({ metadata }) => !metadata?.ownerReferences),
    { namespace },
  );
  t.ok(left.every(({ metadata }) => !metadata?.deletionTimestamp));
});
