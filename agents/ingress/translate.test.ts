import t from 'tap';
import {
  type EndpointSlice,
  type Ingress,
  type IngressClass,
  type Node,
  objectKey,
  type Secret,
  type Service,
  serviceKeyOf,
} from '../../controlplane/api';
import { planStatus, readyNodes, translate, type World } from './translate';

const ourClass: IngressClass = { metadata: { name: 'k8ts' }, spec: { controller: 'k8ts.dev/ingress' } };
const ingress = (spec: Ingress['spec'], metadata: Ingress['metadata'] = {}): Ingress => ({
  metadata: { namespace: 'shop', name: 'web', creationTimestamp: '2026-01-01T00:00:00Z' as never, ...metadata },
  spec: { ingressClassName: 'k8ts', ...spec },
});
const service: Service = {
  metadata: { namespace: 'shop', name: 'web' },
  spec: {
    ports: [
      { name: 'http', port: 80 },
      { name: 'rpc', port: 90, appProtocol: 'kubernetes.io/h2c' },
    ],
  },
};
const slice = (endpoints: EndpointSlice['endpoints'], name = 'web-1'): EndpointSlice => ({
  metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [
    { name: 'http', port: 8080 },
    { name: 'rpc', port: 9090 },
  ],
  endpoints,
});
function world(parts: {
  ingresses: Ingress[];
  classes?: IngressClass[];
  services?: Service[];
  slices?: EndpointSlice[];
  secrets?: Secret[];
}): World {
  const { ingresses, classes = [ourClass], services = [service], slices = [], secrets = [] } = parts;
  return {
    className: 'k8ts',
    ingresses,
    classes,
    service: (key) => services.find((one) => objectKey(one) === key),
    slices: (key) => slices.filter((one) => serviceKeyOf(one) === key),
    secret: (key) => secrets.find((one) => objectKey(one) === key),
    nodes: () => [],
    ownAddresses: () => [],
    hostPods: () => [],
    servicesAt: () => [],
    refusedRanges: [],
  };
}
const to = (port: { name?: string; number?: number }, name = 'web') => ({ service: { name, port } });
const path = (backend: ReturnType<typeof to>) => ({ path: '/', pathType: 'Prefix', backend });

void t.test('a port is found by number or name; endpoints that are not ready are left out', async (t) => {
  const endpoints = [
    { addresses: ['10.244.1.5'], conditions: { ready: true } },
    { addresses: ['10.244.0.9'] },
    { addresses: ['10.244.2.2'], conditions: { ready: false, serving: true } },
  ];
  const rules = [{ host: 'a.local', http: { paths: [path(to({ number: 80 }))] } }];
  const byName = [{ host: 'b.local', http: { paths: [path(to({ name: 'rpc' }))] } }];
  const config = translate(
    world({
      ingresses: [ingress({ rules }), ingress({ rules: byName }, { name: 'rpc' })],
      slices: [slice(endpoints), slice([endpoints[0]!], 'web-2')],
    }),
  );
  t.same(config.backends, [
    {
      id: 'shop/web:rpc',
      protocol: 'h2c',
      endpoints: [
        { address: '10.244.0.9', port: 9090 },
        { address: '10.244.1.5', port: 9090 },
      ],
    },
    {
      id: 'shop/web:80',
      protocol: 'http',
      endpoints: [
        { address: '10.244.0.9', port: 8080 },
        { address: '10.244.1.5', port: 8080 },
      ],
    },
  ]);
  t.same(
    config.rules.map((rule) => [rule.ingress, rule.host, rule.backend]),
    [
      ['shop/rpc', 'b.local', 'shop/web:rpc'],
      ['shop/web', 'a.local', 'shop/web:80'],
    ],
  );
});

