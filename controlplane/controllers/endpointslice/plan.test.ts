import t from 'tap';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Node } from '../../api/node';
import type { Pod } from '../../api/pod';
import type { Service } from '../../api/service';
import type { SliceStep } from '../shared/slice-step';
import { maxEndpoints, planSlices } from './plan';

const service = (spec: Service['spec'] = {}, metadata: Service['metadata'] = {}): Service => ({
  metadata: { name: 'web', namespace: 'a', uid: 'svc', ...metadata },
  spec: {
    clusterIP: '10.96.0.7',
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 'http' as never }],
    ...spec,
  },
});
interface PodShape {
  ip?: string;
  ready?: boolean;
  deleting?: boolean;
  phase?: string;
  port?: number;
  hostname?: string;
  node?: string;
  ips?: string[];
}
function pod(name: string, shape: PodShape = {}): Pod {
  const {
    ip = `10.244.0.${name.length}`,
    ready = true,
    phase = 'Running',
    port = 8080,
    node = 'n1',
    ips = [ip],
  } = shape;
  return {
    metadata: {
      name,
      namespace: 'a',
      uid: name,
      ...(shape.deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      nodeName: node,
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }],
      ...(shape.hostname ? { hostname: shape.hostname, subdomain: 'web' } : {}),
    },
    status: {
      phase,
      podIP: ips[0],
      podIPs: ips.filter((each) => each !== '').map((each) => ({ ip: each })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}
const nodes: Record<string, Node> = { n1: { metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } } } };
const plan = (input: {
  service?: Service;
  pods?: Pod[];
  slices?: EndpointSlice[];
  triggeredAt?: string;
}): SliceStep[] =>
  planSlices({
    service: 'service' in input ? input.service : service(),
    pods: input.pods ?? [],
    slices: input.slices ?? [],
    node: (name) => nodes[name],
    triggeredAt: input.triggeredAt,
  });
/** The slices on the server after these steps. */
let sequence = 0;
const stored = (steps: SliceStep[]): EndpointSlice[] =>
  steps
    .filter(({ action }) => action !== 'delete')
    .map(({ slice }) => ({
      ...slice,
      metadata: {
        ...slice.metadata,
        name: slice.metadata?.name ?? `web-${sequence++}`,
        uid: slice.metadata?.uid ?? `slice-${sequence}`,
      },
    }));
const addresses = (slice: EndpointSlice | undefined) =>
  (slice?.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) =>
    pod(`p${String(i + from).padStart(4, '0')}`, { ip: `10.244.${(i + from) >> 8}.${(i + from) & 255}` }),
  );

t.test('conditions of an endpoint, by its pod', async (t) => {
  const cases = [
    { name: 'ready', pod: pod('a'), want: { ready: true, serving: true, terminating: false } },
    { name: 'not ready', pod: pod('a', { ready: false }), want: { ready: false, serving: false, terminating: false } },
    {
      name: 'terminating and still serving',
      pod: pod('a', { deleting: true }),
      want: { ready: false, serving: true, terminating: true },
    },
    {
      name: 'terminating',
      pod: pod('a', { deleting: true, ready: false }),
      want: { ready: false, serving: false, terminating: true },
    },
    {
      name: 'publishNotReadyAddresses',
      service: service({ publishNotReadyAddresses: true }),
      pod: pod('a', { ready: false }),
      want: { ready: true, serving: false, terminating: false },
    },
  ];
  for (const { name, want, ...input } of cases) {
    const [step] = plan({ ...(input.service ? { service: input.service } : {}), pods: [input.pod] });
    t.same(step?.slice.endpoints?.[0]?.conditions, want, name);
  }
});

t.test('a slice has every field that consumers need', async (t) => {
  const [step] = plan({
    service: service({ clusterIP: 'None' }, { labels: { team: 'x' } }),
    pods: [pod('a', { hostname: 'db-0' })],
  });
  t.equal(step?.action, 'create');
  t.same(step?.slice, {
    metadata: {
      generateName: 'web-',
      namespace: 'a',
      labels: {
        team: 'x',
        'kubernetes.io/service-name': 'web',
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'service.kubernetes.io/headless': '',
      },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'svc', controller: true, blockOwnerDeletion: true },
      ],
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: [
      {
        addresses: ['10.244.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        hostname: 'db-0',
        nodeName: 'n1',
        targetRef: { kind: 'Pod', namespace: 'a', name: 'a', uid: 'a' },
        zone: 'z1',
      },
    ],
  });
});

t.test('which Services and pods get slices', async (t) => {
  const cases: { name: string; service?: Service; pods: Pod[]; want: string[] }[] = [
    { name: 'no selector: untouched', service: service({ selector: undefined }), pods: [pod('a')], want: [] },
    { name: 'empty selector: untouched', service: service({ selector: {} }), pods: [pod('a')], want: [] },
    { name: 'ExternalName: none', service: service({ type: 'ExternalName' }), pods: [pod('a')], want: [] },
    { name: 'no pods: one empty slice', pods: [], want: ['create '] },
    { name: 'pods without an address do not count', pods: [pod('a', { ip: '' })], want: ['create '] },
    {
      name: 'finished pods do not count',
      pods: [pod('a', { phase: 'Succeeded' }), pod('bb')],
      want: ['create 10.244.0.2'],
    },
    {
      name: 'ports that differ per pod: a slice per set of ports',
      pods: [pod('a', { port: 8080 }), pod('bb', { port: 9090 }), pod('ccc', { port: 8080 })],
      want: ['create 10.244.0.1 10.244.0.3', 'create 10.244.0.2'],
    },
    {
      name: 'both families',
      service: service({ ipFamilies: ['IPv4', 'IPv6'] }),
      pods: [pod('a', { ips: ['10.244.0.1', 'fd00::1'] })],
      want: ['create 10.244.0.1', 'create fd00::1'],
    },
  ];
  for (const { name, pods, want, ...rest } of cases) {
    const steps = plan({ service: rest.service ?? service(), pods });
    t.same(
      steps.map(({ action, slice }) => `${action} ${addresses(slice).join(' ')}`),
      want,
      name,
    );
  }
});

