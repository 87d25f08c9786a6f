// HorizontalPodAutoscalers over HTTPS: one object at two versions, and the version that discovery prefers.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';

t.test('an autoscaler is written and read at both versions', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const v1 = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
  const v2 = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
  const groups = (await server.call('GET', '/apis')).json.groups as { name: string; preferredVersion: object }[];
  t.match(groups.find(({ name }) => name === 'autoscaling')?.preferredVersion, { version: 'v2' });

  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' };
  const body = {
    metadata: { name: 'a' },
    spec: { maxReplicas: 3, scaleTargetRef, targetCPUUtilizationPercentage: 60 },
  };
  t.equal((await server.call('POST', v1, { body })).status, 201);
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } };
  t.match((await server.call('GET', `${v2}/a`)).json, { apiVersion: 'autoscaling/v2', spec: { metrics: [cpu] } });

  const memory = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } },
  };
  const change = { spec: { metrics: [cpu, memory], behavior: { scaleDown: { selectPolicy: 'Disabled' } } } };
  t.equal((await server.call('PATCH', `${v2}/a`, { type: 'application/merge-patch+json', body: change })).status, 200);
  const shown = (await server.call('GET', `${v1}/a`)).json;
  t.match(shown, {
    apiVersion: 'autoscaling/v1',
    metadata: { annotations: { 'autoscaling.alpha.kubernetes.io/metrics': /"targetAverageValue":"1Gi"/ } },
    spec: { targetCPUUtilizationPercentage: 60 },
  });
  // What kubectl edit does at v1: the whole object, with one change.
  const edited = { ...shown, spec: { ...shown.spec, maxReplicas: 9 } };
  t.equal((await server.call('PUT', `${v1}/a`, { body: edited })).status, 200);
  const { metadata, spec } = (await server.call('GET', `${v2}/a`)).json;
  t.match(spec, { maxReplicas: 9, behavior: { scaleDown: { selectPolicy: 'Disabled' } } });
  t.same(spec.metrics.map(({ resource }: typeof cpu) => resource.name).sort(), ['cpu', 'memory']);
  t.equal(metadata.annotations, undefined);
  t.equal(metadata.generation, undefined);

  const status = { currentReplicas: 2, desiredReplicas: 2, conditions: [{ type: 'AbleToScale', status: 'True' }] };
  const reported = await server.call('PATCH', `${v2}/a/status`, {
    type: 'application/merge-patch+json',
    body: { status },
  });
  t.equal(reported.status, 200);
  const table = await server.call('GET', `${v1}/a`, {
    headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
  });
  t.match(table.json.rows[0].cells.slice(0, 6), ['a', 'Deployment/d', /cpu: <unknown>\/60%/, '1', 9, 2]);
});
