import t from 'tap';
import { type NodeLease, planHostGateway } from './host-gw';

const lease = (node: string, address: string, ...podCidrs: string[]): NodeLease => ({ node, address, podCidrs });
const links = ['192.168.57.0/24'];
const a = lease('a', '192.168.57.10', '10.244.0.0/24');
const b = lease('b', '192.168.57.11', '10.244.1.0/24');
const c = lease('c', '192.168.57.12', '10.244.2.0/24');
const via = (destination: string, gateway: string) => ({ destination, type: 'unicast', gateway, protocol: 84 });

t.test('host-gw', async (t) => {
  const cases = [
    {
      name: 'a route to every other node, in order',
      leases: [c, a, b],
      routes: [via('10.244.1.0/24', b.address), via('10.244.2.0/24', c.address)],
      unusable: [],
    },
    { name: 'alone', leases: [a], routes: [], unusable: [] },
    {
      name: 'a node that waits for its range',
      leases: [a, lease('b', b.address)],
      routes: [],
      unusable: [],
    },
    {
      name: 'a node behind a router',
      leases: [a, lease('b', '10.9.9.9', '10.244.1.0/24')],
      routes: [],
      unusable: [{ node: 'b', reason: 'address 10.9.9.9 is on no link of this node' }],
    },
    {
      name: 'a range given out twice keeps its first owner',
      leases: [a, b, lease('c', c.address, '10.244.1.0/24')],
      routes: [via('10.244.1.0/24', b.address)],
      unusable: [{ node: 'c', reason: 'pod range 10.244.1.0/24 belongs to another node as well' }],
    },
    {
      name: 'our own range is never routed away',
      leases: [a, lease('b', b.address, '10.244.0.0/24')],
      routes: [],
      unusable: [{ node: 'b', reason: 'pod range 10.244.0.0/24 belongs to another node as well' }],
    },
    {
      name: 'a range of the other family needs an address of that family',
      leases: [a, lease('b', b.address, '10.244.1.0/24', 'fd00:1::/64')],
      routes: [via('10.244.1.0/24', b.address)],
      unusable: [],
    },
  ];
  for (const { name, leases, routes, unusable } of cases) {
    t.same(planHostGateway(leases, 'a', links), { routes, unusable }, name);
  }
});