void t.test('which endpoints: one family, and the terminating ones only where no other is left', async (t) => {
  const rules = [{ http: { paths: [path(to({ number: 80 }))] } }];
  const dual = { ...service, spec: { ...service.spec, ipFamilies: ['IPv6', 'IPv4'] } };
  const ready = { ready: true, serving: true, terminating: false };
  const leaving = { ready: false, serving: true, terminating: true };
  const v4 = slice([{ addresses: ['10.244.1.5'], conditions: ready }]);
  const v6 = (conditions: object): EndpointSlice => ({
    ...slice([{ addresses: ['fd00::5'], conditions }], 'web-6'),
    addressType: 'IPv6',
  });
  const cases = [
    { name: 'single-stack', services: [service], slices: [v4], want: ['10.244.1.5'] },
    { name: 'the first family', services: [dual], slices: [v4, v6(ready)], want: ['fd00::5'] },
    {
      name: 'the other when the first has none ready',
      services: [dual],
      slices: [v4, v6(leaving)],
      want: ['10.244.1.5'],
    },
    { name: 'the last one on its way out', services: [dual], slices: [v6(leaving)], want: ['fd00::5'] },
    { name: 'not one that does not serve', services: [dual], slices: [v6({ ...leaving, serving: false })], want: [] },
  ];
  for (const { name, services, slices, want } of cases) {
    const { backends } = translate(world({ ingresses: [ingress({ rules })], services, slices }));
    t.same(
      backends[0]?.endpoints.map(({ address }) => address),
      want,
      name,
    );
  }
});

void t.test('a missing Service keeps the rule, without endpoints', async (t) => {
  const rules = [{ http: { paths: [path(to({ number: 80 }, 'gone'))] } }];
  const config = translate(world({ ingresses: [ingress({ rules, defaultBackend: to({ number: 1 }) })] }));
  t.same(config.backends, [
    { id: 'shop/web:1', protocol: 'http', endpoints: [], problem: 'ServicePortNotFound' },
    { id: 'shop/gone:80', protocol: 'http', endpoints: [], problem: 'ServiceNotFound' },
  ]);
  t.same(config.troubles, [
    { ingress: 'shop/web', reason: 'ServicePortNotFound', message: 'Service shop/web has no port 1' },
    { ingress: 'shop/web', reason: 'ServiceNotFound', message: 'Service shop/gone does not exist' },
  ]);
  t.equal(config.rules[0]?.backend, 'shop/gone:80');
  t.equal(config.defaults[0]?.backend, 'shop/web:1');
});

void t.test('which Ingresses are served, by class and default class', async (t) => {
  const isDefault = {
    ...ourClass,
    metadata: { name: 'k8ts', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
  };
  const other: IngressClass = { metadata: { name: 'nginx' }, spec: { controller: 'example.com/other' } };
  const alias: IngressClass = { metadata: { name: 'mine' }, spec: { controller: 'k8ts.dev/ingress' } };
  const rules = [{ host: 'a.local', http: { paths: [path(to({ number: 80 }))] } }];
  const cases = [
    { name: 'named', classes: [ourClass], ingressClassName: 'k8ts', ours: true },
    { name: 'another controller', classes: [ourClass, other], ingressClassName: 'nginx', ours: false },
    { name: 'unknown class', classes: [ourClass], ingressClassName: 'nope', ours: false },
    { name: 'a second class of ours', classes: [ourClass, alias], ingressClassName: 'mine', ours: true },
    { name: 'no class, no default', classes: [ourClass], ingressClassName: undefined, ours: false },
    { name: 'no class, ours is the default', classes: [isDefault], ingressClassName: undefined, ours: true },
  ];
  for (const { name, classes, ingressClassName, ours } of cases) {
    const config = translate(world({ ingresses: [ingress({ rules, ingressClassName })], classes }));
    t.equal(config.rules.length, ours ? 1 : 0, name);
  }
});

void t.test('certificates come decoded, for the hosts given or those of the rules', async (t) => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const secret: Secret = {
    metadata: { namespace: 'shop', name: 'cert' },
    data: { 'tls.crt': base64('CERT'), 'tls.key': base64('KEY') },
  };
  const rules = [{ host: 'Rule.local', http: { paths: [path(to({ number: 80 }))] } }];
  const tls = [
    { hosts: ['A.local'], secretName: 'cert' },
    { secretName: 'cert' },
    { hosts: ['b'], secretName: 'absent' },
  ];
  const config = translate(world({ ingresses: [ingress({ rules, tls })], secrets: [secret] }));
  t.same(config.tls, [
    { hosts: ['a.local'], certificate: 'CERT', key: 'KEY', secret: 'shop/cert' },
    { hosts: ['rule.local'], certificate: 'CERT', key: 'KEY', secret: 'shop/cert' },
  ]);
});

