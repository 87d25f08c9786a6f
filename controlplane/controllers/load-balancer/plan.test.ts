import t from 'tap';
import type { Node } from '../../api/node';
import type { Service } from '../../api/service';
import { addressesAnnotation, ourClass, planAddresses } from './plan';
import { parsePool } from './pool';
import { sharingAnnotation } from './sharing';

interface ServiceFacts {
  readonly age?: number;
  readonly has?: readonly string[];
  readonly wants?: string;
  readonly share?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Partial<NonNullable<Service['spec']>>;
}

function service(
  name: string,
  { age = 5, has = [], wants, share, annotations = {}, spec = {} }: ServiceFacts = {},
): Service {
  return {
    metadata: {
      name,
      namespace: 'shop',
      creationTimestamp: `2026-01-01T00:00:0${age}Z`,
      annotations: { ...annotations, ...(share ? { [sharingAnnotation]: share } : {}) },
    },
    spec: {
      type: 'LoadBalancer',
      ipFamilies: ['IPv4'],
      ports: [{ port: 80, protocol: 'TCP' }],
      externalTrafficPolicy: 'Cluster',
      selector: { app: name },
      ...(wants ? { loadBalancerIP: wants } : {}),
      ...spec,
    },
    status: { loadBalancer: has.length > 0 ? { ingress: has.map((ip) => ({ ip, ipMode: 'VIP' })) } : {} },
  };
}
const port = (number: number) => ({ ports: [{ port: number, protocol: 'TCP' }] });
const node = (name: string, address: string): Node => ({
  metadata: { name },
  status: {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
  },
});

function plan(services: Service[], pool = '192.168.57.240-192.168.57.242', nodes: Node[] = []): string[] {
  return planAddresses(services, nodes, parsePool(pool)).map((step) => {
    const name = step.service.metadata?.name;
    if (step.action === 'assign') return `${name} ${step.addresses.join(',')}`;
    return step.action === 'release' ? `${name} released` : `${name}: ${step.message}`;
  });
}

