import t from 'tap';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Node } from '../../api/node';
import type { Service } from '../../api/service';
import { awaitsProgramming, parseReceipt, type Receipt, renderReceipt } from '../../api/services/programmed';
import { type Facts, judge, lowestReceipt, type Pending, patienceMs, relevantParts, withSlices } from './plan';

type Spec = Partial<NonNullable<Service['spec']>>;
const service = (spec: Spec = {}, status: Service['status'] = {}): Service => ({
  metadata: { name: 'web', namespace: 'shop', generation: 2 },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.7', selector: { app: 'web' }, ...spec },
  status,
});
const node = (name: string, ready = true): Node => ({
  metadata: { name },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
});
const pending: Pending = { sinceMs: 0, services: 100, slices: 90 };
const nothing: Receipt = { services: 0, slices: 0 };
const done: Receipt = { services: 100, slices: 90 };
const receipts = (of: Readonly<Record<string, Receipt>>) => new Map(Object.entries(of));
const facts = (changes: Partial<Facts> = {}): Facts => ({
  pending,
  hasSlices: true,
  nodes: [node('b'), node('a')],
  receipts: receipts({ a: done, b: done }),
  ...changes,
});
const said = (one: Service, some: Facts) => {
  const { status, reason, message } = judge(one, some);
  return `${status} ${reason}: ${message}`;
};
const balancer = { type: 'LoadBalancer' };

const cases: readonly { readonly name: string; readonly got: string; readonly want: string }[] = [
  { name: 'all nodes are programmed', got: said(service(), facts()), want: 'True Programmed: 2 of 2 nodes' },
  {
    name: 'a node that is behind with Services',
    got: said(service(), facts({ receipts: receipts({ a: done, b: { services: 99, slices: 90 } }) })),
    want: 'False NodesPending: 1 of 2 nodes; waiting for b',
  },
  {
    name: 'a node that is behind with endpoints, and one that never reported',
    got: said(service(), facts({ receipts: receipts({ a: { services: 200, slices: 89 } }) })),
    want: 'False NodesPending: 0 of 2 nodes; waiting for a, b',
  },
  {
    name: 'a node that is not ready is not waited for, but named',
    got: said(service(), facts({ nodes: [node('a'), node('b', false)], receipts: receipts({ a: done }) })),
    want: 'True Programmed: 1 of 2 nodes; not ready and not waited for: b',
  },
  {
    name: 'no nodes',
    got: said(service(), facts({ nodes: [node('b', false)] })),
    want: 'False NoNodes: no node is ready; not ready and not waited for: b',
  },
  {
    name: 'its EndpointSlices do not exist yet',
    got: said(service(), facts({ hasSlices: false })),
    want: 'False EndpointsPending: 2 of 2 nodes; its EndpointSlices do not exist yet',
  },
  {
    name: 'without a selector a Service may have no slices',
    got: said(service({ selector: {} }), facts({ hasSlices: false })),
    want: 'True Programmed: 2 of 2 nodes',
  },
  {
    name: 'a load balancer without its address',
    got: said(service(balancer), facts()),
    want: 'False AddressNotAssigned: 2 of 2 nodes; no load balancer address yet',
  },
  {
    name: 'a load balancer with it',
    got: said(service(balancer, { loadBalancer: { ingress: [{ ip: '192.168.57.240' }] } }), facts()),
    want: 'True Programmed: 2 of 2 nodes',
  },
  {
    name: 'nothing to program',
    got: said(service({ clusterIP: 'None' }), facts({ receipts: receipts({}) })),
    want: 'True NothingToProgram: headless: clients reach its pods directly',
  },
  {
    name: 'of many nodes only a few are named',
    got: said(
      service(),
      facts({ nodes: Array.from({ length: 12 }, (_, i) => node(`n${i + 10}`)), receipts: receipts({ n10: done }) }),
    ),
    want: 'False NodesPending: 1 of 12 nodes; waiting for n11, n12, n13, n14, n15 and 6 more',
  },
];
for (const { name, got, want } of cases) {
  t.test(name, async (t) => {
    t.equal(got, want);
  });
}

t.test('a Service awaits programming until the condition is true for its generation', async (t) => {
  const condition = (status: string, observedGeneration: number) =>
    awaitsProgramming(service({}, { conditions: [{ type: 'Programmed', status, observedGeneration } as never] }));
  t.equal(awaitsProgramming(service()), true);
  t.equal(condition('True', 2), false);
  t.equal(condition('True', 1), true);
  t.equal(condition('False', 2), true);
});

t.test('fields from which nodes compute rules', async (t) => {
  const base = relevantParts(service());
  t.equal(relevantParts({ ...service(), status: { conditions: [] } }), base, 'conditions are not such fields');
  t.not(relevantParts(service({ clusterIP: '10.96.0.8' })), base);
  t.not(relevantParts(service({}, { loadBalancer: { ingress: [{ ip: '192.168.57.240' }] } })), base);
});

t.test('the counted revision is the lowest of all ready nodes', async (t) => {
  const some = receipts({ a: { services: 7, slices: 0 }, b: { services: 9, slices: 0 }, gone: nothing });
  t.equal(lowestReceipt([node('a'), node('b')], some), 7);
  t.equal(lowestReceipt([node('a', false), node('b')], some), 9);
  t.equal(lowestReceipt([node('a'), node('new')], some), 0);
  t.equal(lowestReceipt([node('a', false)], some), Number.POSITIVE_INFINITY);
});

t.test('newer slices count while the Service is young', async (t) => {
  const slice = (resourceVersion: string): EndpointSlice => ({
    metadata: { name: 'x', resourceVersion },
    addressType: 'IPv4',
    endpoints: [],
  });
  t.equal(withSlices(pending, [slice('80'), slice('95')], 10).slices, 95);
  t.equal(withSlices(pending, [slice('80')], 10).slices, 90, 'the revision never decreases');
  t.equal(withSlices(pending, [slice('95')], patienceMs).slices, 90, 'after some time newer slices no longer count');
  t.equal(withSlices({ ...pending, slices: 0 }, [slice('95')], patienceMs).slices, 95, 'the first slices always count');
});

t.test('a receipt is the same after its way through a Lease', async (t) => {
  const lease = renderReceipt('worker-1', 'u1', { services: 12, slices: 7 }, '2026-01-01T00:00:00.000000Z');
  t.same(parseReceipt(lease), { node: 'worker-1', services: 12, slices: 7 });
  t.match(lease.metadata, { ownerReferences: [{ kind: 'Node', name: 'worker-1', uid: 'u1' }] });
  t.equal(parseReceipt({ metadata: { name: 'worker-1', namespace: 'kube-node-lease' } }), undefined);
  t.notOk(renderReceipt('n', undefined, { services: 1, slices: 1 }, '').metadata?.ownerReferences);
});
