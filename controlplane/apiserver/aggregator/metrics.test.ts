import t from 'tap';
import { AggregatorMetrics } from './metrics';

t.test('how often an APIService became unavailable', async (t) => {
  const metrics = new AggregatorMetrics();
  metrics.unavailable('v1beta1.metrics.k8s.io', 'FailedDiscoveryCheck');
  metrics.unavailable('v1beta1.metrics.k8s.io', 'FailedDiscoveryCheck');
  const name = 'aggregator_unavailable_apiservice_total';
  t.ok(
    metrics.render().includes(`${name}{name="v1beta1.metrics.k8s.io",reason="FailedDiscoveryCheck"} 2`),
    metrics.render().join('\n'),
  );
});
