import t from 'tap';
import { ConversionMetrics } from './metrics';

t.test('the metrics have the names and labels of kube-apiserver', async (t) => {
  const metrics = new ConversionMetrics();
  t.strictSame(metrics.render(), [], 'none without a call, as upstream');
  const conversion = { name: 'things.example.com', from: 'v1', to: 'v2' };
  metrics.observe(conversion, 0.003);
  metrics.observe(conversion, 31, 'conversion_webhook_call_failure');
  const text = metrics.render().join('\n');
  for (const line of [
    'apiserver_conversion_webhook_request_total{result="success",failure_type=""} 1',
    'apiserver_conversion_webhook_request_total{result="failure",failure_type="conversion_webhook_call_failure"} 1',
    'apiserver_conversion_webhook_duration_seconds_bucket{result="success",failure_type="",le="0.005"} 1',
    'apiserver_conversion_webhook_duration_seconds_bucket{result="failure",failure_type="conversion_webhook_call_failure",le="30"} 0',
    'apiserver_conversion_webhook_duration_seconds_bucket{result="failure",failure_type="conversion_webhook_call_failure",le="45"} 1',
    'apiserver_crd_conversion_webhook_duration_seconds_bucket{crd_name="things.example.com",from_version="v1",to_version="v2",succeeded="true",le="0.002"} 0',
    'apiserver_crd_conversion_webhook_duration_seconds_bucket{crd_name="things.example.com",from_version="v1",to_version="v2",succeeded="true",le="0.004"} 1',
    'apiserver_crd_conversion_webhook_duration_seconds_count{crd_name="things.example.com",from_version="v1",to_version="v2",succeeded="false"} 1',
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
  metrics.forget('things.example.com');
  t.notMatch(metrics.render().join('\n'), /crd_name/, 'a deleted definition leaves no series');
});
