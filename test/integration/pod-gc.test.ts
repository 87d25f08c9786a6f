// Deleted pods of a node that is switched off, on a real API server in this process.
import t from 'tap';
import { nodes, type Pod, pods, serviceAccounts } from '../../controlplane/api/index';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.test('taint out-of-service on a node that is not ready: its deleted pods need no kubelet', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['alive'] });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  for (const [name, status] of [
    ['off', 'False'],
    ['busy', 'True'],
  ] as const) {
    await client.create(nodes, {
      metadata: { name },
      status: { conditions: [{ type: 'Ready', status, reason: 'KubeletReady' }] },
    });
  }
  const create = async (name: string, nodeName: string, finalizers: string[] = []) => {
    const pod: Pod = {
      metadata: { name, namespace: 'default', finalizers },
      spec: {
        nodeName,
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'c', image: 'registry.local/app:1' }],
      },
    };
    await client.create(pods, pod);
  };
  await create('gone', 'off');
  await create('held', 'off', ['example.com/hold']);
  await create('kept', 'off');
  await create('elsewhere', 'busy');
  for (const name of ['gone', 'held', 'elsewhere']) await client.delete(pods, `default/${name}`);
  const waiting = await client.list(pods, { namespace: 'default' });
  t.equal(waiting.items.length, 4, 'each waits for its kubelet');

  const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }];
  for (const name of ['busy', 'off']) await client.patch(nodes, name, 'strategic', { spec: { taints } });
  const left = await eventually(
    client,
    pods,
    (all) =>
      !all.some(({ metadata }) => metadata?.name === 'gone') &&
      all.find(({ metadata }) => metadata?.name === 'held')?.metadata?.deletionGracePeriodSeconds === 0,
    { namespace: 'default' },
  );
  const named = (name: string) => left.find(({ metadata }) => metadata?.name === name);
  t.equal(named('held')?.status?.phase, 'Failed', 'no kubelet will report its end');
  t.equal(named('kept')?.metadata?.deletionTimestamp, undefined, 'a pod that is not deleted stays');
  t.equal(named('elsewhere')?.status?.phase, 'Pending', 'the taint alone is not enough: this node is ready');

  await create('later', 'off');
  await client.delete(pods, 'default/later');
  await eventually(client, pods, (all) => !all.some(({ metadata }) => metadata?.name === 'later'), {
    namespace: 'default',
  });
});
