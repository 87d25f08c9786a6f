// What a node offers to the other nodes, and what both kinds of routes share.
import {
  type Cidr,
  cidrAddress,
  cidrContains,
  type Family,
  formatAddress,
  parseAddress,
} from '../../controlplane/base/cidr';

/**
 * rtm_protocol of our routes. It marks routes as ours in `ip route`; the plan never touches other routes. rt_protos lists no
 * other owner of 84.
 */
export const podRouteProtocol = 84;

export interface NodeLease {
  readonly node: string;
  /** The node's addresses, at most one of each family; the first is the address of the tunnel's end. */
  readonly addresses: readonly string[];
  /** Its pod ranges, at most one of each family. */
  readonly podCidrs: readonly string[];
}

/**
 * Every IPv6 route has a metric. Our routes name the kernel's default for static routes, so that desired and observed routes
 * are equal.
 */
const ipv6StaticMetric = 1024;
export const metricOf = (family: Family): { readonly metric?: number } =>
  family === 6 ? { metric: ipv6StaticMetric } : {};

/** The bridge's own address in a pod range, as dataplane/ipam reserves it: the first after the network address. */
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