const dual = { ipFamilies: ['IPv4', 'IPv6'] };
const local = { externalTrafficPolicy: 'Local' };
const cases: readonly { readonly name: string; readonly got: string[]; readonly want: string[] }[] = [
  {
    name: 'the lowest free addresses, oldest Service first',
    got: plan([service('b', { age: 2 }), service('a', { age: 3 }), service('c', { has: ['192.168.57.241'] })]),
    want: ['b 192.168.57.240', 'a 192.168.57.242'],
  },
  {
    name: 'an address stays although a lower one is free',
    got: plan([service('a', { has: ['192.168.57.242'] })]),
    want: [],
  },
  {
    name: 'other types and classes are not changed, and their addresses are not assigned',
    got: plan([
      service('none', { spec: { type: 'NodePort' } }),
      service('other', { has: ['192.168.57.240'], spec: { loadBalancerClass: 'example.org/lb' } }),
      service('external', { spec: { type: 'ClusterIP', externalIPs: ['192.168.57.241'] } }),
      service('ours', { spec: { loadBalancerClass: ourClass } }),
    ]),
    want: ['ours 192.168.57.242'],
  },
  {
    name: 'addresses of nodes are never assigned, and are released when a node appears with one',
    got: plan([service('a'), service('b', { has: ['192.168.57.241'] })], undefined, [
      node('n', '192.168.57.240'),
      node('m', '192.168.57.241'),
    ]),
    want: [
      'a 192.168.57.242',
      'b released',
      'b: no free address in the pool 192.168.57.240-192.168.57.242: 192.168.57.240 node n, 192.168.57.241 node m, ' +
        '192.168.57.242 shop/a',
    ],
  },
  {
    name: 'a requested address is assigned, and stays',
    got: plan([
      service('a', { wants: '192.168.57.242' }),
      service('b', { wants: '192.168.57.241', has: ['192.168.57.241'] }),
    ]),
    want: ['a 192.168.57.242'],
  },
  {
    name: 'an address requested by annotation',
    got: plan([service('a', { annotations: { [addressesAnnotation]: '192.168.57.242' } })]),
    want: ['a 192.168.57.242'],
  },
  {
    name: 'a new requested address replaces the old address',
    got: plan([service('a', { wants: '192.168.57.242', has: ['192.168.57.240'] }), service('b')]),
    want: ['a 192.168.57.242', 'b 192.168.57.240'],
  },
  {
    name: 'a requested address outside the pool',
    got: plan([service('a', { wants: '10.0.0.1', has: ['192.168.57.240'] })]),
    want: ['a released', 'a: requested address 10.0.0.1 is not in the pool 192.168.57.240-192.168.57.242'],
  },
  {
    name: 'a requested address that another Service has, however old the requesting one is',
    got: plan([service('a', { age: 1, wants: '192.168.57.240' }), service('b', { has: ['192.168.57.240'] })]),
    want: [
      `a: requested address 192.168.57.240 is in use by shop/b: annotate both with the same ${sharingAnnotation} to share it`,
    ],
  },
  {
    name: 'the address of a node',
    got: plan([service('a', { wants: '192.168.57.240' })], undefined, [node('n', '192.168.57.240')]),
    want: ['a: requested address 192.168.57.240 is in use by node n'],
  },
  {
    name: 'requests that are refused',
    got: plan([
      service('a', { wants: 'x' }),
      service('b', { wants: '192.168.57.240', annotations: { [addressesAnnotation]: '192.168.57.240' } }),
      service('c', { annotations: { [addressesAnnotation]: '192.168.57.240, 192.168.57.241' } }),
      service('d', { wants: 'fd00::1' }),
    ]),
    want: [
      'a: requested address "x" is not an IP address',
      `b: both spec.loadBalancerIP and annotation ${addressesAnnotation} are set`,
      'c: more than one address of a family is requested: 192.168.57.240, 192.168.57.241',
      'd: requested address fd00::1 is of a family that is not in spec.ipFamilies (IPv4)',
    ],
  },
  {
    name: 'exhausted pool: the message names the owners of the addresses',
    got: plan([service('a', { age: 1 }), service('b', { age: 2 })], '192.168.57.240'),
    want: ['a 192.168.57.240', 'b: no free address in the pool 192.168.57.240: 192.168.57.240 shop/a'],
  },
  {
    name: 'an address outside the pool is replaced',
    got: plan([service('a', { has: ['10.0.0.5'] })]),
    want: ['a 192.168.57.240'],
  },
  {
    name: 'two Services with the same address: the older keeps it',
    got: plan([service('a', { age: 2, has: ['192.168.57.240'] }), service('b', { age: 1, has: ['192.168.57.240'] })]),
    want: ['a 192.168.57.241'],
  },
  {
    name: 'one address of each family that the pool has',
    got: [
      ...plan([service('a', { spec: dual })], '192.168.57.240,fd00::1-fd00::2'),
      ...plan([service('a', { spec: dual })]),
      ...plan([service('a', { spec: { ipFamilies: ['IPv6'] } })]),
    ],
    want: [
      'a 192.168.57.240,fd00::1',
      'a 192.168.57.240',
      'a: no IPv6 address in the pool 192.168.57.240-192.168.57.242',
    ],
  },
  {
    name: 'shared: uses the address of the other Service',
    got: plan([service('b', { share: 'k', has: ['192.168.57.241'] }), service('a', { share: 'k', spec: port(443) })]),
    want: ['a 192.168.57.241'],
  },
  {
    name: 'shared from the start, and by request',
    got: plan([
      service('a', { age: 1, share: 'k' }),
      service('b', { age: 2, share: 'k', spec: port(443) }),
      service('c', { age: 3, share: 'k', spec: port(22), wants: '192.168.57.240' }),
    ]),
    want: ['a 192.168.57.240', 'b 192.168.57.240', 'c 192.168.57.240'],
  },
  {
    name: 'not shared: the same port, or another key',
    got: plan([
      service('a', { age: 1, share: 'k' }),
      service('b', { age: 2, share: 'k', wants: '192.168.57.240' }),
      service('c', { age: 3, share: 'l', wants: '192.168.57.240', spec: port(22) }),
      service('d', { age: 4, share: 'k' }),
    ]),
    want: [
      'a 192.168.57.240',
      'b: requested address 192.168.57.240 is in use by shop/a: both use port 80/TCP',
      `c: requested address 192.168.57.240 is in use by shop/a: its ${sharingAnnotation} is different`,
      'd 192.168.57.241',
    ],
  },
  {
    name: 'with policy Local only Services with the same pods share an address',
    got: plan([
      service('a', { age: 1, share: 'k', spec: { ...local, selector: { app: 'x' } } }),
      service('b', { age: 2, share: 'k', spec: { ...port(443), ...local, selector: { app: 'x' } } }),
      service('c', { age: 3, share: 'k', spec: { ...port(22), selector: { app: 'y' } } }),
    ]),
    want: ['a 192.168.57.240', 'b 192.168.57.240', 'c 192.168.57.241'],
  },
  {
    name: 'when sharing ends, the younger Service gets another address',
    got: plan([
      service('a', { age: 1, share: 'k', has: ['192.168.57.240'] }),
      service('b', { age: 2, has: ['192.168.57.240'], spec: port(443) }),
    ]),
    want: ['b 192.168.57.241'],
  },
  {
    name: 'without a pool nothing is written: another load balancer may own the status',
    got: plan([service('a'), service('b', { has: ['10.0.0.5'] })], ''),
    want: [
      'a: no load balancer pool: give Services addresses with k8ts server --load-balancer-pool=FIRST-LAST, or install another load balancer',
    ],
  },
];
for (const { name, got, want } of cases) {
  t.test(name, async (t) => {
    t.same(got, want);
  });
}
