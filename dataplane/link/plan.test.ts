import t from 'tap';
import type { Link, LinkAddress, Route } from './model';
import { planBridge, planRoutes } from './plan';

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

t.test('bridge', async (t) => {
  const create = { action: 'create-bridge', name: 'br0', change: { mac: desired.mac, mtu: 1500, up: true } };
  const add = { action: 'ensure-address', linkName: 'br0', address: '10.0.0.1', prefix: 24 };
  const cases = [
    { name: 'from nothing', found: undefined, addresses: [], steps: [create, add] },
    { name: 'as wanted', found: link, addresses: [address], steps: [] },
    {
      name: 'another kind of link has the name',
      found: { ...link, kind: 'veth' },
      addresses: [address],
      steps: [{ action: 'remove-link', name: 'br0' }, create, add],
    },
    {
      name: 'everything is off',
      found: { ...link, mac: '0a:00:00:00:00:09', mtu: 1400, up: false },
      addresses: [address],
      steps: [{ action: 'set-link', name: 'br0', change: { mac: desired.mac, mtu: 1500, up: true } }],
    },
    {
      name: 'the address of an earlier range goes, those of other links and families stay',
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

t.test('routes', async (t) => {
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
    { name: 'the link chosen by the kernel is no difference', desired: [one], found: [{ ...one, link: 2 }], steps: [] },
    { name: 'a metric of 0 is none', desired: [one], found: [{ ...one, metric: 0 }], steps: [] },
    {
      name: 'a wrong gateway is replaced',
      desired: [one],
      found: [{ ...one, gateway: '192.0.2.3' }],
      steps: [{ action: 'replace-route', route: one }],
    },
    {
      name: 'a foreign route to the same destination is taken over',
      desired: [one],
      found: [{ ...one, protocol: 3 }],
      steps: [{ action: 'replace-route', route: one }],
    },
    {
      name: 'only ours are removed',
      desired: [],
      found: [one, route('10.3.0.0/24', { protocol: 3 }), route('10.4.0.0/24', { protocol: 2 })],
      steps: [{ action: 'remove-route', route: one }],
    },
    {
      name: 'a wanted link or source counts',
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
