// host-gw: pods of another node are reached by a plain route to that node's address. For nodes on one link. Pure.
import { cidrContains, formatCidr, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import type { Route } from '../link/model';

/** rtm_protocol of our routes: marks them as ours in `ip route` and keeps all others safe from us. Listed by nobody else in rt_protos. */
export const podRouteProtocol = 84;

/** What a node offers to the others. */
export interface NodeLease {
  readonly node: string;
  readonly address: string;
  readonly podCidrs: readonly string[];
}

export interface HostGatewayPlan {
  readonly routes: readonly Route[];
  /** Leases that cannot become a route, with the reason. */
  readonly unusable: readonly { readonly node: string; readonly reason: string }[];
}

/**
 * One route per pod range of every node but `self`, sorted. `links` are the ranges that are directly on a link here: a node
 * outside of them cannot be a gateway.
 */
export function planHostGateway(leases: readonly NodeLease[], self: string, links: readonly string[]): HostGatewayPlan {
  const onLink = links.map(parseCidr);
  const own = new Set(leases.filter(({ node }) => node === self).flatMap(({ podCidrs }) => podCidrs));
  const routes = new Map<string, Route>();
  const unusable: { node: string; reason: string }[] = [];
  for (const lease of [...leases].sort((a, b) => (a.node < b.node ? -1 : 1))) {
    if (lease.node === self) continue;
    const address = parseAddress(lease.address);
    if (!onLink.some((range) => cidrContains(range, address))) {
      unusable.push({ node: lease.node, reason: `address ${lease.address} is on no link of this node` });
      continue;
    }
    for (const text of lease.podCidrs) {
      const cidr = parseCidr(text);
      const destination = formatCidr(cidr);
      if (cidr.family !== address.family) continue;
      if (own.has(text) || routes.has(destination)) {
        unusable.push({ node: lease.node, reason: `pod range ${destination} belongs to another node as well` });
        continue;
      }
      routes.set(destination, { destination, type: 'unicast', gateway: lease.address, protocol: podRouteProtocol });
    }
  }
  return { routes: [...routes.values()].sort((a, b) => (a.destination < b.destination ? -1 : 1)), unusable };
}
