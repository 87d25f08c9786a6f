import t from 'tap';
import type { NodeLease } from './lease';
import { type OverlayInput, planOverlay } from './plan';
import { vtepMac, vxlanOverhead } from './vxlan';

const lease = (node: string, address: string, ...podCidrs: string[]): NodeLease => ({
  node,
  addresses: address.split(','),
  podCidrs,
});
const a = lease('a', '192.168.57.10', '10.244.0.0/24');
const b = lease('b', '192.168.57.11', '10.244.1.0/24');
const c = lease('c', '192.168.57.12', '10.244.2.0/24');
const far = lease('far', '192.168.58.20', '10.244.3.0/24');
const own = { destination: '10.244.0.0/24', type: 'blackhole', metric: 0x7fffffff, protocol: 84 };
const via = (destination: string, gateway: string) => ({ destination, type: 'unicast', gateway, protocol: 84 });
const through = (destination: string, gateway: string) => ({ ...via(destination, gateway), onLink: true });
const metric6 = { metric: 1024 };
const plan = (given: Partial<OverlayInput> & Pick<OverlayInput, 'leases'>) =>
  planOverlay({ mode: 'auto', self: 'a', links: ['192.168.57.0/24'], uplinkMtu: 1500, ...given });

t.test('host-gw', async (t) => {
  const cases = [
    {
      name: 'a route to every other node, in order, and one that drops packets for missing pods here',
      leases: [c, a, b],
      routes: [own, via('10.244.1.0/24', '192.168.57.11'), via('10.244.2.0/24', '192.168.57.12')],
      unusable: [],
    },
    { name: 'alone', leases: [a], routes: [own], unusable: [] },
    {
      name: 'a node that waits for its range, and one that waits for its address',
      leases: [a, lease('b', '192.168.57.11'), { node: 'c', addresses: [], podCidrs: ['10.244.2.0/24'] }],
      routes: [own],
      unusable: [{ node: 'c', reason: 'it has pods of IPv4 but no address of that family' }],
    },
    {
      name: 'a node behind a router',
      leases: [a, far],
      routes: [own],
      unusable: [{ node: 'far', reason: 'address 192.168.58.20 is on no link of this node' }],
    },
    {
      name: 'a range of two nodes stays with the first',
      leases: [a, b, lease('c', '192.168.57.12', '10.244.1.0/24')],
      routes: [own, via('10.244.1.0/24', '192.168.57.11')],
      unusable: [{ node: 'c', reason: 'pod range 10.244.1.0/24 belongs to another node as well' }],
    },
    {
      name: 'our own range is never routed to another node',
      leases: [a, lease('b', '192.168.57.11', '10.244.0.0/24')],
      routes: [own],
      unusable: [{ node: 'b', reason: 'pod range 10.244.0.0/24 belongs to another node as well' }],
    },
    {
      name: 'a range of the other family needs an address of that family',
      leases: [a, lease('b', '192.168.57.11', '10.244.1.0/24', 'fd00:1::/64')],
      routes: [own, via('10.244.1.0/24', '192.168.57.11')],
      unusable: [{ node: 'b', reason: 'it has pods of IPv6 but no address of that family' }],
    },
    {
      name: 'both families',
      leases: [
        lease('a', '192.168.57.10,fd57::10', '10.244.0.0/24', 'fd00::/64'),
        lease('b', '192.168.57.11,fd57::11', '10.244.1.0/24', 'fd00:0:0:1::/64'),
      ],
      routes: [
        own,
        via('10.244.1.0/24', '192.168.57.11'),
        { ...via('fd00:0:0:1::/64', 'fd57::11'), ...metric6 },
        { ...own, destination: 'fd00::/64' },
      ],
      unusable: [],
    },
  ];
  for (const { name, leases, routes, unusable } of cases) {
    const links = ['192.168.57.0/24', 'fd57::/64'];
    t.same(plan({ mode: 'host-gw', leases, links }), { routes, tunnel: undefined, unusable }, name);
  }
});

