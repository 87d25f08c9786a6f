// Jobs on a real API server in this process, with kubelets whose pods end at once.
import t, { type Test } from 'tap';
import { type Job, jobs, type Pod, pods, serviceAccounts } from '../../controlplane/api/index';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import type { FakeKubeletOptions } from '../lib/fake-kubelet';

t.setTimeout(180_000);

async function startCluster(test: Test, options: FakeKubeletOptions): Promise<Client> {
  const { client } = await openControlPlane(test, { nodes: ['n1', 'n2'], kubelets: options });
  await eventually(client, serviceAccounts, (all) => all.length === 1, { namespace: 'default' });
  return client;
}

const job = (name: string, spec: Partial<Job['spec'] & object> = {}): Job => ({
  metadata: { name, namespace: 'default' },
  spec: {
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.local/app:1' }] } },
    ...spec,
  },
});
const has = (type: string) => (all: readonly Job[]) =>
  all[0]?.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
const select = (name: string) => ({ namespace: 'default', fieldSelector: `metadata.name=${name}` });

t.test('a job runs its pods to the end, counts each once, and releases them', async (t) => {
  const client = await startCluster(t, { ends: () => 'Succeeded' });
  await client.create(jobs, job('five', { completions: 5, parallelism: 2 }));
  const [done] = await eventually(client, jobs, has('Complete'), select('five'));
  t.equal(done?.status?.succeeded, 5);
  t.same(done?.status?.uncountedTerminatedPods, {});
  t.ok(done?.status?.completionTime);
  const made = (await client.list(pods, { namespace: 'default', labelSelector: 'job-name=five' })).items;
  t.equal(made.length, 5, 'no extra pod');
  await eventually(
    client,
    pods,
    (all) => all.length === 5 && all.every(({ metadata }) => metadata?.finalizers === undefined),
    { namespace: 'default' },
  );

  t.comment('its pods are deleted with the job');
  await client.delete(jobs, 'default/five', { propagationPolicy: 'Foreground' });
  await eventually(client, jobs, (all) => all.length === 0, select('five'));
  await eventually(client, pods, (all) => all.length === 0, { namespace: 'default' });

  t.comment('a job with ttlSecondsAfterFinished is deleted');
  const brief = job('brief', { ttlSecondsAfterFinished: 0 });
  const held = { finalizers: ['example.com/hold'] };
  await client.create(jobs, {
    ...brief,
    spec: { ...brief.spec!, template: { ...brief.spec!.template, metadata: held } },
  });
  const isGoing = ([found]: readonly Job[]) => found?.metadata?.finalizers?.includes('foregroundDeletion') ?? false;
  await eventually(client, jobs, isGoing, select('brief'));
  const [last] = await eventually(
    client,
    pods,
    ([pod]) => pod?.metadata?.deletionTimestamp !== undefined && pod.metadata.finalizers?.length === 1,
    { namespace: 'default' },
  );
  t.ok(await client.get(jobs, 'default/brief'), 'the job waits for its pod');
  await client.patch(pods, `default/${last?.metadata?.name}`, 'merge', { metadata: { finalizers: null } });
  await eventually(client, pods, (all) => all.length === 0, { namespace: 'default' });
  await eventually(client, jobs, (all) => all.length === 0, { namespace: 'default' });
});

