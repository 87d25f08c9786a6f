import t from 'tap';
import type { Link, LinkAddress, Route } from './model';
import { planBridge, planForwarding, planNeighbours, planRoutes, planVxlan } from './plan';

const desired = { name: 'br0', mac: '0a:58:0a:00:00:01', mtu: 1500, addresses: [{ address: '10.0.0.1', prefix: 24 }] };
const link: Link = {
  index: 3,
  name: 'br0',
  kind: 'bridge',
  mtu: 1500,
  mac: desired.mac,
  up: true,
  master: 0,
  peer: 0,
};
const address: LinkAddress = { link: 3, family: 4, address: '10.0.0.1', prefix: 24 };

t.test('steps from each bridge to the desired bridge', async (t) => {
  const create = {
    action: 'create-bridge',
    name: 'br0',
    change: { mac: desired.mac, mtu: 1500, up: true, learnsLinkLocal: false },
  };
  const add = { action: 'ensure-address', linkName: 'br0', address: '10.0.0.1', prefix: 24 };
  const cases = [
    { name: 'from nothing', found: undefined, addresses: [], steps: [create, add] },
    { name: 'as desired', found: link, addresses: [address], steps: [] },
    {
      name: 'another kind of link has the name',
      found: { ...link, kind: 'veth' },
      addresses: [address],
      steps: [{ action: 'remove-link', name: 'br0' }, create, add],
    },
    {
      name: 'everything differs',
      found: { ...link, mac: '0a:00:00:00:00:09', mtu: 1400, up: false },
      addresses: [address],
      steps: [{ action: 'set-link', name: 'br0', change: { mac: desired.mac, mtu: 1500, up: true } }],
    },
    {
      name: 'the bridge learns link-local frames, as in an earlier version',
      found: { ...link, learnsLinkLocal: true },
      addresses: [address],
      steps: [{ action: 'set-link', name: 'br0', change: { learnsLinkLocal: false } }],
    },
    { name: 'a kernel without this attribute', found: link, addresses: [address], steps: [] },
    {
      name: 'the address of an earlier range is removed, those of other links and families stay',
      found: link,
      addresses: [
        { ...address, address: '10.9.0.1' },
        { ...address, link: 4, address: '10.8.0.1' },
        { ...address, family: 6 as const, address: 'fe80::1', prefix: 64 },
      ],
      steps: [{ action: 'remove-address', address: { ...address, address: '10.9.0.1' } }, add],
    },
    {
      name: 'the right address with a wrong length',
      found: link,
      addresses: [{ ...address, prefix: 16 }],
      steps: [{ action: 'remove-address', address: { ...address, prefix: 16 } }, add],
    },
  ];
  for (const { name, found, addresses, steps } of cases) t.same(planBridge(desired, found, addresses), steps, name);
});

t.test('steps from each list of routes to the desired one', async (t) => {
  const route = (destination: string, more: Partial<Route> = {}): Route => ({
    destination,
    type: 'unicast',
    gateway: '192.0.2.2',
    protocol: 84,
    ...more,
  });
  const one = route('10.1.0.0/24');
  const two = route('10.2.0.0/24');
  const cases = [
    {
      name: 'missing ones are added in order',
      desired: [two, one],
      found: [],
      steps: [
        { action: 'replace-route', route: one },
        { action: 'replace-route', route: two },
      ],
    },
    {
      name: 'a link chosen by the kernel is not a difference',
      desired: [one],
      found: [{ ...one, link: 2 }],
      steps: [],
    },
    { name: 'a metric of 0 means no metric', desired: [one], found: [{ ...one, metric: 0 }], steps: [] },
    {
      name: 'a wrong gateway is replaced',
      desired: [one],
      found: [{ ...one, gateway: '192.0.2.3' }],
      steps: [{ action: 'replace-route', route: one }],
    },
    {
      name: 'a foreign route to the same destination is replaced',
      desired: [one],
      found: [{ ...one, protocol: 3 }],
      steps: [{ action: 'replace-route', route: one }],
    },
    {
      name: 'only our own routes are removed',
      desired: [],
      found: [one, route('10.3.0.0/24', { protocol: 3 }), route('10.4.0.0/24', { protocol: 2 })],
      steps: [{ action: 'remove-route', route: one }],
    },
    {
      name: 'a desired link or source counts',
      desired: [route('10.1.0.0/24', { link: 2, source: '192.0.2.1' })],
      found: [route('10.1.0.0/24', { link: 3, source: '192.0.2.1' })],
      steps: [{ action: 'replace-route', route: route('10.1.0.0/24', { link: 2, source: '192.0.2.1' }) }],
    },
    {
      name: 'blackhole instead of unicast',
      desired: [{ destination: '10.1.0.0/24', type: 'blackhole' as const, protocol: 84 }],
      found: [one],
      steps: [{ action: 'replace-route', route: { destination: '10.1.0.0/24', type: 'blackhole', protocol: 84 } }],
    },
  ];
  for (const { name, desired, found, steps } of cases) t.same(planRoutes(desired, found, 84), steps, name);
});