t.test('VXLAN where a node is not on a link of ours', async (t) => {
  const { routes, tunnel, unusable } = plan({ leases: [far, b, a] });
  t.same(routes, [own, via('10.244.1.0/24', '192.168.57.11')], 'nodes on our link keep their plain route');
  t.same(unusable, []);
  t.same(tunnel, {
    link: {
      name: 'k8ts-vxlan',
      mac: '0a:59:c0:a8:39:0a',
      mtu: 1450,
      vxlan: { id: 84, port: 8472, local: '192.168.57.10' },
      addresses: [{ address: '10.244.0.1', prefix: 32 }],
    },
    routes: [through('10.244.3.0/24', '10.244.3.1')],
    neighbours: [{ address: '10.244.3.1', mac: '0a:59:c0:a8:3a:14' }],
    forwarding: [{ mac: '0a:59:c0:a8:3a:14', destination: '192.168.58.20' }],
    needed: true,
  });
});

t.test(
  'in mode auto the tunnel exists without routes, because other nodes may see this node off their links',
  async (t) => {
    const { tunnel } = plan({ leases: [a, b] });
    t.match(tunnel, { needed: false, routes: [], neighbours: [], forwarding: [] });
    t.match(plan({ mode: 'vxlan', leases: [a] }).tunnel, { needed: true });
  },
);

t.test('mode vxlan: VXLAN for all nodes', async (t) => {
  const { routes, tunnel } = plan({ mode: 'vxlan', leases: [a, b, far] });
  t.same(routes, [own]);
  t.same(
    tunnel?.forwarding.map(({ destination }) => destination),
    ['192.168.57.11', '192.168.58.20'],
  );
});

t.test('both families in one tunnel: the first address determines the outer family', async (t) => {
  const dual = lease('a', '192.168.57.10,fd57::10', '10.244.0.0/24', 'fd00::/64');
  const other = lease('b', '192.168.58.11,fd58::11', '10.244.1.0/24', 'fd00:0:0:1::/64');
  const { tunnel } = plan({ leases: [dual, other] });
  t.same(tunnel?.link.addresses, [
    { address: '10.244.0.1', prefix: 32 },
    { address: 'fd00::1', prefix: 128 },
  ]);
  t.same(tunnel?.routes, [
    through('10.244.1.0/24', '10.244.1.1'),
    { ...through('fd00:0:0:1::/64', 'fd00:0:0:1::1'), ...metric6 },
  ]);
  t.equal(tunnel?.forwarding.length, 1);
  t.same(
    tunnel?.neighbours.map(({ address }) => address),
    ['10.244.1.1', 'fd00:0:0:1::1'],
  );
});

t.test('unusable leases are reported', async (t) => {
  t.same(plan({ leases: [a, lease('b', 'fd57::11', '10.244.1.0/24')] }).unusable, [
    { node: 'b', reason: 'it has no address of the family of ours, 192.168.57.10: fd57::11' },
  ]);
  const twin = lease('twin', '192.168.58.20', '10.244.4.0/24');
  t.same(plan({ leases: [a, far, twin] }).unusable, [], 'two nodes with one address still have separate ranges');
  t.same(plan({ mode: 'vxlan', leases: [a, lease('b', '192.168.57.10', '10.244.1.0/24')] }).unusable, [
    { node: 'b', reason: 'its address 192.168.57.10 is that of this node' },
  ]);
  t.same(plan({ leases: [lease('a', '192.168.57.10'), far] }).unusable, [
    { node: 'far', reason: 'address 192.168.58.20 is on no link of this node, which has no pod range yet' },
  ]);
});

t.test('addresses of tunnels', async (t) => {
  t.equal(vtepMac('192.168.57.10'), '0a:59:c0:a8:39:0a');
  t.match(vtepMac('fd57::10'), /^0a:5a(:[0-9a-f]{2}){4}$/);
  t.not(vtepMac('fd57::10'), vtepMac('fd57::11'));
  t.same([vxlanOverhead('192.0.2.1'), vxlanOverhead('fd57::10')], [50, 70]);
});
