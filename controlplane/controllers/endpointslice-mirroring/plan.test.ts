import t from 'tap';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Endpoints } from '../../api/endpoints';
import type { Service } from '../../api/service';
import { planMirror, skipMirrorLabel } from './plan';

const service = (spec: Service['spec'] = {}): Service => ({
  metadata: { name: 'db', namespace: 'a', uid: 'svc' },
  spec: { clusterIP: '10.96.0.7', ports: [{ port: 80 }], ...spec },
});
const endpoints = (subsets: Endpoints['subsets'], labels: Record<string, string> = {}): Endpoints => ({
  metadata: { name: 'db', namespace: 'a', uid: 'ep', labels },
  subsets,
});
const byHand = endpoints([
  {
    addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }],
    notReadyAddresses: [{ ip: '192.0.2.2' }],
    ports: [{ port: 5432 }],
  },
]);
/** As the server stores them. */
const stored = (slices: readonly EndpointSlice[]): EndpointSlice[] =>
  slices.map((slice, at) => ({ ...slice, metadata: { ...slice.metadata, name: `db-${at}`, uid: `u${at}` } }));
const created = (steps: ReturnType<typeof planMirror>) => steps.map(({ slice }) => slice);

t.test('one slice for each family of a subset, ready and not ready', async (t) => {
  const steps = planMirror(service(), byHand, []);
  t.match(steps, [
    {
      action: 'create',
      slice: {
        addressType: 'IPv4',
        ports: [{ name: '', protocol: 'TCP', port: 5432 }],
        endpoints: [
          { addresses: ['192.0.2.1'], conditions: { ready: true } },
          { addresses: ['192.0.2.2'], conditions: { ready: false } },
        ],
        metadata: {
          generateName: 'db-',
          labels: { 'kubernetes.io/service-name': 'db' },
          ownerReferences: [{ kind: 'Endpoints', uid: 'ep' }],
        },
      },
    },
    { action: 'create', slice: { addressType: 'IPv6', endpoints: [{ addresses: ['2001:db8::1'] }] } },
  ]);
  t.same(planMirror(service(), byHand, stored(created(steps))), [], 'a second plan changes nothing');
});

t.test('changes are written into the existing slice, and unused slices are deleted', async (t) => {
  const there = stored(created(planMirror(service(), byHand, [])));
  const moved = endpoints([{ addresses: [{ ip: '192.0.2.9' }], ports: [{ port: 5433 }] }]);
  t.match(planMirror(service(), moved, there), [
    {
      action: 'update',
      slice: { metadata: { name: 'db-0' }, ports: [{ port: 5433 }], endpoints: [{ addresses: ['192.0.2.9'] }] },
    },
    { action: 'delete', slice: { metadata: { name: 'db-1' } } },
  ]);
});

t.test('Endpoints that are not mirrored lose their slices', async (t) => {
  const there = stored(created(planMirror(service(), byHand, [])));
  const gone = there.map((slice) => ({ action: 'delete', slice }));
  t.same(planMirror(undefined, byHand, there), gone, 'no Service');
  t.same(planMirror(service(), undefined, there), gone, 'no Endpoints');
  t.same(planMirror(service({ selector: { app: 'db' } }), byHand, there), gone, 'the Service has a selector');
  t.same(
    planMirror(service(), endpoints(byHand.subsets, { [skipMirrorLabel]: 'true' }), there),
    gone,
    'the label says not to mirror',
  );
});
