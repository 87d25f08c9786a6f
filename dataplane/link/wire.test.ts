import { constants } from 'node:os';
import t from 'tap';
import { addressBytes } from '../../controlplane/base/cidr';
import { IFF_UP, IFLA, IFLA_BRPORT_MODE, IFLA_INFO, RT_TABLE_MAIN, RTA, RTN } from './constants';
import { macBytes } from './mac';
import type { Route } from './model';
import { errnoError } from './rt-socket';
import {
  addressMessage,
  fdbMessage,
  neighbourMessage,
  parseFdbEntry,
  parseLinkAddress,
  parseNeighbour,
  parseRoute,
  routeMessage,
} from './wire';
import { parseAttrs } from './wire-attrs';
import { linkChange, linkCreation, parseLink } from './wire-link';

const join = (parts: Uint8Array[]) => Buffer.concat(parts);

t.test('links to bytes and back', async (t) => {
  const bridge = parseLink(
    join(
      linkCreation({
        kind: 'bridge',
        name: 'cni0',
        mtu: 1400,
        mac: '0a:58:0a:f4:00:01',
        up: true,
        learnsLinkLocal: false,
      }),
    ),
  );
  t.match(bridge, { name: 'cni0', kind: 'bridge', mtu: 1400, mac: '0a:58:0a:f4:00:01', up: true, master: 0, peer: 0 });
  t.equal(bridge.learnsLinkLocal, false);
  t.equal(parseLink(join(linkChange(3, { learnsLinkLocal: true }))).learnsLinkLocal, true);
  const old = parseLink(join(linkCreation({ kind: 'bridge', name: 'cni0' })));
  t.notOk('learnsLinkLocal' in old, 'kernels before 5.0 do not have the attribute');
  t.notOk('hairpin' in bridge, 'only ports have the flag');
  const port = parseLink(join(linkChange(7, { hairpin: true, master: 3, up: false })));
  t.match(port, { index: 7, master: 3, up: false, hairpin: true });
  t.equal(parseLink(join(linkChange(7, { hairpin: false }))).hairpin, false);

  const untouched = join(linkChange(7, { mtu: 1500 }));
  t.equal(untouched.readUInt32LE(12) & IFF_UP, 0, 'the up flag is not changed without a request');

  const veth = join(
    linkCreation({
      kind: 'veth',
      name: 'v0',
      up: true,
      master: 3,
      peer: { name: 'eth0', mac: '0a:58:0a:f4:00:02', netnsFd: 9 },
    }),
  );
  const info = parseAttrs(parseAttrs(veth.subarray(16)).get(IFLA.LINKINFO)!);
  const peer = parseAttrs(info.get(IFLA_INFO.DATA)!).get(1)!;
  t.match(parseLink(peer), { name: 'eth0', mac: '0a:58:0a:f4:00:02', up: false });
  t.equal(parseAttrs(peer.subarray(16)).get(IFLA.NET_NS_FD)?.readUInt32LE(), 9);
  t.equal(IFLA_BRPORT_MODE, 4);
});

t.test('a VXLAN link to bytes and back', async (t) => {
  for (const local of ['192.168.57.10', 'fd00::10']) {
    const vxlan = { id: 1, port: 8472, local };
    const name = 'k8ts-vxlan';
    const message = join(linkCreation({ kind: 'vxlan', name, vxlan, mac: '0a:59:c0:a8:39:0a', mtu: 1450, up: true }));
    t.match(parseLink(message), { name, kind: 'vxlan', vxlan, mac: '0a:59:c0:a8:39:0a', mtu: 1450, up: true });
    const data = parseAttrs(parseAttrs(parseAttrs(message.subarray(16)).get(IFLA.LINKINFO)!).get(IFLA_INFO.DATA)!);
    t.same([...data.get(15)!], [0x21, 0x18], 'the port is in network byte order');
    t.same([data.get(7)?.[0], data.get(18)?.[0]], [0, 0], 'no learning, no outer checksum');
  }
  const entry = { link: 4, mac: '0a:59:c0:a8:39:0b', destination: '192.168.57.11' };
  t.same(parseFdbEntry(join(fdbMessage(entry))), { ...entry, permanent: true });
  t.equal(fdbMessage(entry)[0]![10], 2, 'the entry is of the link itself, not of a bridge above');
});

