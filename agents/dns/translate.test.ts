import t from 'tap';
import type { EndpointSlice, Pod, Service } from '../../controlplane/api';
import { planAnnouncement, translatePod, translateService, translateSlice } from './translate';

const service = (spec: Service['spec']): Service => ({
  metadata: { name: 'web', namespace: 'shop' },
  ...(spec ? { spec } : {}),
});

t.test('a Service as a zone record, by type and families', async (t) => {
  const base = { namespace: 'shop', name: 'web', ports: [] };
  const cases: { name: string; spec: Service['spec']; want: unknown }[] = [
    {
      name: 'both families',
      spec: {
        clusterIP: '10.96.0.1',
        clusterIPs: ['10.96.0.1', 'fd00::1'],
        ports: [{ name: 'HTTP', port: 80, protocol: 'TCP' }],
      },
      want: {
        ...base,
        kind: 'cluster',
        addresses: ['10.96.0.1', 'fd00::1'],
        ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
      },
    },
    {
      name: 'clusterIP alone',
      spec: { clusterIP: '10.96.0.1' },
      want: { ...base, kind: 'cluster', addresses: ['10.96.0.1'] },
    },
    {
      name: 'a port without name and protocol',
      spec: { clusterIP: '10.96.0.1', ports: [{ port: 53 }] },
      want: { ...base, kind: 'cluster', addresses: ['10.96.0.1'], ports: [{ name: '', protocol: 'tcp', port: 53 }] },
    },
    { name: 'no address yet', spec: {}, want: { ...base, kind: 'cluster', addresses: [] } },
    { name: 'headless', spec: { clusterIP: 'None' }, want: { ...base, kind: 'headless', addresses: [] } },
    {
      name: 'external, with a dot at the end',
      spec: { type: 'ExternalName', externalName: 'www.example.com.' },
      want: { ...base, kind: 'external', addresses: [], externalName: 'www.example.com' },
    },
  ];
  for (const { name, spec, want } of cases) t.same(translateService(service(spec)), want, name);
});

t.test('a slice as a record: ready endpoints, ports with a number', async (t) => {
  const slice: EndpointSlice = {
    metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [
      { addresses: ['10.244.0.1'], conditions: { ready: true }, hostname: 'a' },
      { addresses: ['10.244.0.2'], conditions: { ready: false, serving: true, terminating: true } },
      { addresses: ['10.244.0.3'] },
    ],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }, { name: 'all' }],
  };
  t.same(translateSlice(slice), {
    service: 'shop/web',
    endpoints: [{ addresses: ['10.244.0.1'], hostname: 'a' }, { addresses: ['10.244.0.3'] }],
    ports: [{ name: 'http', protocol: 'tcp', port: 8080 }],
  });
  t.equal(translateSlice({ ...slice, addressType: 'FQDN' }), undefined);
  t.equal(translateSlice({ ...slice, metadata: { name: 'web-1', namespace: 'shop' } }), undefined, 'of no Service');
});

t.test('a pod has a record while it runs and has an address', async (t) => {
  const pod = (status: Pod['status']): Pod => ({
    metadata: { name: 'a', namespace: 'shop' },
    ...(status ? { status } : {}),
  });
  t.same(translatePod(pod({ podIP: '10.244.0.1', podIPs: [{ ip: '10.244.0.1' }, { ip: 'fd00::1' }] })), {
    namespace: 'shop',
    addresses: ['10.244.0.1', 'fd00::1'],
  });
  t.same(translatePod(pod({ podIP: '10.244.0.1' })), { namespace: 'shop', addresses: ['10.244.0.1'] });
  t.equal(translatePod(pod({})), undefined);
  t.equal(translatePod(pod({ podIP: '10.244.0.1', phase: 'Succeeded' })), undefined);
});

t.test('the announcement is written only when it is missing or differs', async (t) => {
  const node = { metadata: { name: 'n1', uid: 'u1' } };
  const announcement = { nodeName: 'n1', address: '192.168.57.10', port: 53, node };
  const first = planAnnouncement(undefined, announcement)!;
  t.match(first, {
    metadata: {
      name: 'kube-dns-n1',
      namespace: 'kube-system',
      labels: { 'kubernetes.io/service-name': 'kube-dns' },
      ownerReferences: [{ kind: 'Node', name: 'n1', uid: 'u1' }],
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.168.57.10'], conditions: { ready: true }, nodeName: 'n1' }],
    ports: [
      { name: 'dns', protocol: 'UDP', port: 53 },
      { name: 'dns-tcp', protocol: 'TCP', port: 53 },
    ],
  });
  const stored = { ...first, metadata: { ...first.metadata, resourceVersion: '7', uid: 'x' } };
  t.equal(planAnnouncement(stored, announcement), undefined);
  t.match(planAnnouncement(stored, { ...announcement, address: '192.168.57.11' }), {
    metadata: { resourceVersion: '7' },
    endpoints: [{ addresses: ['192.168.57.11'] }],
  });
  t.ok(planAnnouncement({ ...stored, endpoints: [] }, announcement), 'somebody emptied it');
  t.ok(
    planAnnouncement(stored, { ...announcement, node: { metadata: { name: 'n1', uid: 'u2' } } }),
    'a new node of that name',
  );
});
