import t from 'tap';
import { HealthSlis } from './health-slis';

t.test('each request asks the health check', async (t) => {
  let problem: string | undefined;
  const slis = new HealthSlis(() => problem);
  slis.render();
  problem = 'the runtime is down';
  const lines = slis.render().split('\n');
  for (const line of [
    'kubernetes_healthcheck{name="healthz",type="healthz"} 0',
    'kubernetes_healthchecks_total{name="healthz",status="success",type="healthz"} 1',
    'kubernetes_healthchecks_total{name="healthz",status="error",type="healthz"} 1',
  ]) {
    t.ok(lines.includes(line), line);
  }
});
