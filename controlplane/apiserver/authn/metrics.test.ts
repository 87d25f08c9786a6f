import t from 'tap';
import { AuthenticationMetrics } from './metrics';

t.test('how long certificates are valid', async (t) => {
  const metrics = new AuthenticationMetrics();
  t.ok(metrics.render().includes('apiserver_client_certificate_expiration_seconds_count 0'), 'shown before the first');
  metrics.certificate(50_000_000, 20_000_000);
  const lines = metrics.render();
  const name = 'apiserver_client_certificate_expiration_seconds';
  for (const line of [
    `${name}_bucket{le="21600"} 0`,
    `${name}_bucket{le="43200"} 1`,
    `${name}_bucket{le="604800"} 1`,
    `${name}_bucket{le="3.1104e+07"} 1`,
    `${name}_sum 30000`,
  ]) {
    t.ok(lines.includes(line), line);
  }
});
