import t from 'tap';
import type { Link, LinkAddress } from '../../../dataplane/link/model';
import { podMtu, uplinkOf } from './uplink';

const link = (index: number, name: string, mtu: number): Link => ({
  index,
  name,
  kind: '',
  mtu,
  mac: '',
  up: true,
  master: 0,
  peer: 0,
});
const at = (index: number, address: string, family: 4 | 6 = 4): LinkAddress => ({
  link: index,
  family,
  address,
  prefix: 24,
});
const found = {
  links: [link(1, 'lo', 65_536), link(2, 'eth0', 1500), link(3, 'eth1', 9000)],
  addresses: [at(1, '192.0.2.9'), at(2, '10.0.2.15'), at(3, '192.168.56.11'), at(3, 'fd56::11', 6)],
};

t.test('the MTU of pods by uplink and overlay mode', async (t) => {
  t.equal(uplinkOf(found, '192.168.56.11')?.name, 'eth1');
  t.equal(uplinkOf(found, '192.0.2.9'), undefined, 'loopback is no wire');
  const cases = [
    { name: 'all of it', ip: '192.168.56.11', mode: 'host-gw', want: 9000 },
    { name: 'room for a tunnel that may come', ip: '192.168.56.11', mode: 'auto', want: 8950 },
    { name: 'of IPv4', ip: '10.0.2.15', mode: 'vxlan', want: 1450 },
    { name: 'of IPv6', ip: 'fd56::11', mode: 'vxlan', want: 8930 },
    { name: 'an address of no link', ip: '192.0.2.1', mode: 'auto', want: 1450 },
    { name: 'an address on loopback', ip: '192.0.2.9', mode: 'host-gw', want: 1500 },
    { name: 'no address', ip: undefined, mode: 'auto', want: 1500 },
  ] as const;
  for (const { name, ip, mode, want } of cases) t.equal(podMtu(found, ip, mode), want, name);
});
