import t from 'tap';
import type { IngressRequests } from '../../../base/traffic';
import { structureOf } from './boxes';
import { directoryOf } from './directory';
import { requestLinks } from './requests';
import { shop, status, webBox } from './topology.fixture';
import { nextReading } from './traffic';

const directory = directoryOf(shop, structureOf(shop).boxes);
const way = (requests: number, failed = 0, endpoint = '10.244.0.5:8080'): IngressRequests => ({
  ingress: 'shop/front',
  service: 'shop/web',
  endpoint,
  requests,
  failed,
});
const links = (before: readonly IngressRequests[], now: readonly IngressRequests[], collector = 'c') => {
  const first = nextReading(undefined, 'n1', status(10, { requests: before }));
  return requestLinks([nextReading(first, 'n1', status(12, { requests: now, collector }))], directory);
};

t.test('requests a second on each part of their way', async (t) => {
  const both = [way(8, 2), way(3, 0, '10.244.1.5:8080')];
  t.strictSame(links([way(4, 1)], both), [
    { from: 'entry', to: 'ingress/shop/front', requestsPerSecond: 3.5, failedPerSecond: 0.5 },
    { from: 'ingress/shop/front', to: 'service/shop/web', requestsPerSecond: 3.5, failedPerSecond: 0.5 },
    { from: 'service/shop/web', to: webBox, requestsPerSecond: 3.5, failedPerSecond: 0.5 },
  ]);
});

t.test('no request, a proxy or a collector that has begun again, objects that are gone', async (t) => {
  t.strictSame(links([way(4)], [way(4)]), []);
  t.strictSame(links([way(4)], [way(2)]), [], 'the next reading has its rate');
  t.strictSame(links([way(4)], [way(8)], 'other'), []);
  const gone = { ...way(2), ingress: 'shop/gone', service: 'shop/gone' };
  t.strictSame(links([], [gone]), []);
});