void t.test('status shows the Ready nodes and is written only where it differs', async (t) => {
  const node = (name: string, ip: string, ready: string): Node => ({
    metadata: { name },
    status: {
      addresses: [{ type: 'InternalIP', address: ip }],
      conditions: [{ type: 'Ready', status: ready }],
    },
  });
  const ready = readyNodes([
    node('b', '10.0.0.2', 'True'),
    node('c', '10.0.0.3', 'Unknown'),
    node('a', '10.0.0.1', 'True'),
  ]);
  t.same(ready, [
    { name: 'a', ip: '10.0.0.1' },
    { name: 'b', ip: '10.0.0.2' },
  ]);
  const done: Ingress = {
    ...ingress({}, { name: 'done' }),
    status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] } },
  };
  const foreign = ingress({ ingressClassName: 'nope' }, { name: 'foreign' });
  const plan = planStatus({ ingresses: [done, ingress({}), foreign], classes: [ourClass], className: 'k8ts' }, [
    '10.0.0.1',
    '10.0.0.2',
  ]);
  t.same(plan.map(objectKey), ['shop/web']);
});

void t.test('ExternalName: what it may name, and which port counts', async (t) => {
  const external = (externalName: string, ports?: NonNullable<Service['spec']>['ports']): Service => ({
    metadata: { namespace: 'shop', name: 'web' },
    spec: { type: 'ExternalName', externalName, ...(ports ? { ports } : {}) },
  });
  const http = [{ name: 'http', port: 8080 }];
  const cases = [
    {
      name: 'a name',
      service: external('Web.T.svc.cluster.local.', http),
      port: { name: 'http' },
      want: 'web.t.svc.cluster.local:8080',
    },
    { name: 'an address', service: external('10.244.1.5', http), port: { number: 8080 }, want: '10.244.1.5:8080' },
    {
      name: 'no ports: the number itself',
      service: external('web.example'),
      port: { number: 81 },
      want: 'web.example:81',
    },
    {
      name: 'no ports: no name',
      service: external('web.example'),
      port: { name: 'http' },
      reason: 'ServicePortNotFound',
    },
    {
      name: 'other ports',
      service: external('web.example', http),
      port: { number: 81 },
      reason: 'ServicePortNotFound',
    },
    { name: 'loopback', service: external('127.0.0.1', http), port: { number: 8080 }, reason: 'BackendRefused' },
    { name: 'localhost', service: external('localhost'), port: { number: 10249 }, reason: 'BackendRefused' },
    { name: 'below localhost', service: external('a.LocalHost.'), port: { number: 10249 }, reason: 'BackendRefused' },
    { name: 'hexadecimal', service: external('0x7f.1'), port: { number: 10249 }, reason: 'BackendRefused' },
    { name: 'decimal', service: external('2130706433'), port: { number: 10249 }, reason: 'BackendRefused' },
    { name: 'mapped', service: external('::ffff:127.0.0.1'), port: { number: 10249 }, reason: 'BackendRefused' },
    { name: 'brackets', service: external('[::ffff:127.0.0.1]'), port: { number: 10249 }, reason: 'BackendRefused' },
    { name: 'zero', service: external('0'), port: { number: 10249 }, reason: 'BackendRefused' },
    { name: 'empty', service: external(''), port: { number: 80 }, reason: 'BackendRefused' },
  ];
  for (const { name, service, port, want, reason } of cases) {
    const rules = [{ http: { paths: [path(to(port))] } }];
    const { backends, troubles } = translate(world({ ingresses: [ingress({ rules })], services: [service] }));
    const shown = backends[0]!.endpoints.map((one) => `${one.address}:${one.port}`);
    t.same(shown, want ? [want] : [], name);
    t.equal(backends[0]!.problem, reason, name);
    t.equal(troubles[0]?.reason, reason, name);
  }
});

void t.test('refused endpoints are left out and named; the others serve', async (t) => {
  const rules = [{ http: { paths: [path(to({ number: 80 }))] } }];
  const endpoints = ['127.0.0.1', '10.244.1.5', '169.254.169.254', '0.0.0.0', '224.0.0.1'].map((one) => ({
    addresses: [one],
  }));
  const some = translate(world({ ingresses: [ingress({ rules })], slices: [slice(endpoints)] }));
  t.same(some.backends[0]!.endpoints, [{ address: '10.244.1.5', port: 8080 }]);
  t.equal(some.backends[0]!.problem, undefined);
  t.match(some.troubles[0], {
    ingress: 'shop/web',
    reason: 'BackendRefused',
    message: /0\.0\.0\.0:8080: unspecified.*and 1 more/,
  });
  const none = translate(world({ ingresses: [ingress({ rules })], slices: [slice(endpoints.slice(0, 1))] }));
  t.equal(none.backends[0]!.problem, 'BackendRefused');
});
