import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import { KindCatalog } from '../../api/catalog';
import { type Deployment, deployments } from '../../api/deployment';
import { type HorizontalPodAutoscaler, horizontalPodAutoscalers } from '../../api/horizontal-pod-autoscaler';
import type { KindRef } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { silentLogger as log } from '../../base/logger';
import { InformerSet } from '../shared/informers';
import { HorizontalPodAutoscalerController } from './controller';

const metricValues: KindRef<KubeObject> = {
  group: 'external.metrics.k8s.io',
  version: 'v1beta1',
  kind: 'MetricValue',
  plural: 'jobs',
  namespaced: true,
};

t.test('a new autoscaler shrinks its target only after the stabilization window', async (t) => {
  const client = new MemoryClient();
  const clock = new FakeClock();
  const informers = new InformerSet({ client, log });
  const recorder = () => ({ record: () => {}, flushed: async () => {} });
  const catalog = new KindCatalog([deployments, horizontalPodAutoscalers]);
  await client.create<Deployment>(deployments, {
    metadata: { name: 'd', namespace: 'a' },
    spec: { replicas: 4 },
    status: { selector: 'app=a' },
  } as unknown as Deployment);
  await client.create(metricValues, { metadata: { name: 'x', namespace: 'a' }, value: '20' } as KubeObject);
  await client.create<HorizontalPodAutoscaler>(horizontalPodAutoscalers, {
    metadata: { name: 'h', namespace: 'a' },
    spec: {
      minReplicas: 1,
      maxReplicas: 9,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      metrics: [
        {
          type: 'External',
          external: { metric: { name: 'jobs' }, target: { type: 'AverageValue', averageValue: '10' as never } },
        },
      ],
    },
  });
  const controller = new HorizontalPodAutoscalerController({ client, informers, clock, log, recorder }, catalog);
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('done'));
    await running;
  });
  await informers.of(horizontalPodAutoscalers).synced(abort.signal);
  const pass = async () => {
    await controller.reconcile('a/h', abort.signal);
    return (await client.get(deployments, 'a/d')).spec?.replicas;
  };
  t.equal(await pass(), 4);
  const { status } = await client.get(horizontalPodAutoscalers, 'a/h');
  t.equal(status?.conditions?.find(({ type }) => type === 'AbleToScale')?.reason, 'ScaleDownStabilized');
  clock.advance(299_000);
  t.equal(await pass(), 4);
  clock.advance(1000);
  t.equal(await pass(), 2);
});