t.test('a VXLAN link', async (t) => {
  const vxlan = { id: 84, port: 8472, local: '192.168.57.10' };
  const desiredLink = { ...desired, name: 'vx0', mtu: 1450, vxlan, addresses: [{ address: '10.0.0.1', prefix: 32 }] };
  const { name, mac, mtu } = desiredLink;
  const create = { action: 'create-vxlan', name, vxlan, change: { mac, mtu, up: true } };
  const address = { action: 'ensure-address', linkName: name, address: '10.0.0.1', prefix: 32 };
  t.same(planVxlan(desiredLink, undefined, []), [create, address]);
  const link: Link = { index: 4, name, kind: 'vxlan', mtu, mac, up: true, master: 0, peer: 0, vxlan };
  const present: LinkAddress = { link: 4, family: 4, address: '10.0.0.1', prefix: 32 };
  const linkLocal: LinkAddress = { link: 4, family: 6, address: 'fe80::1', prefix: 64 };
  t.same(planVxlan(desiredLink, link, [present, linkLocal]), [], 'no steps, with the link-local address of the kernel');
  t.same(planVxlan(desiredLink, { ...link, mtu: 1500 }, [present]), [{ action: 'set-link', name, change: { mtu } }]);
  const replaced = [{ action: 'remove-link', name }, create, address];
  for (const other of [{ id: 1 }, { port: 4789 }, { local: '192.168.57.99' }]) {
    t.same(
      planVxlan(desiredLink, { ...link, vxlan: { ...vxlan, ...other } }, [present]),
      replaced,
      JSON.stringify(other),
    );
  }
  t.same(planVxlan(desiredLink, { ...link, kind: 'dummy', vxlan: undefined! }, [present]), replaced);
  const both = { ...desiredLink, addresses: [...desiredLink.addresses, { address: 'fd00::1', prefix: 128 }] };
  const old: LinkAddress = { link: 4, family: 6, address: 'fd00::9', prefix: 128 };
  t.same(planVxlan(both, link, [present, linkLocal, old]), [
    { action: 'remove-address', address: old },
    { action: 'ensure-address', linkName: name, address: 'fd00::1', prefix: 128 },
  ]);
});

t.test('neighbours and forwarding entries of our link', async (t) => {
  const permanent = 0x80;
  const desired = { link: 4, address: '10.0.1.1', mac: '0a:59:00:00:00:02' };
  t.same(planNeighbours([desired], [], 4), { add: [{ action: 'ensure-neighbour', entry: desired }], remove: [] });
  t.same(planNeighbours([desired], [{ ...desired, state: permanent }], 4), { add: [], remove: [] });
  const old = { ...desired, address: '10.0.2.1' };
  const found = [
    { ...desired, mac: '0a:59:00:00:00:09', state: permanent },
    { ...old, state: permanent },
    { ...old, address: '10.0.3.1', state: 2 },
    { ...old, link: 5, state: permanent },
  ];
  t.same(planNeighbours([desired], found, 4), {
    add: [{ action: 'ensure-neighbour', entry: desired }],
    remove: [{ action: 'remove-neighbour', entry: old }],
  });

  const end = { link: 4, mac: '0a:59:00:00:00:02', destination: '192.0.2.2' };
  t.same(planForwarding([end], [{ ...end, permanent: true }], 4), { add: [], remove: [] });
  const moved = { ...end, destination: '192.0.2.7', permanent: true };
  t.same(planForwarding([end], [moved], 4), { add: [{ action: 'ensure-forwarding', entry: end }], remove: [] });
  const gone = { link: 4, mac: '0a:59:00:00:00:03', destination: '192.0.2.3' };
  const others = [
    { ...gone, permanent: true },
    { ...gone, link: 9, permanent: true },
    { link: 4, mac: end.mac, permanent: true },
  ];
  t.same(planForwarding([end], others, 4), {
    add: [{ action: 'ensure-forwarding', entry: end }],
    remove: [{ action: 'remove-forwarding', entry: gone }],
  });
});
