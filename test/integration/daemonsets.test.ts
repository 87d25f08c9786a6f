// A DaemonSet on a real API server in this process: placed, updated, rolled back, removed.
import t from 'tap';
import {
  controllerRevisions,
  type DaemonSet,
  daemonSets,
  nodes,
  pods,
  serviceAccounts,
} from '../../controlplane/api/index';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { createNodes } from '../lib/fake-kubelet';

t.setTimeout(180_000);

t.test('one pod on each node, through its life', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['n1', 'n2'] });
  const inDefault = { namespace: 'default' };
  await eventually(client, serviceAccounts, (all) => all.length === 1, inDefault);
  const set: DaemonSet = {
    metadata: { name: 'agent', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: {
        metadata: { labels: { app: 'agent' } },
        spec: { containers: [{ name: 'c', image: 'registry.local/agent:1' }] },
      },
    },
  };
  const complete = (count: number) => (all: readonly DaemonSet[]) => {
    const { metadata, status } = all[0] ?? {};
    return (
      status?.observedGeneration === metadata?.generation &&
      status?.desiredNumberScheduled === count &&
      status?.updatedNumberScheduled === count &&
      status?.numberAvailable === count
    );
  };
  await client.create(daemonSets, set);
  await eventually(client, daemonSets, complete(2), inDefault);
  const placed = (await client.list(pods, inDefault)).items;
  t.same(placed.map(({ spec }) => spec?.nodeName).sort(), ['n1', 'n2']);

  t.comment('a new node gets its pod');
  await createNodes(client, 'n3');
  await eventually(client, daemonSets, complete(3), inDefault);

  t.comment('an update replaces the pods, and the history records it');
  const image = (value: string) => [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value }];
  await client.patch(daemonSets, 'default/agent', 'json', image('registry.local/agent:2'));
  await eventually(client, daemonSets, complete(3), inDefault);
  const updated = (await client.list(pods, inDefault)).items;
  t.ok(updated.every(({ spec }) => spec?.containers[0]?.image === 'registry.local/agent:2'));
  const revisions = (await client.list(controllerRevisions, inDefault)).items;
  t.same(revisions.map(({ revision }) => revision).sort(), [1, 2]);

  t.comment('undone as kubectl does it: with the patch that the revision holds');
  const first = revisions.find(({ revision }) => revision === 1);
  await client.patch(daemonSets, 'default/agent', 'strategic', first?.data);
  await eventually(client, daemonSets, complete(3), inDefault);
  const back = (await client.list(pods, inDefault)).items;
  t.ok(back.every(({ spec }) => spec?.containers[0]?.image === 'registry.local/agent:1'));
  await eventually(
    client,
    controllerRevisions,
    (all) =>
      all.length === 2 &&
      all.some(({ revision, metadata }) => revision === 3 && metadata?.name === first?.metadata?.name),
    inDefault,
  );

  t.comment('a cordoned node keeps its pod; a node without a required label loses it');
  await client.patch(nodes, 'n1', 'merge', { metadata: { labels: { role: 'edge' } } });
  await client.patch(daemonSets, 'default/agent', 'merge', {
    spec: { template: { spec: { nodeSelector: { role: 'edge' } } } },
  });
  await eventually(client, daemonSets, complete(1), inDefault);
  await eventually(client, pods, (all) => all.length === 1 && all[0]?.spec?.nodeName === 'n1', inDefault);

  await client.delete(daemonSets, 'default/agent', { propagationPolicy: 'Background' });
  await eventually(client, pods, (all) => all.length === 0, inDefault);
  await eventually(client, controllerRevisions, (all) => all.length === 0, inDefault);
});
