// Deleted pods of a node that is switched off, on a real API server in this process.
import t from 'tap';
import { nodes, type Pod, pods, serviceAccounts } from '../../controlplane/api/index';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { FakeClock } from '../lib/fake-clock';

t.test('taint out-of-service on a node that is not ready: its deleted pods need no kubelet', async (t) => {
  const { client } = await openControlPlane(t, {
    // It stands still: no node becomes unknown, however slow the machine is.
    controllers: { clock: new FakeClock(Date.now()) },
  });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  await client.create(nodes, {
    metadata: { name: 'off' },
    status: { conditions: [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady' }] },
  });
  const create = async (name: string, finalizers: string[] = []) => {
    const pod: Pod = {
      metadata: { name, namespace: 'default', finalizers },
      spec: {
        nodeName: 'off',
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'c', image: 'registry.local/app:1' }],
      },
    };
    await client.create(pods, pod);
  };
  await create('gone');
  await create('held', ['example.com/hold']);
  await create('kept');
  for (const name of ['gone', 'held']) await client.delete(pods, `default/${name}`);
  const waiting = await client.list(pods, { namespace: 'default' });
  t.equal(waiting.items.length, 3, 'each waits for its kubelet');

  const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }];
  await client.patch(nodes, 'off', 'strategic', { spec: { taints } });
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

  await create('later');
  await client.delete(pods, 'default/later');
  await eventually(client, pods, (all) => !all.some(({ metadata }) => metadata?.name === 'later'), {
    namespace: 'default',
  });
});
