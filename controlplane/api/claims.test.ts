import t from 'tap';
import { nodeClaims, serviceClaims } from './claims';
import type { Node } from './node';
import type { Service } from './service';

t.test('serviceClaims: addresses of a cluster and ports of its nodes', async (t) => {
  const cases: readonly { name: string; spec: Service['spec']; want: readonly string[] }[] = [
    { name: 'nothing given', spec: {}, want: [] },
    { name: 'headless', spec: { clusterIP: 'None', clusterIPs: ['None'] }, want: [] },
    { name: 'an address', spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] }, want: ['clusterip/10.96.0.7'] },
    { name: 'an address of an old object', spec: { clusterIP: '10.96.0.7' }, want: ['clusterip/10.96.0.7'] },
    {
      name: 'both families, each address in one spelling',
      spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7', 'FD00:0::7'] },
      want: ['clusterip/10.96.0.7', 'clusterip/fd00::7'],
    },
    {
      name: 'an ExternalName has no address of its own',
      spec: { type: 'ExternalName', clusterIP: '10.96.0.7', externalName: 'a.example' },
      want: [],
    },
    {
      name: 'each port once, also when two protocols share the number',
      spec: {
        type: 'LoadBalancer',
        clusterIPs: ['10.96.0.7'],
        ports: [
          { port: 53, protocol: 'TCP', nodePort: 30_053 },
          { port: 53, protocol: 'UDP', nodePort: 30_053 },
          { port: 80, nodePort: 30_080 },
          { port: 81 },
        ],
        healthCheckNodePort: 30_999,
      },
      want: ['clusterip/10.96.0.7', 'nodeport/30053', 'nodeport/30080', 'nodeport/30999'],
    },
  ];
  for (const { name, spec, want } of cases) t.same(serviceClaims(spec ? { spec } : {}), want, name);
  t.same(serviceClaims({}), [], 'no spec');
});

t.test('nodeClaims: addresses and pod ranges', async (t) => {
  const node = (addresses: [type: string, address: string][], spec: Node['spec'] = {}): Node => ({
    spec,
    status: { addresses: addresses.map(([type, address]) => ({ type, address })) },
  });
  const cases: readonly { name: string; node: Node; want: readonly string[] }[] = [
    { name: 'a node that reported nothing yet', node: {}, want: [] },
    {
      name: 'internal addresses only, each in one spelling',
      node: node([
        ['Hostname', 'a'],
        ['ExternalIP', '192.0.2.1'],
        ['InternalIP', '10.0.0.1'],
        ['InternalIP', 'FD00:0::1'],
      ]),
      want: ['nodeaddress/10.0.0.1', 'nodeaddress/fd00::1'],
    },
    {
      name: 'an IPv4-mapped address is claimed as its IPv4 address',
      node: node([
        ['InternalIP', '::ffff:10.0.0.1'],
        ['InternalIP', '::FFFF:a00:2'],
        ['InternalIP', '::ffff:0:10.0.0.3'],
      ]),
      want: ['nodeaddress/10.0.0.1', 'nodeaddress/10.0.0.2', 'nodeaddress/::ffff:0:a00:3'],
    },
    {
      name: 'loopback addresses are not claimed',
      node: node([
        ['InternalIP', '127.0.0.1'],
        ['InternalIP', '::1'],
      ]),
      want: [],
    },
    {
      name: 'text that is not an address is a name',
      node: node([['InternalIP', 'worker']]),
      want: ['nodeaddress/worker'],
    },
    {
      name: 'pod ranges',
      node: node([], { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'FD00:0:1::/64'] }),
      want: ['podcidr/10.244.1.0/24', 'podcidr/fd00:0:1::/64'],
    },
    {
      name: 'a pod range of an old object',
      node: node([], { podCIDR: '10.244.1.0/24' }),
      want: ['podcidr/10.244.1.0/24'],
    },
    { name: 'an unreadable pod range', node: node([], { podCIDR: 'none' }), want: ['podcidr/none'] },
  ];
  for (const { name, node, want } of cases) t.same(nodeClaims(node), want, name);
});
