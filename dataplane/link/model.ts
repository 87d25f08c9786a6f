// Links, addresses, routes and neighbours of one network namespace as plain values.
import type { Family } from '../../controlplane/base/cidr';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** As `ip -d link` names it: bridge, veth, vxlan; empty for physical and loopback. */
  readonly kind: string;
  readonly mtu: number;
  /** Lower case with colons; empty for links without one. */
  readonly mac: string;
  readonly up: boolean;
  /** Index of the bridge it is a port of; 0 for none. */
  readonly master: number;
  /** Index of the other end of a veth pair, in that end's namespace; 0 for none. */
  readonly peer: number;
  /** Only for ports of a bridge. */
  readonly hairpin?: boolean;
  /**
   * Only for bridges, and absent before Linux 5.0: whether the bridge learns MAC addresses from frames for the bridge itself
   * (01:80:c2:00:00:0x, which no netfilter hook sees).
   */
  readonly learnsLinkLocal?: boolean;
  /** Only for links of kind vxlan. */
  readonly vxlan?: Vxlan;
}

/** A tunnel without learning: forwarding entries name its other ends. Source: RFC 7348. */
export interface Vxlan {
  /** VXLAN Network Identifier. */
  readonly id: number;
  /** UDP port of both sides. */
  readonly port: number;
  /** Outer source address: one of this machine. */
  readonly local: string;
}

export interface LinkAddress {
  /** Index of the link. */
  readonly link: number;
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
}

/** fe80::/10: the kernel gives every IPv6 link such an address. */
export const isLinkLocal = ({ address }: { readonly address: string }): boolean => /^fe[89ab]/i.test(address);

export interface Route {
  /** CIDR form; a default route is 0.0.0.0/0 or ::/0. */
  readonly destination: string;
  readonly type: 'unicast' | 'blackhole';
  /** Next hop; absent when the destination is on the link itself. */
  readonly gateway?: string;
  /** Index of the outgoing link; when absent, the kernel finds it from the gateway. */
  readonly link?: number;
  /** The gateway counts as being on the link, whatever addresses the link has. Needs `link`. */
  readonly onLink?: boolean;
  readonly source?: string;
  readonly metric?: number;
  /** The program that created the route: rtm_protocol. */
  readonly protocol: number;
}

export interface Neighbour {
  readonly link: number;
  readonly address: string;
  readonly mac: string;
  /** NUD_* bits of linux/neighbour.h. */
  readonly state: number;
}

/** An entry of a bridge or a VXLAN link for a MAC address, learned or configured. */
export interface FdbEntry {
  readonly link: number;
  readonly mac: string;
  /** VXLAN: the tunnel end point. */
  readonly destination?: string;
  readonly permanent: boolean;
}
