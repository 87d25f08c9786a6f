import t from 'tap';
import type { EndpointSlice } from '../../api/endpoint-slice';
import { servicesOfSlice } from './slice-step';

const slice = (service?: string): EndpointSlice => ({
  metadata: { name: 's', namespace: 'shop', labels: service ? { 'kubernetes.io/service-name': service } : {} },
  addressType: 'IPv4',
  endpoints: [],
});
const key = 'shop/s';

t.test('the Services that a change of a slice concerns', async (t) => {
  t.same(servicesOfSlice({ type: 'added', key, object: slice('web') }), ['shop/web']);
  t.same(servicesOfSlice({ type: 'updated', key, previous: slice('web'), object: slice('web') }), ['shop/web']);
  t.same(
    servicesOfSlice({ type: 'updated', key, previous: slice('web'), object: slice('db') }),
    ['shop/web', 'shop/db'],
    'both Services, when the label changed',
  );
  t.same(
    servicesOfSlice({ type: 'updated', key, previous: slice('web'), object: slice() }),
    ['shop/web'],
    'the Service that lost the slice',
  );
  t.same(servicesOfSlice({ type: 'deleted', key, object: slice() }), [], 'none');
});
