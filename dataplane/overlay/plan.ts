// The way from this node to the pods of every other node: host-gw where the other node is on a link of ours and VXLAN where it is
// not, or one of the two for all nodes. Pure and sorted.
import { type Cidr, formatCidr, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import type { Route } from '../link/model';
import type { DesiredVxlan } from '../link/plan';
import { hostGatewayRoute } from './host-gw';
import { addressOf, addressOnLink, type NodeLease, podRouteProtocol } from './lease';
import {
  type VxlanForwarding,
  type VxlanNeighbour,
  vtepMac,
  vxlanForwarding,
  vxlanLink,
  vxlanNeighbour,
  vxlanRoute,
} from './vxlan';

export type OverlayMode = 'auto' | 'host-gw' | 'vxlan';

export interface OverlayInput {
  readonly mode: OverlayMode;
  readonly leases: readonly NodeLease[];
  /** Name of this node. */
  readonly self: string;
  /** Ranges that are directly on a link of this node, except those of pods. */
  readonly links: readonly string[];
  /** Largest packet on the link that carries this node's address. */
  readonly uplinkMtu: number;
}

export interface OverlayPlan {
  readonly routes: readonly Route[];
  /** The tunnel, in every mode that may need it: a peer may see this node off its links although we see the peer on ours. */
  readonly tunnel: Tunnel | undefined;
  /** Leases that cannot be reached, with the reason. */
  readonly unusable: readonly { readonly node: string; readonly reason: string }[];
}

export interface Tunnel {
  readonly link: DesiredVxlan;
  /** Routes through the tunnel; the caller fills in the link's index when it knows it. */
  readonly routes: readonly Omit<Route, 'link'>[];
  readonly neighbours: readonly VxlanNeighbour[];
  readonly forwarding: readonly VxlanForwarding[];
  /** Whether pods of some node cannot be reached without the tunnel. */
  readonly needed: boolean;
}

/** Larger than every metric in use, so that the bridge's own route wins while the bridge exists. */
const lastResortMetric = 0x7fff_ffff;

/**
 * A blackhole for the node's own ranges while the bridge is missing: otherwise packets to deleted pods would follow the default
 * route, and the router would send them back.
 */
const ownRangeRoute = (range: Cidr): Route => ({
  destination: formatCidr(range),
  type: 'blackhole',
  metric: lastResortMetric,
  protocol: podRouteProtocol,
});

export function planOverlay({ mode, leases, self, links, uplinkMtu }: OverlayInput): OverlayPlan {
  const onLink = links.map(parseCidr);
  const own = leases.find(({ node }) => node === self);
  // All outer packets of this node have one family: that of the node's first address.
  const outer = own?.addresses[0];
  const link = mode !== 'host-gw' && own?.podCidrs.length && outer ? vxlanLink(own, outer, uplinkMtu) : undefined;
  const routes = (own?.podCidrs ?? []).map((text) => ownRangeRoute(parseCidr(text)));
  const tunnelled: Omit<Route, 'link'>[] = [];
  const neighbours: VxlanNeighbour[] = [];
  const forwarding = new Map<string, VxlanForwarding>();
  const unusable: { node: string; reason: string }[] = [];
  const claimed = new Set(own?.podCidrs.map((text) => formatCidr(parseCidr(text))));
  const macs = new Map(link ? [[link.mac, link.vxlan.local]] : []);

  for (const lease of byName(leases)) {
    if (lease.node === self) continue;
    for (const range of lease.podCidrs.map(parseCidr)) {
      const text = formatCidr(range);
      if (claimed.has(text)) {
        unusable.push({ node: lease.node, reason: `pod range ${text} belongs to another node as well` });
        continue;
      }
      const near = mode === 'vxlan' ? undefined : addressOnLink(lease, range.family, onLink);
      if (near !== undefined) {
        claimed.add(text);
        routes.push(hostGatewayRoute(range, near));
        continue;
      }
      const peer = outer && addressOf(lease, parseAddress(outer).family);
      const reason =
        link === undefined ? offLink(lease, range, mode) : tunnelProblem(lease, peer, link.vxlan.local, macs);
      if (reason !== undefined || peer === undefined) {
        unusable.push({ node: lease.node, reason: reason ?? 'no address' });
        continue;
      }
      claimed.add(text);
      macs.set(vtepMac(peer), peer);
      tunnelled.push(vxlanRoute(range));
      neighbours.push(vxlanNeighbour(range, peer));
      forwarding.set(peer, vxlanForwarding(peer));
    }
  }
  const tunnel = link && {
    link,
    routes: byDestination(tunnelled),
    neighbours,
    forwarding: [...forwarding.values()],
    needed: mode === 'vxlan' || tunnelled.length > 0,
  };
  return { routes: byDestination(routes), tunnel, unusable };
}

function offLink(lease: NodeLease, { family }: Cidr, mode: OverlayMode): string {
  const address = addressOf(lease, family);
  if (address === undefined) return `it has pods of IPv${family} but no address of that family`;
  // Without a pod range of its own this node has no tunnel yet either.
  return mode === 'host-gw'
    ? `address ${address} is on no link of this node`
    : `address ${address} is on no link of this node, which has no pod range yet`;
}

function tunnelProblem(
  lease: NodeLease,
  peer: string | undefined,
  local: string,
  macs: ReadonlyMap<string, string>,
): string | undefined {
  if (peer === undefined) {
    return `it has no address of the family of ours, ${local}: ${lease.addresses.join(', ')}`;
  }
  if (peer === local) return `its address ${peer} is that of this node`;
  const holder = macs.get(vtepMac(peer));
  return holder === undefined || holder === peer ? undefined : `address ${peer} has the tunnel MAC of ${holder}`;
}

const byName = (leases: readonly NodeLease[]): readonly NodeLease[] =>
  [...leases].sort((a, b) => (a.node < b.node ? -1 : 1));

const byDestination = <T extends { readonly destination: string }>(routes: readonly T[]): readonly T[] =>
  [...routes].sort((a, b) => (a.destination < b.destination ? -1 : 1));