t.test('at most a hundred in one slice', async (t) => {
  const slices = stored(plan({ pods: many(250) }));
  t.same(
    slices.map((slice) => addresses(slice).length),
    [maxEndpoints, maxEndpoints, 50],
  );
});

t.test('few writes for each change', async (t) => {
  const before = stored(plan({ pods: many(150) }));
  t.same(plan({ pods: many(150), slices: before }), [], 'no change, no write');
  t.same(plan({ pods: many(150).reverse(), slices: before }), [], 'the order of pods does not matter');

  const onePodMore = plan({ pods: many(151), slices: before });
  t.same(
    onePodMore.map(({ action, slice }) => [action, addresses(slice).length]),
    [['update', 51]],
    'the slice with room takes the new pod',
  );

  const onePodLess = plan({ pods: many(150).slice(1), slices: before });
  t.same(
    onePodLess.map(({ action, slice }) => [action, addresses(slice).length]),
    [['update', 99]],
    'only its own slice is written',
  );

  const replaced = plan({ pods: [...many(150).slice(1), ...many(1, 900)], slices: before });
  t.same(
    replaced.map(({ action, slice }) => [action, addresses(slice).length]),
    [['update', 100]],
    'a written slice is refilled',
  );

  const halved = plan({ pods: many(100), slices: before });
  t.same(
    halved.map(({ action }) => action),
    ['delete'],
    'an empty slice is deleted',
  );

  const none = plan({ pods: [], slices: before });
  t.same(
    none.map(({ action, slice }) => `${action} ${addresses(slice).length}`).sort(),
    ['delete 50', 'update 0'],
    'the last slice stays, empty',
  );
  t.same(plan({ pods: [], slices: stored(none) }), [], 'the empty slice is not written again');
});

t.test('a slice has the labels of its Service and no others', async (t) => {
  const [slice] = stored(plan({ pods: [pod('a')] }));
  const labels = { ...slice!.metadata!.labels, extra: 'lost', 'service.kubernetes.io/headless': '' };
  const [step] = plan({ pods: [pod('a')], slices: [{ ...slice!, metadata: { ...slice!.metadata, labels } }] });
  t.equal(step?.action, 'update');
  t.same(step?.slice.metadata?.labels, slice!.metadata!.labels);
});

t.test('slices are deleted when the Service is deleted, is being deleted, or becomes an ExternalName', async (t) => {
  const slices = stored(plan({ pods: [pod('a')] }));
  t.same(
    plan({ service: undefined, slices }).map(({ action }) => action),
    ['delete'],
  );
  t.same(plan({ service: service({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), slices }), []);
  t.same(
    plan({ service: service({ type: 'ExternalName' }), slices }).map(({ action }) => action),
    ['delete'],
  );
});

t.test('a named port that a pod does not have is left out for that pod', async (t) => {
  const two = service({
    ports: [
      { name: 'http', port: 80, targetPort: 'http' as never },
      { name: 'admin', port: 81, targetPort: 'admin' as never },
    ],
  });
  const [step] = plan({ service: two, pods: [pod('a')] });
  t.same(step?.slice.ports, [{ name: 'http', protocol: 'TCP', port: 8080 }]);
});

t.test('hints: which zones or nodes an endpoint is for', async (t) => {
  const zones = [{ name: 'z1' }];
  const cases = [
    { trafficDistribution: undefined, hints: undefined },
    { trafficDistribution: 'PreferClose', hints: { forZones: zones } },
    { trafficDistribution: 'PreferSameZone', hints: { forZones: zones } },
    { trafficDistribution: 'PreferSameNode', hints: { forZones: zones, forNodes: [{ name: 'n1' }] } },
    { trafficDistribution: 'PreferSameNode', node: 'without-zone', hints: { forNodes: [{ name: 'without-zone' }] } },
    { trafficDistribution: 'PreferSameZone', node: 'without-zone', hints: undefined },
  ];
  for (const { trafficDistribution, node, hints } of cases) {
    const near = service({ trafficDistribution });
    const pods = [pod('a', node ? { node } : {}), pod('bb', { ready: false, ...(node ? { node } : {}) })];
    const steps = plan({ service: near, pods });
    const [ready, unready] = steps[0]?.slice.endpoints ?? [];
    t.same(ready?.hints, hints, `${trafficDistribution} on ${node ?? 'n1'}`);
    t.equal(unready?.hints, undefined, 'only ready endpoints have hints');
    t.same(plan({ service: near, pods, slices: stored(steps) }), [], 'hints are written once');
    if (!hints) continue;
    const [undone] = plan({ service: service(), pods, slices: stored(steps) });
    t.equal(undone?.slice.endpoints?.[0]?.hints, undefined, 'hints are removed with the field');
  }
});

t.test('slices have the time of the change that they show', async (t) => {
  const at = '2026-01-01T00:00:05.000Z';
  const name = 'endpoints.kubernetes.io/last-change-trigger-time';
  const first = plan({ pods: [pod('a')], triggeredAt: at });
  t.equal(first[0]?.slice.metadata?.annotations?.[name], at);
  t.same(plan({ pods: [pod('a')], slices: stored(first) }), [], 'the time alone causes no write');
  const [second] = plan({ pods: [pod('a'), pod('bb')], slices: stored(first) });
  t.equal(second?.slice.metadata?.annotations?.[name], undefined, 'an old time is removed');
});
