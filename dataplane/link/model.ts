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
  /** Index of the other end of a veth pair, in the other end's namespace; 0 for none. */
  readonly peer: number;
  /** Only for ports of a bridge. */
  readonly hairpin?: boolean;
  /**
   * Only for bridges, and absent before Linux 5.0: whether frames for the bridge itself (01:80:c2:00:00:0x, which no netfilter hook
   * sees) teach it where a MAC address is.
   */
  readonly learnsLinkLocal?: boolean;
  /** Only for links of kind vxlan. */
  readonly vxlan?: Vxlan;
}

/** A tunnel whose other ends forwarding entries name, without learning. Source: RFC 7348. */
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

/** fe80::/10: every IPv6 link has one, made by the kernel. */
export const isLinkLocal = ({ address }: { readonly address: string }): boolean => /^fe[89ab]/i.test(address);

export interface Route {
  /** CIDR form; a default route is 0.0.0.0/0 or ::/0. */
  readonly destination: string;
  readonly type: 'unicast' | 'blackhole';
  /** Next hop; absent for what is on the link itself. */
  readonly gateway?: string;
  /** Index of the outgoing link; found by the kernel from the gateway when absent. */
  readonly link?: number;
  /** The gateway counts as being on the link, although no address of the link says so. Needs `link`. */
  readonly onLink?: boolean;
  readonly source?: string;
  readonly metric?: number;
  /** Who made it: rtm_protocol. */
  readonly protocol: number;
}

export interface Neighbour {
  readonly link: number;
  readonly address: string;
  readonly mac: string;
  /** NUD_* bits of linux/neighbour.h. */
  readonly state: number;
}

/** What a bridge or a VXLAN link has learnt or was given for a MAC address. */
export interface FdbEntry {
  readonly link: number;
  readonly mac: string;
  /** VXLAN: the tunnel end point. */
  readonly destination?: string;
  readonly permanent: boolean;
}
