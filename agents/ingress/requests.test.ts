import t from 'tap';
import { maxWays, RequestCounts } from './requests';

const route = (ingress: string, backend: string) => ({
  ingress,
  backend,
  host: '',
  path: '/',
  pathType: 'Prefix' as const,
});
const read = (counts: RequestCounts) => [...counts.lines()].map((line) => JSON.parse(line));

t.test('requests by Ingress, Service and pod; those of no rule do not count', async (t) => {
  const counts = new RequestCounts();
  const front = route('shop/front', 'shop/web:80');
  counts.count({ status: 200, route: front, endpoint: '10.244.1.2:8080' });
  counts.count({ status: 502, route: front, endpoint: '10.244.1.2:8080' });
  counts.count({ status: 499, route: front, endpoint: '10.244.1.2:8080' });
  counts.count({ status: 503, route: front });
  counts.count({ status: 404 });
  t.strictSame(read(counts), [
    { ingress: 'shop/front', service: 'shop/web', endpoint: '10.244.1.2:8080', requests: 3, failed: 2 },
    { ingress: 'shop/front', service: 'shop/web', requests: 1, failed: 1 },
  ]);
});

t.test('the ways that were quiet for longest are forgotten', async (t) => {
  const counts = new RequestCounts();
  const way = (i: number) => counts.count({ status: 200, route: route('a/b', 'a/c:80'), endpoint: `pod-${i}` });
  for (let i = 0; i < maxWays; i++) way(i);
  way(0);
  way(maxWays);
  const endpoints = read(counts).map(({ endpoint }) => endpoint);
  t.equal(endpoints.length, maxWays);
  t.ok(endpoints.includes('pod-0'));
  t.notOk(endpoints.includes('pod-1'));
});

t.test('requests that come while the lines are read make no line twice', async (t) => {
  const counts = new RequestCounts();
  const way = (i: number) => counts.count({ status: 200, route: route('a/b', 'a/c:80'), endpoint: `pod-${i}` });
  for (let i = 0; i < 3; i++) way(i);
  const lines = counts.lines();
  const seen = [];
  for (const line of lines) {
    seen.push(JSON.parse(line).endpoint);
    if (seen.length < 100) way(seen.length % 3);
  }
  t.strictSame(seen, ['pod-0', 'pod-1', 'pod-2']);
});
