// API objects to records.
import t from 'tap';
import type { EndpointSlice, Service } from '../../controlplane/api';
import { podCidrOf, translateService } from './translate';

const base: Service = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    type: 'ClusterIP',
    clusterIP: '10.96.3.7',
    clusterIPs: ['10.96.3.7', 'fd00:96::7'],
    ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
  },
};
const slice = (changes: Partial<EndpointSlice> = {}): EndpointSlice => ({
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: ['10.244.1.5'], nodeName: 'here' }],
  ...changes,
});
const spec = (changes: Partial<NonNullable<Service['spec']>>): Service => ({
  ...base,
  spec: { ...base.spec, ...changes },
});
const translate = (service: Service, slices = [slice()], family: 4 | 6 = 4) =>
  translateService(service, slices, family, { nodeName: 'here' });

t.test('a plain Service', (t) => {
  t.same(translate(base), {
    key: 'shop/web',
    clusterIp: '10.96.3.7',
    externalIps: [],
    loadBalancerIps: [],
    internalLocal: false,
    externalLocal: false,
    ports: [
      {
        name: 'http',
        protocol: 'tcp',
        port: 80,
        endpoints: [{ address: '10.244.1.5', port: 8080, ready: true, serving: true, terminating: false, local: true }],
      },
    ],
  });
  t.match(translate(base, [slice()], 6), { clusterIp: 'fd00:96::7', ports: [{ endpoints: [] }] });
  t.end();
});

const nothing: readonly { readonly name: string; readonly service: Service }[] = [
  { name: 'headless', service: spec({ clusterIP: 'None', clusterIPs: ['None'] }) },
  { name: 'ExternalName', service: spec({ type: 'ExternalName', externalName: 'example.org' }) },
  {
    name: 'of another proxy',
    service: { ...base, metadata: { ...base.metadata, labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } },
  },
  {
    name: 'labelled as headless',
    service: { ...base, metadata: { ...base.metadata, labels: { 'service.kubernetes.io/headless': '' } } },
  },
  { name: 'without spec', service: { metadata: base.metadata! } },
];
for (const { name, service } of nothing) {
  t.test(`${name}: no rules`, (t) => {
    t.equal(translate(service), undefined);
    t.end();
  });
}

t.test('slices that are not for this proxy have no endpoints in the rules', (t) => {
  for (const label of ['service.kubernetes.io/headless', 'service.kubernetes.io/service-proxy-name']) {
    const one = slice();
    const labelled = { ...one, metadata: { ...one.metadata, labels: { ...one.metadata?.labels, [label]: '' } } };
    t.match(translate(base, [labelled]), { ports: [{ endpoints: [] }] }, label);
  }
  t.end();
});

t.test('node ports count only for the types that have them', (t) => {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }];
  t.equal(translate(spec({ ports }))?.ports[0]?.nodePort, undefined);
  t.equal(translate(spec({ ports, type: 'NodePort' }))?.ports[0]?.nodePort, 30080);
  t.end();
});

t.test('a load balancer', (t) => {
  const service: Service = {
    ...spec({
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31000,
      loadBalancerSourceRanges: ['198.51.100.7/24', 'fd00::/8'],
      externalIPs: ['203.0.113.9', 'fd00::9'],
    }),
    status: {
      loadBalancer: {
        ingress: [{ ip: '192.168.57.240' }, { ip: '192.168.57.241', ipMode: 'Proxy' }, { hostname: 'x' }],
      },
    },
  };
  t.match(translate(service), {
    externalLocal: true,
    healthCheckPort: 31000,
    loadBalancerIps: ['192.168.57.240'],
    externalIps: ['203.0.113.9'],
    sourceRanges: ['198.51.100.0/24'],
  });
  t.same(translate({ ...service, spec: { ...service.spec, type: 'NodePort' } })?.loadBalancerIps, []);
  t.end();
});

t.test('affinity with and without its time', (t) => {
  t.equal(translate(spec({ sessionAffinity: 'ClientIP' }))?.affinitySeconds, 10_800);
  const config = { clientIP: { timeoutSeconds: 60 } };
  t.equal(translate(spec({ sessionAffinity: 'ClientIP', sessionAffinityConfig: config }))?.affinitySeconds, 60);
  t.equal(translate(spec({ sessionAffinity: 'None', sessionAffinityConfig: config }))?.affinitySeconds, undefined);
  t.end();
});

t.test('missing and present conditions of endpoints', (t) => {
  const endpoints = [
    { addresses: ['10.244.1.5'], conditions: {} },
    { addresses: ['10.244.1.6'], conditions: { ready: false } },
    { addresses: ['10.244.1.7'], conditions: { ready: false, serving: true, terminating: true }, nodeName: 'there' },
    { addresses: [] },
  ];
  const found = translate(base, [slice({ endpoints }), slice({ ports: [{ name: 'other', port: 1, protocol: 'TCP' }] })])
    ?.ports[0];
  t.same(
    found?.endpoints.map(({ ready, serving, terminating, local }) => [ready, serving, terminating, local]),
    [
      [true, true, false, false],
      [false, true, false, false],
      [false, true, true, false],
    ],
  );
  t.end();
});

t.test('the pod range of a Node, by family', (t) => {
  t.equal(podCidrOf(undefined, 4), undefined);
  t.equal(podCidrOf({ spec: { podCIDR: '10.244.1.0/24' } }, 4), '10.244.1.0/24');
  t.equal(podCidrOf({ spec: { podCIDRs: ['10.244.1.0/24', 'fd00:0:1::/64'] } }, 6), 'fd00:0:1::/64');
  t.end();
});
