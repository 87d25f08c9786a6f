import t from 'tap';
import type { Endpoints } from '../../api/endpoints';
import type { Pod } from '../../api/pod';
import type { Service } from '../../api/service';
import { type EndpointsInput, maxAddresses, planEndpoints } from './plan';

const plan = (
  service: EndpointsInput['service'],
  pods: EndpointsInput['pods'],
  existing: EndpointsInput['existing'],
  triggeredAt?: string,
) => planEndpoints({ service, pods, existing, triggeredAt });

const service = (spec: Service['spec'] = {}): Service => ({
  metadata: { name: 'web', namespace: 'a', uid: 'svc', labels: { app: 'web' } },
  spec: { clusterIP: '10.96.0.7', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 as never }], ...spec },
});
function pod(name: string, ip: string, over: { ready?: boolean; deleting?: boolean; ports?: object[] } = {}): Pod {
  const { ready = true, deleting = false, ports = [] } = over;
  return {
    metadata: { name, namespace: 'a', uid: name, ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ports: ports as never }] },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}
const ips = (list: readonly { ip: string }[] | undefined) => list?.map(({ ip }) => ip);
const subsetsOf = (serviceObject: Service, pods: Pod[]) => {
  const [step] = plan(serviceObject, pods, undefined);
  return step?.endpoints.subsets?.map((subset) => [
    ips(subset.addresses),
    ips(subset.notReadyAddresses),
    subset.ports?.map(({ port }) => port),
  ]);
};

t.test('subsets of Endpoints, by ports and readiness', async (t) => {
  const named = service({ ports: [{ port: 80, targetPort: 'http' as never }] });
  const http = (containerPort: number) => ({ ports: [{ name: 'http', containerPort }] });
  const cases = [
    {
      name: 'ready and not ready apart',
      service: service(),
      pods: [pod('a', '10.0.0.2'), pod('b', '10.0.0.1'), pod('c', '10.0.0.3', { ready: false })],
      want: [[['10.0.0.1', '10.0.0.2'], ['10.0.0.3'], [8080]]],
    },
    {
      name: 'terminating pods are left out',
      service: service(),
      pods: [pod('a', '10.0.0.1', { deleting: true })],
      want: [],
    },
    {
      name: 'publishNotReadyAddresses',
      service: service({ publishNotReadyAddresses: true }),
      pods: [pod('a', '10.0.0.1', { ready: false }), pod('b', '10.0.0.2', { deleting: true })],
      want: [[['10.0.0.1', '10.0.0.2'], undefined, [8080]]],
    },
    {
      name: 'ports that differ per pod',
      service: named,
      pods: [pod('a', '10.0.0.1', http(8080)), pod('b', '10.0.0.2', http(9090)), pod('c', '10.0.0.3')],
      want: [
        [['10.0.0.1'], undefined, [8080]],
        [['10.0.0.2'], undefined, [9090]],
      ],
    },
    {
      name: 'headless without ports',
      service: service({ clusterIP: 'None', ports: undefined }),
      pods: [pod('a', '10.0.0.1')],
      want: [[['10.0.0.1'], undefined, undefined]],
    },
  ];
  for (const { name, service: object, pods, want } of cases) t.same(subsetsOf(object, pods), want, name);
});

t.test('addresses above the limit are dropped, ready ones first, with an annotation', async (t) => {
  const many = Array.from({ length: maxAddresses }, (_, i) => pod(`p${i}`, `10.0.${i >> 8}.${i & 255}`));
  const [step] = plan(service(), [pod('x', '9.9.9.9', { ready: false }), ...many], undefined);
  t.equal(step?.endpoints.subsets?.[0]?.addresses?.length, maxAddresses);
  t.equal(step?.endpoints.subsets?.[0]?.notReadyAddresses, undefined);
  t.equal(step?.endpoints.metadata?.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated');
});

t.test('writes only changes, and deletes only its own Endpoints', async (t) => {
  const [created] = plan(service(), [pod('a', '10.0.0.1')], undefined);
  const stored = created!.endpoints;
  t.same(plan(service(), [pod('a', '10.0.0.1')], stored), []);
  t.same(
    plan(service(), [], stored).map(({ action }) => action),
    ['update'],
  );
  t.same(
    plan(service({ selector: undefined }), [], stored),
    [],
    'without a selector another writer owns the Endpoints',
  );
  t.same(
    plan(undefined, [], stored).map(({ action }) => action),
    ['delete'],
  );
  const foreign: Endpoints = { metadata: { name: 'web', namespace: 'a' } };
  t.same(plan(undefined, [], foreign), [], 'a Service may follow');
  t.same(planEndpoints({ service: undefined, pods: [], existing: foreign, deleted: true }), [
    { action: 'delete', endpoints: foreign },
  ]);
});

t.test('a write has the time of its cause, and the time alone causes no write', async (t) => {
  const annotation = 'endpoints.kubernetes.io/last-change-trigger-time';
  const [created] = plan(service(), [pod('a', '10.0.0.1')], undefined, '2026-01-01T00:00:01Z');
  t.equal(created?.endpoints.metadata?.annotations?.[annotation], '2026-01-01T00:00:01Z');
  const stored = created!.endpoints;
  t.same(plan(service(), [pod('a', '10.0.0.1')], stored, '2026-01-01T00:00:02Z'), []);
  t.same(plan(service(), [pod('a', '10.0.0.1')], stored), []);
  const [updated] = plan(service(), [], stored);
  t.equal(updated?.action, 'update');
  t.notOk(updated?.endpoints.metadata?.annotations?.[annotation], 'an old time is removed');
});
