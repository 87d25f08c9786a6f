import t from 'tap';
import { macOf, vethName } from './names';
import { nodeLease } from './translate';
import { type DesiredWire, findFault, podIpv6Sysctls, podRoutes, type WireFound } from './wire-plan';

const address = { ip: '10.244.1.5', family: 4, gateway: '10.244.1.1' } as const;
const desired: DesiredWire = { addresses: [address], mtu: 1500, bridgeIndex: 3 };
const link = { kind: 'veth', mtu: 1500, up: true, master: 0, peer: 0, mac: '0a:00:00:00:00:01' };
const complete: WireFound = {
  near: { ...link, index: 7, name: 'veth0af40105', master: 3, peer: 2, hairpin: true },
  far: { ...link, index: 2, name: 'eth0', peer: 7, mac: '0a:58:0a:f4:01:05' },
  addresses: [
    { link: 1, family: 4, address: '127.0.0.1', prefix: 8 },
    { link: 2, family: 4, address: '10.244.1.5', prefix: 32 },
    { link: 2, family: 6, address: 'fe80::1', prefix: 64 },
  ],
  routes: [...podRoutes('10.244.1.1', 2)],
};

t.test('the name of a link follows from the address and fits the kernel', async (t) => {
  t.equal(vethName('10.244.1.5'), 'veth0af40105');
  t.ok(vethName('255.255.255.255').length <= 15);
  t.equal(macOf('10.244.1.5'), '0a:58:0a:f4:01:05');
  t.equal(vethName('fd00:0:0:1::5'), 'veth00000005');
  t.equal(macOf('fd00:0:0:1::5'), '0a:5b:00:00:00:05');
  t.throws(() => macOf('x'), { code: 'BadRequest' });
});

t.test('the first fault of a wire', async (t) => {
  const near = complete.near!;
  const far = complete.far!;
  const cases: { name: string; change: Partial<WireFound>; fault: string | undefined }[] = [
    { name: 'complete', change: {}, fault: undefined },
    { name: 'nothing on the node', change: { near: undefined }, fault: 'no link on the node' },
    { name: 'nothing in the pod', change: { far: undefined }, fault: 'no link in the pod' },
    {
      name: 'the wire of another pod',
      change: { near: { ...near, peer: 9 } },
      fault: 'the two links are not one pair',
    },
    { name: 'its peer is another one', change: { far: { ...far, peer: 8 } }, fault: 'the two links are not one pair' },
    { name: 'bridge created again', change: { near: { ...near, master: 0 } }, fault: 'not a port of the bridge' },
    { name: 'hairpin', change: { near: { ...near, hairpin: false } }, fault: 'hairpin is off' },
    { name: 'down on the node', change: { near: { ...near, up: false } }, fault: 'a link is down' },
    { name: 'down in the pod', change: { far: { ...far, up: false } }, fault: 'a link is down' },
    { name: 'MAC', change: { far: { ...far, mac: '0a:00:00:00:00:02' } }, fault: 'another MAC address' },
    { name: 'MTU', change: { near: { ...near, mtu: 1400 } }, fault: 'another MTU' },
    { name: 'no address', change: { addresses: [] }, fault: 'another address' },
    {
      name: 'a second address',
      change: { addresses: [...complete.addresses, { link: 2, family: 4, address: '10.244.1.6', prefix: 32 }] },
      fault: 'another address',
    },
    {
      name: 'an address that makes neighbours of pods',
      change: { addresses: [{ link: 2, family: 4, address: '10.244.1.5', prefix: 24 }] },
      fault: 'another address',
    },
    { name: 'no routes', change: { routes: [] }, fault: 'no route to 10.244.1.1/32' },
    { name: 'no default route', change: { routes: complete.routes.slice(0, 1) }, fault: 'no route to 0.0.0.0/0' },
    { name: 'another gateway', change: { routes: podRoutes('10.244.1.9', 2) }, fault: 'no route to 10.244.1.1/32' },
  ];
  for (const { name, change, fault } of cases) t.equal(findFault(desired, { ...complete, ...change }), fault, name);
});

t.test('a wire of both families', async (t) => {
  const six = { ip: 'fd00::5', family: 6, gateway: 'fd00::1' } as const;
  const both: DesiredWire = { ...desired, addresses: [address, six] };
  const whole: WireFound = {
    ...complete,
    addresses: [...complete.addresses, { link: 2, family: 6, address: 'fd00::5', prefix: 128 }],
    routes: [...complete.routes, ...podRoutes('fd00::1', 2)],
  };
  t.equal(findFault(both, whole), undefined, 'the address the kernel gives each link of IPv6 is no fault');
  t.equal(findFault(desired, whole), undefined, 'nor is what a pod of one family has besides');
  t.equal(findFault(both, complete), 'another address');
  t.equal(findFault(both, { ...whole, routes: complete.routes }), 'no route to fd00::1/128');
  t.equal(findFault(both, { ...whole, routes: whole.routes.slice(0, -1) }), 'no route to ::/0');
});

t.test('settings of IPv6 inside a pod', async (t) => {
  const settings = podIpv6Sysctls(true);
  t.match(settings, { 'net.ipv6.conf.all.disable_ipv6': '0', 'net.ipv6.conf.default.accept_redirects': '0' });
  t.notOk(
    Object.keys(podIpv6Sysctls(false)).some((name) => name.endsWith('disable_ipv6')),
    'off stays off',
  );
});

t.test('a node becomes a lease when it has address and range', async (t) => {
  const address = { type: 'InternalIP', address: '192.168.57.11' };
  const base = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } } as const;
  t.same(nodeLease({ ...base, spec: { podCIDR: '10.244.1.0/24' }, status: { addresses: [address] } }), {
    node: 'n',
    addresses: ['192.168.57.11'],
    podCidrs: ['10.244.1.0/24'],
  });
  const spec = { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] };
  t.same(nodeLease({ ...base, spec, status: { addresses: [address] } })?.podCidrs, spec.podCIDRs);
  t.equal(nodeLease({ ...base, spec, status: { addresses: [{ type: 'Hostname', address: 'n' }] } }), undefined);
  t.equal(nodeLease({ ...base, spec: {}, status: { addresses: [address] } }), undefined);
});
