import t from 'tap';
import { FakeTransport } from '../../test/lib/fake-transport';
import { nodes } from '../api';
import { Unavailable } from '../base/errors';
import { createClient } from './rest-client';
import { RestMetrics } from './rest-metrics';

t.test('requests by their answers', async (t) => {
  const metrics = new RestMetrics();
  const transport = Object.assign(new FakeTransport(), { host: '10.0.0.1:6443' });
  const client = createClient(transport, { metrics });
  const fine = client.list(nodes);
  (await transport.next()).reply({ items: [] });
  await fine;
  const missing = client.get(nodes, 'n1').catch(() => {});
  (await transport.next()).reply({ kind: 'Status', code: 404 }, 404);
  await missing;
  const away = t.rejects(client.delete(nodes, 'n1'), Unavailable);
  (await transport.next()).fail(new Unavailable('refused'));
  await away;
  const lines = metrics.render();
  for (const line of [
    '# TYPE rest_client_requests_total counter',
    'rest_client_requests_total{code="200",host="10.0.0.1:6443",method="GET"} 1',
    'rest_client_requests_total{code="404",host="10.0.0.1:6443",method="GET"} 1',
    'rest_client_requests_total{code="<error>",host="10.0.0.1:6443",method="DELETE"} 1',
    'rest_client_request_duration_seconds_count{host="10.0.0.1:6443",verb="GET"} 2',
    'rest_client_request_duration_seconds_bucket{host="10.0.0.1:6443",verb="DELETE",le="60"} 1',
  ]) {
    t.ok(lines.includes(line), line);
  }
});

t.test('a request that its caller ended is no error of the server', async (t) => {
  const metrics = new RestMetrics();
  const transport = new FakeTransport();
  const abort = new AbortController();
  const asked = t.rejects(createClient(transport, { metrics }).get(nodes, 'n1', abort.signal));
  await transport.next();
  abort.abort(new Error('no longer needed'));
  await asked;
  t.same(metrics.render(), []);
});
