// VXLAN: packets for pods of another node travel in UDP between the two nodes' addresses, over any number of routers. One link
// per node. Everything about a peer follows from its address and its pod range, so nodes publish nothing for it. Pure.
import { createHash } from 'node:crypto';
import { type Cidr, formatCidr, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import type { FdbEntry, Neighbour, Route } from '../link/model';
import type { DesiredVxlan } from '../link/plan';
import { gatewayOf, metricOf, type NodeLease, podRouteProtocol } from './lease';

export const vxlanName = 'k8ts-vxlan';
/** The same port as flannel, so that packet captures and firewalls know it. Other overlays often use the IANA port 4789. */
export const vxlanPort = 8472;
/** One network for all pods. Not flannel's 1, so that a link that flannel left behind does not conflict. */
const networkId = 84;

/** Outer IP, UDP and VXLAN headers and the inner Ethernet header: 20 or 40, 8, 8 and 14 bytes. Source: RFC 7348. */
export const vxlanOverhead = (outer: string): number => (parseAddress(outer).family === 4 ? 50 : 70);

/**
 * 192.168.57.10 → 0a:59:c0:a8:39:0a: locally administered, and different from every pod's MAC (0a:58). An IPv6 address is
 * longer than a MAC, so the MAC holds four bytes of its hash. When two nodes have the same hash, the plan refuses the second
 * node and says so.
 */
export function vtepMac(address: string): string {
  const { family, value } = parseAddress(address);
  const hex =
    family === 4
      ? value.toString(16).padStart(8, '0')
      : createHash('sha256').update(value.toString(16)).digest('hex').slice(0, 8);
  return `0a:${family === 4 ? '59' : '5a'}:${hex.match(/../g)?.join(':')}`;
}

/**
 * The tunnel's end on this node. It also carries the gateway addresses of the node's own pods: packets that the node itself
 * sends to pods elsewhere, and packets it masquerades, get them as source, so that answers come back through the tunnel.
 */
export function vxlanLink(own: NodeLease, outer: string, uplinkMtu: number): DesiredVxlan {
  return {
    name: vxlanName,
    mac: vtepMac(outer),
    mtu: uplinkMtu - vxlanOverhead(outer),
    vxlan: { id: networkId, port: vxlanPort, local: outer },
    addresses: own.podCidrs.map((text) => {
      const range = parseCidr(text);
      return { address: gatewayOf(range), prefix: range.family === 4 ? 32 : 128 };
    }),
  };
}

export type VxlanNeighbour = Omit<Neighbour, 'state' | 'link'>;
export type VxlanForwarding = Omit<FdbEntry, 'permanent' | 'link'>;

/** 10.244.2.0/24 via 10.244.2.1 dev k8ts-vxlan onlink proto 84; the caller fills in `link` when it knows the index. */
export const vxlanRoute = (range: Cidr): Omit<Route, 'link'> => ({
  destination: formatCidr(range),
  type: 'unicast',
  gateway: gatewayOf(range),
  onLink: true,
  ...metricOf(range.family),
  protocol: podRouteProtocol,
});

/** As `ip neigh` shows it: 10.244.2.1 lladdr 0a:59:c0:a8:39:0b PERMANENT */
export const vxlanNeighbour = (range: Cidr, peer: string): VxlanNeighbour => ({
  address: gatewayOf(range),
  mac: vtepMac(peer),
});

/** As `bridge fdb` shows it: 0a:59:c0:a8:39:0b dst 192.168.57.11 self permanent */
export const vxlanForwarding = (peer: string): VxlanForwarding => ({ mac: vtepMac(peer), destination: peer });
