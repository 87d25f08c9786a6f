import t from 'tap';
import { type AddressFacts, planAddresses, planEndpoints, planSlice } from './plan';

const [a, b, c, six] = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'];

t.test('addresses', async (t) => {
  const cases: readonly { name: string; facts: Partial<AddressFacts>; want: string[] | undefined }[] = [
    { name: 'the only server', facts: { own: a }, want: [a] },
    { name: 'its address of before the restart', facts: { own: a, current: [a] }, want: [a] },
    { name: 'a server that moved', facts: { own: b, current: [a] }, want: [b] },
    { name: 'living servers, sorted', facts: { own: b, alive: [c, a], current: [b] }, want: [a, b, c] },
    { name: 'a dead one is removed', facts: { own: a, alive: [b], current: [a, b, c] }, want: [a, b] },
    { name: 'one that is not judged yet stays', facts: { own: a, unknown: [b], current: [b] }, want: [a, b] },
    { name: 'and is not added', facts: { own: a, unknown: [b], current: [a] }, want: [a] },
    { name: 'this server stops', facts: { alive: [b], current: [a, b] }, want: [b] },
    { name: 'it stops and is the only one', facts: { current: [a] }, want: undefined },
    { name: 'both families: that of the others', facts: { own: six, alive: [a], current: [a] }, want: [a] },
    { name: 'that of this server, if the others are not there yet', facts: { own: six, alive: [a] }, want: [six] },
    { name: 'moved to the other family', facts: { own: six, current: [a] }, want: [six] },
  ];
  for (const { name, facts, want } of cases) {
    const all = { own: undefined, alive: [], unknown: [], current: [], ...facts };
    t.strictSame(planAddresses(all, 6443)?.addresses, want, name);
  }
});

t.test('objects', async (t) => {
  const desired = planAddresses({ own: a, alive: [b], unknown: [], current: [] }, 6443)!;
  const endpoints = planEndpoints(desired, undefined)!;
  t.strictSame(endpoints, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: [{ ip: a }, { ip: b }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }],
  });
  t.equal(planEndpoints(desired, endpoints), undefined, 'nothing to change');
  t.strictSame(planEndpoints(desired, { ...endpoints, subsets: [] }), endpoints);
  const labelled = { ...endpoints, metadata: { ...endpoints.metadata, labels: { team: 'x' } } };
  t.strictSame(planEndpoints(desired, labelled)?.metadata?.labels, {
    team: 'x',
    'endpointslice.kubernetes.io/skip-mirror': 'true',
  });
  const created = planSlice(desired, undefined);
  if (created.action !== 'create') throw new Error(created.action);
  t.match(created.slice, {
    metadata: { name: 'kubernetes', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: [a], conditions: { ready: true } },
      { addresses: [b], conditions: { ready: true } },
    ],
    ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  });
  t.strictSame(planSlice(desired, created.slice), { action: 'none' });
  t.match(planSlice({ ...desired, port: 7443 }, created.slice), {
    action: 'update',
    slice: { ports: [{ port: 7443 }] },
  });
  t.match(planSlice({ family: 6, addresses: [six], port: 6443 }, created.slice), {
    action: 'replace',
    slice: { addressType: 'IPv6' },
  });
});
