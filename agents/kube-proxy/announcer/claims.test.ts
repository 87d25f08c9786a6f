import t from 'tap';
import type { EndpointSlice, Node, Service } from '../../../controlplane/api';
import { claimsOf, nodeStateOf } from './claims';

type Spec = Partial<NonNullable<Service['spec']>>;
const service = (spec: Spec = {}, ingress: object[] = [{ ip: '192.168.57.240', ipMode: 'VIP' }]): Service => ({
  metadata: { name: 'web', namespace: 'shop' },
  spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Cluster', ...spec },
  status: { loadBalancer: { ingress: ingress as never } },
});
const slice = (...endpoints: NonNullable<EndpointSlice['endpoints']>): EndpointSlice => ({
  metadata: { name: 'web-1' },
  addressType: 'IPv4',
  endpoints,
});

t.test('which node claims which address', async (t) => {
  const address = [{ address: '192.168.57.240' }];
  t.same(claimsOf(service(), []), address);
  t.same(claimsOf(service({ loadBalancerClass: 'k8ts.io/l2' }), []), address);
  t.same(claimsOf(service({ loadBalancerClass: 'example.org/lb' }), []), []);
  t.same(claimsOf(service({ type: 'NodePort' }), []), []);
  t.same(claimsOf(undefined, []), []);
  t.same(claimsOf(service({ loadBalancerIP: '192.168.57.250' }, []), []), [], 'a requested address is none yet');
  const odd = [
    { ip: '192.168.57.240', ipMode: 'Proxy' },
    { hostname: 'x' },
    { ip: 'FD00:0::1' },
    { ip: '192.168.57.241' },
  ];
  t.same(claimsOf(service({}, odd), []), [{ address: 'fd00::1' }, { address: '192.168.57.241' }]);
});

t.test('policy Local: nodes ranked by the state of their endpoints', async (t) => {
  const on = (nodeName: string | undefined, conditions: object = {}) => ({
    addresses: ['10.244.1.5'],
    conditions,
    ...(nodeName === undefined ? {} : { nodeName }),
  });
  const ending = { ready: false, serving: true, terminating: true };
  const slices = [
    slice(on('a'), on('b', ending), on('c', { ready: false }), on(undefined)),
    slice(on('b', { ready: true }), on('d', ending), on('a', ending)),
  ];
  const [claim] = claimsOf(service({ externalTrafficPolicy: 'Local' }), slices);
  t.same([...(claim?.local ?? [])].sort(), [
    ['a', 2],
    ['b', 2],
    ['d', 1],
  ]);
  t.equal(claimsOf(service(), slices)[0]?.local, undefined);
});

t.test('a Node as a record: InternalIP (IPv4 first), Ready, excluded', async (t) => {
  const node: Node = {
    metadata: { name: 'n', labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
    status: {
      addresses: [
        { type: 'Hostname', address: 'n' },
        { type: 'InternalIP', address: 'fd00::1' },
        { type: 'InternalIP', address: '192.168.57.11' },
      ],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
  t.same(nodeStateOf(node), { name: 'n', address: '192.168.57.11', ready: true, excluded: true });
  const ipv6 = { addresses: [{ type: 'InternalIP', address: 'fd00::2' }] };
  t.match(nodeStateOf({ metadata: { name: 'o' }, status: ipv6 }), { address: 'fd00::2' });
  t.same(nodeStateOf({ metadata: { name: 'm' } }), { name: 'm', address: '', ready: false, excluded: false });
});