t.test('a failed job reports why', async (t) => {
  const client = await startCluster(t, { ends: () => 'Failed' });
  await client.create(jobs, job('broken', { backoffLimit: 0 }));
  const [failed] = await eventually(client, jobs, has('Failed'), select('broken'));
  t.match(
    failed?.status?.conditions?.find(({ type }) => type === 'Failed'),
    { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' },
  );
  t.equal(failed?.status?.failed, 1);
});

t.test(
  'suspending removes the pods, resuming creates them again, and running pods are deleted with the job',
  async (t) => {
    const client = await startCluster(t, {});
    await client.create(jobs, job('long', { completions: 2, parallelism: 2 }));
    const running = (all: readonly Job[]) => all[0]?.status?.ready === 2;
    await eventually(client, jobs, running, select('long'));
    await client.patch(jobs, 'default/long', 'merge', { spec: { suspend: true } });
    const [suspended] = await eventually(client, jobs, has('Suspended'), select('long'));
    await eventually(client, pods, (all) => all.length === 0, { namespace: 'default' });
    t.equal(suspended?.status?.startTime, undefined, 'the time of a suspended job does not count');
    await client.patch(jobs, 'default/long', 'merge', { spec: { suspend: false, activeDeadlineSeconds: 600 } });
    const [resumed] = await eventually(client, jobs, running, select('long'));
    t.ok(resumed?.status?.startTime, 'it starts again');
    await client.delete(jobs, 'default/long', { propagationPolicy: 'Background' });
    t.same(await eventually(client, pods, (all) => all.length === 0, { namespace: 'default' }), []);
  },
);

const indexOf = ({ metadata }: Pod): string => metadata?.labels?.['batch.kubernetes.io/job-completion-index'] ?? '';

t.test('an indexed job runs one pod per index, and grows with its parallelism', async (t) => {
  const client = await startCluster(t, { ends: () => 'Succeeded' });
  await client.create(jobs, job('indexed', { completionMode: 'Indexed', completions: 3, parallelism: 2 }));
  const [done] = await eventually(client, jobs, has('Complete'), select('indexed'));
  t.match(done?.status, { succeeded: 3, completedIndexes: '0-2' });
  const { items } = await client.list(pods, { namespace: 'default', labelSelector: 'job-name=indexed' });
  t.same(items.map(indexOf).sort(), ['0', '1', '2']);
  const [first] = items.filter((pod) => indexOf(pod) === '0');
  t.match(first?.metadata, {
    name: /^indexed-0-/,
    annotations: { 'batch.kubernetes.io/job-completion-index': '0' },
  });
  t.equal(first?.spec?.hostname, 'indexed-0');
  t.match(first?.spec?.containers[0]?.env, [
    {
      name: 'JOB_COMPLETION_INDEX',
      valueFrom: {
        fieldRef: { apiVersion: 'v1', fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" },
      },
    },
  ]);

  t.comment('suspended, made larger, resumed');
  const elastic = { completionMode: 'Indexed', completions: 1, parallelism: 1, suspend: true };
  await client.create(jobs, job('elastic', elastic));
  await eventually(client, jobs, has('Suspended'), select('elastic'));
  const change = { spec: { completions: 4, parallelism: 4, suspend: false } };
  await client.patch(jobs, 'default/elastic', 'merge', change);
  const [grown] = await eventually(client, jobs, has('Complete'), select('elastic'));
  t.match(grown?.status, { succeeded: 4, completedIndexes: '0-3' });
});

t.test('policies of failure and success, and limits per index', async (t) => {
  const fails = (pod: Pod) => indexOf(pod) === '1' || pod.metadata?.labels?.['job-name'] === 'exits';
  const client = await startCluster(t, { ends: (pod) => (fails(pod) ? 'Failed' : 'Succeeded'), exitCode: () => 42 });
  const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 3 };

  await client.create(jobs, job('per-index', { ...indexed, backoffLimitPerIndex: 0 }));
  const [failed] = await eventually(client, jobs, has('Failed'), select('per-index'));
  t.match(failed?.status, { succeeded: 2, failed: 1, completedIndexes: '0,2', failedIndexes: '1' });
  t.match(
    failed?.status?.conditions?.map(({ type, reason }) => [type, reason]),
    [
      ['FailureTarget', 'FailedIndexes'],
      ['Failed', 'FailedIndexes'],
    ],
  );

  const rule = { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } };
  await client.create(jobs, job('exits', { podFailurePolicy: { rules: [rule] } }));
  const [exited] = await eventually(client, jobs, has('Failed'), select('exits'));
  t.match(exited?.status?.conditions?.at(-1), {
    reason: 'PodFailurePolicy',
    message: /^Container c for pod default\/exits-\w+ failed with exit code 42 matching FailJob rule at index 0$/,
  });
  t.equal(exited?.status?.failed, 1, 'no second pod');

  const policy = { successPolicy: { rules: [{ succeededIndexes: '0,2' }] } };
  await client.create(jobs, job('leader', { ...indexed, ...policy, backoffLimit: 6 }));
  const [met] = await eventually(client, jobs, has('Complete'), select('leader'));
  t.match(met?.status?.conditions?.at(-1), { reason: 'SuccessPolicy', message: 'Matched rules at index 0' });
  await eventually(client, pods, (all) => all.every(({ metadata }) => metadata?.finalizers === undefined), {
    namespace: 'default',
  });
});

t.test(
  'what ends a Job is no failure of the pods that it deletes, and another controller has its own Jobs',
  async (t) => {
    const client = await startCluster(t, {});
    const elsewhere = { managedBy: 'example.com/other' };
    await client.create(jobs, job('elsewhere', elsewhere));
    await client.create(jobs, job('shrinks', { completions: 4, parallelism: 2 }));
    await eventually(client, jobs, ([found]) => found?.status?.ready === 2, select('shrinks'));
    await client.patch(jobs, 'default/shrinks', 'merge', { spec: { parallelism: 1 } });
    const [shrunk] = await eventually(
      client,
      jobs,
      ([found]) => found?.status?.active === 1 && found.status.terminating === 0,
      select('shrinks'),
    );
    t.equal(shrunk?.status?.failed, undefined);
    t.same((await client.get(jobs, 'default/elsewhere')).status, {});
    await client.create(jobs, job('runs', { completionMode: 'Indexed', completions: 1, backoffLimitPerIndex: 0 }));
    const [runs] = await eventually(client, jobs, ([found]) => found?.status?.ready === 1, select('runs'));
    t.equal(runs?.status?.failedIndexes, '', 'no index has failed');
  },
);

t.test('a pod that may restart for ever is refused', async (t) => {
  const client = await startCluster(t, {});
  const always = job('always');
  always.spec!.template.spec!.restartPolicy = 'Always';
  await t.rejects(client.create(jobs, always), {
    message: /spec\.template\.spec\.restartPolicy: Required value: valid values: "OnFailure", "Never"/,
  });
});
