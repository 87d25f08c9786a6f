// Preemption and scheduling gates: the scheduler on a real API server in this process, with simulated kubelets.
import t, { type Test } from 'tap';
import { events, type Pod, pods, serviceAccounts } from '../../controlplane/api/index';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.setTimeout(180_000);

async function startCluster(test: Test): Promise<Client> {
  const { client } = await openControlPlane(test, { nodes: ['n1', 'n2'] });
  await eventually(client, serviceAccounts, (all) => all.length > 0, { namespace: 'kube-system' });
  return client;
}

const pod = (name: string, cpu: string, spec: Partial<Pod['spec'] & object> = {}): Pod => ({
  metadata: { name, namespace: 'kube-system' },
  spec: { containers: [{ name: 'c', image: 'registry.local/app:1', resources: { requests: { cpu } } }], ...spec },
});
const critical = { priorityClassName: 'system-cluster-critical' };
const select = (name: string) => ({ namespace: 'kube-system', fieldSelector: `metadata.name=${name}` });

t.test('a more important pod takes the place of a less important one', async (t) => {
  const client = await startCluster(t);
  await client.create(pods, pod('small', '2'));
  await eventually(client, pods, ([one]) => one?.spec?.nodeName !== undefined, select('small'));
  await client.create(pods, pod('large', '4', critical));
  await eventually(client, pods, ([one]) => one?.spec?.nodeName !== undefined, select('large'));
  await client.create(pods, pod('urgent', '3', critical));
  const [urgent] = await eventually(client, pods, ([one]) => one?.spec?.nodeName !== undefined, select('urgent'));
  const left = (await client.list(pods, { namespace: 'kube-system' })).items;
  t.same(left.map(({ metadata }) => metadata?.name).sort(), ['large', 'urgent'], 'a pod of the same priority stays');
  t.not(urgent?.spec?.nodeName, left.find(({ metadata }) => metadata?.name === 'large')?.spec?.nodeName);
  const [event] = await eventually(client, events, (all) => all.some(({ reason }) => reason === 'Preempted'), {
    fieldSelector: 'involvedObject.name=small',
  }).then((all) => all.filter(({ reason }) => reason === 'Preempted'));
  t.equal(event?.message, `Preempted by pod ${urgent?.metadata?.uid} on node ${urgent?.spec?.nodeName}`);
});

t.test('a gated pod reports its gates, and is bound when they are removed', async (t) => {
  const client = await startCluster(t);
  const made = await client.create(pods, pod('gated', '1', { schedulingGates: [{ name: 'example.com/wait' }] }));
  t.match(made.status?.conditions?.[0], { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' });
  await client.create(pods, pod('free', '1'));
  await eventually(client, pods, ([one]) => one?.spec?.nodeName !== undefined, select('free'));
  t.equal((await client.get(pods, 'kube-system/gated')).spec?.nodeName, undefined);
  await client.patch(pods, 'kube-system/gated', 'json', [{ op: 'remove', path: '/spec/schedulingGates' }]);
  await eventually(client, pods, ([one]) => one?.spec?.nodeName !== undefined, select('gated'));
});
