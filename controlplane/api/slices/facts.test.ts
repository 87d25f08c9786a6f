import t from 'tap';
import type { EndpointSlice } from '../endpoint-slice';
import { endpointState, serviceKeyOf, usableEndpoints } from './facts';

const slice = (labels?: Record<string, string>): EndpointSlice => ({
  metadata: { name: 'web-1', namespace: 'shop', ...(labels ? { labels } : {}) },
  addressType: 'IPv4',
  endpoints: [],
});

t.test('the Service of a slice', async (t) => {
  t.equal(serviceKeyOf(slice({ 'kubernetes.io/service-name': 'web' })), 'shop/web');
  t.equal(serviceKeyOf(slice({})), '', 'undefined: no Service has this key');
  t.equal(serviceKeyOf(slice()), '', 'no labels');
  t.equal(serviceKeyOf(slice({ 'kubernetes.io/service-name': '' })), '', 'an empty name');
});

t.test('conditions that are not set', async (t) => {
  t.same(endpointState(undefined), { ready: true, serving: true, terminating: false });
  t.same(endpointState({ ready: false }), { ready: false, serving: true, terminating: false });
  t.same(endpointState({ ready: false, serving: false }), { ready: false, serving: false, terminating: false });
});

t.test('which endpoints take new connections', async (t) => {
  const ready = { ready: true, serving: true, terminating: false };
  const leaving = { ready: false, serving: true, terminating: true };
  const gone = { ready: false, serving: false, terminating: true };
  const starting = { ready: false, serving: false, terminating: false };
  t.same(usableEndpoints([ready, leaving, gone, starting]), [ready], 'only the ready endpoints');
  t.same(
    usableEndpoints([leaving, gone, starting]),
    [leaving],
    'without a ready endpoint: those that terminate and still serve',
  );
  t.same(usableEndpoints([gone, starting]), []);
});
