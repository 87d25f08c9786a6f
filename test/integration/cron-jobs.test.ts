// CronJobs on a real API server in this process, with all controllers and kubelets whose pods end at once.
import t from 'tap';
import { cronJobs, events, jobs, pods, serviceAccounts } from '../../controlplane/api/index';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.setTimeout(120_000);
const namespace = 'default';

t.test('a CronJob creates Jobs, counts them, keeps the newest ones, and replaces them', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['n1'], kubelets: { ends: () => 'Succeeded' } });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace });
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.local/app:1' }] } };
  await client.create(cronJobs, {
    metadata: { name: 'often', namespace },
    spec: { schedule: '@every 1s', successfulJobsHistoryLimit: 1, jobTemplate: { spec: { template } } },
  });
  const [ran] = await eventually(client, cronJobs, ([one]) => one?.status?.lastSuccessfulTime !== undefined, {
    namespace,
  });
  t.ok(ran?.status?.lastScheduleTime);
  const [job] = await eventually(client, jobs, ([one]) => one?.status?.succeeded === 1, { namespace });
  t.match(job?.metadata?.name, /^often-\d+$/);
  t.match(job?.metadata?.ownerReferences, [{ kind: 'CronJob', name: 'often', controller: true }]);
  await eventually(client, events, (all) => all.some(({ reason }) => reason === 'SawCompletedJob'), { namespace });

  t.comment('a deletion of the CronJob deletes its Jobs and their pods');
  await client.delete(cronJobs, `${namespace}/often`);
  await eventually(client, jobs, (all) => all.length === 0, { namespace });
  await eventually(client, pods, (all) => all.length === 0, { namespace });
});
