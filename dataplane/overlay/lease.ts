// What a node offers to the others, and what all ways between nodes share.
import {
  type Cidr,
  cidrAddress,
  cidrContains,
  type Family,
  formatAddress,
  parseAddress,
} from '../../controlplane/base/cidr';

/** rtm_protocol of our routes: marks them as ours in `ip route` and keeps all others safe from us. rt_protos lists no other owner of it. */
export const podRouteProtocol = 84;

export interface NodeLease {
  readonly node: string;
  /** The node's addresses, at most one of each family; the first is the one it is known by. */
  readonly addresses: readonly string[];
  /** Its pod ranges, at most one of each family. */
  readonly podCidrs: readonly string[];
}

/** IPv6 keeps no route without a metric; the kernel's own choice for static ones is said aloud, so that plans compare. */
const ipv6StaticMetric = 1024;
export const metricOf = (family: Family): { readonly metric?: number } =>
  family === 6 ? { metric: ipv6StaticMetric } : {};

/** The bridge's own address in a pod range, as dataplane/ipam gives it out: the first behind the network address. */
export const gatewayOf = (range: Cidr): string => formatAddress(cidrAddress(range, 1));

export const addressOf = (lease: NodeLease, family: Family): string | undefined =>
  lease.addresses.find((address) => parseAddress(address).family === family);

/** The node's address of this family that lies on one of `links`. */
export function addressOnLink(lease: NodeLease, family: Family, links: readonly Cidr[]): string | undefined {
  const address = addressOf(lease, family);
  return address !== undefined && links.some((range) => cidrContains(range, parseAddress(address)))
    ? address
    : undefined;
}
