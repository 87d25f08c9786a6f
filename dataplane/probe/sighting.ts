// Which packets a watch is asked for, and what it reports of each. Pure.
import { isIP } from 'node:net';
import { canonicalAddress } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';
import {
  type Packet,
  type PacketEnds,
  type PacketProtocol,
  parsePacket,
  parseTunnelled,
  type TunnelledPacket,
} from './packets';

/** The filter program of the kernel must stay small (net.core.optmem_max). */
export const maxFilterAddresses = 64;
export const maxFilterPorts = 64;

export interface SightingFilter {
  /** With tcp and udp, also ICMP errors about such packets. icmp is of IPv4, icmpv6 of IPv6. */
  readonly protocol: PacketProtocol;
  /** 1 to 64. The source or the destination is one of these. */
  readonly addresses: readonly string[];
  /** At most 64. The source port or the destination port is one of these; absent: all. Not for icmp and icmpv6. */
  readonly ports?: readonly number[];
}

/** One packet at one link. A packet that passes several links is seen several times; NAT changes it on its way. */
export interface Sighting extends Packet {
  /** The name of the interface; `#` and its number, if it is gone. */
  readonly link: string;
  /** out: sent by this namespace. in: received, also if it was addressed to another machine. */
  readonly direction: 'in' | 'out';
  /** Microseconds of CLOCK_REALTIME, which all namespaces of a machine share. */
  readonly atUs: number;
  /** The packet was inside a VXLAN packet with these addresses; all other fields are of the inner packet. */
  readonly tunnel?: TunnelledPacket['tunnel'];
}

/** @throws BadRequest naming the field */
export function checkFilter({ protocol, addresses, ports }: SightingFilter): void {
  check('addresses', addresses.length >= 1 && addresses.length <= maxFilterAddresses, `1 to ${maxFilterAddresses}`);
  check(
    'addresses',
    addresses.every((each) => isIP(each) !== 0 && !each.includes('%')),
    'IP addresses without a zone',
  );
  if (ports === undefined) return;
  check('ports', protocol === 'tcp' || protocol === 'udp', 'none for ICMP');
  check('ports', ports.length >= 1 && ports.length <= maxFilterPorts, `1 to ${maxFilterPorts}`);
  check(
    'ports',
    ports.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535),
    '1 to 65535 each',
  );
}

function check(field: string, ok: boolean, expected: string): void {
  if (!ok) throw new BadRequest(`${field} of a packet watch: expected ${expected}`);
}

/** Whether a packet is one that the filter asks for. */
export type Matcher = (packet: Packet) => boolean;

export function createMatcher({ protocol, addresses, ports }: SightingFilter): Matcher {
  const wanted = new Set(addresses.map(canonicalAddress));
  const wantedPorts = ports && new Set<number | undefined>(ports);
  const touches = ({ source, destination, sourcePort, destinationPort }: PacketEnds): boolean =>
    (wanted.has(source) || wanted.has(destination)) &&
    (wantedPorts === undefined || wantedPorts.has(sourcePort) || wantedPorts.has(destinationPort));
  return (packet) => {
    const about = packet.icmp?.about;
    return (packet.protocol === protocol && touches(packet)) || (about?.protocol === protocol && touches(about));
  };
}

/** The packet that matches: the one inside a tunnel first, since it tells more. Undefined when neither does. */
export function readMatching(bytes: Buffer, matches: Matcher): Packet | TunnelledPacket | undefined {
  const inner = parseTunnelled(bytes);
  if (inner && matches(inner)) return inner;
  const packet = parsePacket(bytes);
  return packet && matches(packet) ? packet : undefined;
}