t.test('addresses and neighbours are the same after encoding and parsing', async (t) => {
  for (const entry of [
    { link: 2, family: 4 as const, address: '10.244.1.5', prefix: 32 },
    { link: 3, family: 6 as const, address: 'fd00::5', prefix: 64 },
  ]) {
    t.same(parseLinkAddress(join(addressMessage(entry))), entry);
  }
  const neighbour = { link: 2, address: '10.244.1.5', mac: '0a:58:0a:f4:01:05', state: 0x80 };
  t.same(parseNeighbour(join(neighbourMessage(neighbour))), neighbour);
  t.same(parseFdbEntry(join(neighbourMessage(neighbour))), {
    link: 2,
    mac: neighbour.mac,
    destination: neighbour.address,
    permanent: true,
  });
});

t.test('routes to bytes and back', async (t) => {
  const routes: Route[] = [
    { destination: '10.244.2.0/24', type: 'unicast', gateway: '192.168.57.11', protocol: 84 },
    { destination: '0.0.0.0/0', type: 'unicast', gateway: '10.244.1.1', link: 2, protocol: 3 },
    { destination: '10.244.1.1/32', type: 'unicast', link: 2, source: '10.244.1.5', metric: 10, protocol: 3 },
    { destination: '10.244.3.0/24', type: 'blackhole', protocol: 84 },
    { destination: '10.244.4.0/24', type: 'unicast', gateway: '10.244.4.1', link: 4, onLink: true, protocol: 84 },
    { destination: 'fd00:2::/64', type: 'unicast', gateway: 'fd00::2', protocol: 84 },
    { destination: '::/0', type: 'unicast', gateway: 'fd00::1', protocol: 84 },
  ];
  for (const route of routes) t.same(parseRoute(join(routeMessage(route))), route, route.destination);

  const other = join(routeMessage(routes[0]!));
  other.writeUInt8(255, 4);
  t.equal(parseRoute(other), undefined, 'another table');
  const local = join(routeMessage(routes[0]!));
  local.writeUInt8(RTN.LOCAL, 7);
  t.equal(parseRoute(local), undefined, 'a local route of the kernel');
  const cloned = join(routeMessage(routes[5]!));
  cloned.writeUInt32LE(0x200, 8);
  t.equal(parseRoute(cloned), undefined, 'a cache entry');
  t.equal(RT_TABLE_MAIN, 254);
  t.ok(parseAttrs(join(routeMessage(routes[0]!)).subarray(12)).has(RTA.GATEWAY));
});

t.test('malformed addresses are refused', async (t) => {
  for (const mac of ['', '0a:58:0a:f4:00', '0a:58:0a:f4:00:0g', '0a580af40001']) {
    t.throws(() => macBytes(mac), { code: 'BadRequest' }, mac);
  }
  t.throws(() => addressBytes('10.0.0.256'), { code: 'BadRequest' });
  t.equal(addressBytes('::1').length, 16);
});

t.test("errors by the caller's possible reaction", async (t) => {
  const { EEXIST, ENODEV, ESRCH, EPERM, EOPNOTSUPP, EINVAL, ENETUNREACH, EBUSY } = constants.errno;
  const cases = [
    { errno: EEXIST, code: 'AlreadyExists' },
    { errno: ENODEV, code: 'NotFound' },
    { errno: ESRCH, code: 'NotFound' },
    { errno: EPERM, code: 'Forbidden' },
    { errno: EOPNOTSUPP, code: 'Unsupported' },
    { errno: EINVAL, code: 'BadRequest' },
    { errno: ENETUNREACH, code: 'Unavailable' },
    { errno: EBUSY, code: 'Unavailable' },
    { errno: 4095, code: 'Unavailable' },
  ];
  for (const { errno, code } of cases) t.equal(errnoError('set link', errno).code, code, String(errno));
  t.match(errnoError('set link v0', EEXIST), { message: 'set link v0: EEXIST', details: { errno: 'EEXIST' } });
});
