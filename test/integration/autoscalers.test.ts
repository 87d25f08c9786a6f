// HorizontalPodAutoscalers on a real API server in this process: without measurements, and with those of a kubelet that the test plays.
import t from 'tap';
import {
  deployments,
  events,
  type HorizontalPodAutoscaler,
  horizontalPodAutoscalers,
  pods,
  serviceAccounts,
} from '../../controlplane/api/index';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { startStatsKubelet } from '../lib/stats-kubelet';

t.setTimeout(120_000);
const namespace = 'default';
const inDefault = { namespace };

const autoscaler = (name: string, target: object): HorizontalPodAutoscaler => ({
  metadata: { name, namespace },
  spec: {
    maxReplicas: 4,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', ...target },
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
  },
});
const reasonOf = (all: readonly HorizontalPodAutoscaler[], name: string, type: string) =>
  all.find(({ metadata }) => metadata?.name === name)?.status?.conditions?.find((condition) => condition.type === type)
    ?.reason;

t.test('conditions without measurements, and a target that is scaled by what its pods use', async (t) => {
  const { client, authority } = await openControlPlane(t, { nodes: ['n1'] });
  await eventually(client, serviceAccounts, (all) => all.length === 1, inDefault);
  const labels = { app: 'web' };
  const container = { name: 'c', image: 'registry.local/app:1', resources: { requests: { cpu: '100m' } } };
  await client.create(deployments, {
    metadata: { name: 'web', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  });
  await client.create(horizontalPodAutoscalers, autoscaler('web', {}));
  await client.create(horizontalPodAutoscalers, autoscaler('none', { name: 'none' }));
  await client.create(horizontalPodAutoscalers, autoscaler('unknown', { kind: 'Widget' }));
  const failing = await eventually(
    client,
    horizontalPodAutoscalers,
    (all) =>
      reasonOf(all, 'web', 'ScalingActive') === 'FailedGetResourceMetric' &&
      reasonOf(all, 'none', 'AbleToScale') === 'FailedGetScale' &&
      reasonOf(all, 'unknown', 'AbleToScale') === 'FailedGetScale',
    inDefault,
  );
  const web = failing.find(({ metadata }) => metadata?.name === 'web');
  t.match(web?.status, {
    currentReplicas: 1,
    desiredReplicas: 0,
    conditions: [
      { type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale' },
      {
        type: 'ScalingActive',
        status: 'False',
        message:
          'the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for ' +
          'resource cpu: no metrics returned from resource metrics API',
      },
    ],
  });
  await eventually(
    client,
    events,
    (all) => all.some(({ reason }) => reason === 'FailedComputeMetricsReplicas'),
    inDefault,
  );

  t.comment('a kubelet measures; a change of the spec leads to the next pass at once');
  const kubelet = await startStatsKubelet(t, client, authority, 'n1');
  const [pod] = await eventually(
    client,
    pods,
    (all) => all.some(({ status }) => status?.phase === 'Running'),
    inDefault,
  );
  kubelet.use(new Map([[pod?.metadata?.uid ?? '', 150]]));
  // Long ago enough that the pod counts as started.
  const startTime = new Date(Date.now() - 3_600_000).toISOString();
  await client.patch(
    pods,
    `${namespace}/${pod?.metadata?.name}`,
    'merge',
    { status: { startTime } },
    { subresource: 'status' },
  );
  await eventually(client, pods, ([one]) => one?.status?.startTime?.slice(0, 10) === startTime.slice(0, 10), inDefault);
  await client.patch(horizontalPodAutoscalers, `${namespace}/web`, 'merge', { spec: { maxReplicas: 3 } });
  const scaled = await eventually(
    client,
    horizontalPodAutoscalers,
    (all) => reasonOf(all, 'web', 'AbleToScale') === 'SucceededRescale',
    inDefault,
  );
  t.match(scaled.find(({ metadata }) => metadata?.name === 'web')?.status, {
    desiredReplicas: 3,
    currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 150 } } }],
  });
  await eventually(client, deployments, ([one]) => one?.spec?.replicas === 3, inDefault);
  await eventually(
    client,
    events,
    (all) =>
      all.some(
        ({ message }) =>
          message === 'New size: 3; reason: cpu resource utilization (percentage of request) above target',
      ),
    inDefault,
  );

  t.comment('a second autoscaler selects the same pods: neither of them scales');
  await client.create(horizontalPodAutoscalers, autoscaler('rival', {}));
  const rivals = await eventually(
    client,
    horizontalPodAutoscalers,
    (all) => reasonOf(all, 'rival', 'ScalingActive') === 'AmbiguousSelector',
    inDefault,
  );
  t.match(
    rivals
      .find(({ metadata }) => metadata?.name === 'rival')
      ?.status?.conditions?.find(({ type }) => type === 'ScalingActive'),
    {
      status: 'False',
      message: 'pods by selector app=web are controlled by multiple HPAs: [default/rival default/web]',
    },
  );
});
