// Packets as bytes, from the IP header on: addresses, ports, TCP's numbers, and what an ICMP error is about. Pure. Reads hostile
// and cut bytes: what is missing is absent in the result, and nothing throws.
import { readAddress } from '../../controlplane/base/cidr';

/** The kernel's own VXLAN port, which overlay/vxlan.ts uses; IANA's is 4789. */
export const tunnelPort = 8472;

export type PacketProtocol = 'tcp' | 'udp' | 'icmp' | 'icmpv6';
export type TcpFlag = 'SYN' | 'ACK' | 'FIN' | 'RST' | 'PSH';

export interface PacketEnds {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}
export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  /** Of an error that names the largest packet that the next link takes (RFC 1191, RFC 4443). */
  readonly mtu?: number;
  /** Of an echo request or reply. NAT may change the identifier. */
  readonly echo?: { readonly id: number; readonly sequence: number };
  /** Of an ICMP error: the packet it is about. */
  readonly about?: PacketEnds & { readonly protocol?: PacketProtocol };
}
export interface Packet extends PacketEnds {
  readonly protocol: PacketProtocol;
  /** tcp */
  readonly flags?: readonly TcpFlag[];
  readonly seq?: number;
  readonly ack?: number;
  /** IPv4 only. Most NAT keeps it. */
  readonly ipId?: number;
  /** IPv6: the hop limit. */
  readonly ttl: number;
  /** Bytes with the IP header. More than an MTU where the network card will divide the packet, or has joined several. */
  readonly length: number;
  readonly icmp?: IcmpMessage;
}
export interface TunnelledPacket extends Packet {
  /** The addresses of the VXLAN packet that carries this one. */
  readonly tunnel: { readonly source: string; readonly destination: string };
}

interface Ip {
  readonly source: string;
  readonly destination: string;
  readonly number: number;
  readonly ttl: number;
  readonly length: number;
  readonly ipId?: number;
  /** Empty in a later fragment, which has no ports. */
  readonly payload: Buffer;
}

const protocols: Readonly<Record<number, PacketProtocol>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };
const udpHeaderBytes = 8;
const vxlanHeaderBytes = 8;
const ethernetHeaderBytes = 14;
const ethernetTypes = { ipv4: 0x0800, ipv6: 0x86dd } as const;

/** Undefined when the bytes are no packet of one of the four protocols. */
export function parsePacket(bytes: Buffer): Packet | undefined {
  const ip = parseIp(bytes);
  return ip && describe(ip);
}

/** The packet inside a VXLAN packet (RFC 7348, section 5); undefined for any other packet. */
export function parseTunnelled(bytes: Buffer): TunnelledPacket | undefined {
  const outer = parseIp(bytes);
  if (outer === undefined || protocols[outer.number] !== 'udp') return undefined;
  if (outer.payload.length < udpHeaderBytes || outer.payload.readUInt16BE(2) !== tunnelPort) return undefined;
  const frame = outer.payload.subarray(udpHeaderBytes + vxlanHeaderBytes);
  if (frame.length < ethernetHeaderBytes) return undefined;
  const type = frame.readUInt16BE(12);
  if (type !== ethernetTypes.ipv4 && type !== ethernetTypes.ipv6) return undefined;
  const inner = parsePacket(frame.subarray(ethernetHeaderBytes));
  return inner && { ...inner, tunnel: { source: outer.source, destination: outer.destination } };
}

function parseIp(bytes: Buffer): Ip | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return parseIpv4(bytes);
  return version === 6 ? parseIpv6(bytes) : undefined;
}

/** RFC 791, section 3.1. */
function parseIpv4(bytes: Buffer): Ip | undefined {
  if (bytes.length < 20) return undefined;
  const headerBytes = (bytes[0]! & 15) * 4;
  if (headerBytes < 20) return undefined;
  // 0: the kernel has joined segments to more than 65,535 bytes.
  const length = bytes.readUInt16BE(2) || bytes.length;
  const isLater = (bytes.readUInt16BE(6) & 0x1fff) !== 0;
  return {
    source: readAddress(bytes.subarray(12, 16))!,
    destination: readAddress(bytes.subarray(16, 20))!,
    number: bytes[9]!,
    ttl: bytes[8]!,
    length,
    ipId: bytes.readUInt16BE(4),
    payload: isLater ? bytes.subarray(0, 0) : bytes.subarray(headerBytes, Math.max(headerBytes, length)),
  };
}

/** Headers that may stand between IPv6 and the protocol (RFC 8200, section 4): by 8 bytes, AH by 4, fragments 8 bytes long. */
const extensions = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60 } as const;
const maxExtensions = 8;

/** RFC 8200, section 3. */
function parseIpv6(bytes: Buffer): Ip | undefined {
  if (bytes.length < 40) return undefined;
  const length = 40 + bytes.readUInt16BE(4);
  const limit = length === 40 ? bytes.length : Math.min(length, bytes.length);
  let number = bytes[6]!;
  let at = 40;
  for (let i = 0; i < maxExtensions && Object.values<number>(extensions).includes(number); i++) {
    if (at + 8 > limit) break;
    const isLater = number === extensions.fragment && bytes.readUInt16BE(at + 2) >> 3 !== 0;
    const units = bytes[at + 1]!;
    const next = bytes[at]!;
    if (number === extensions.fragment) at += 8;
    else at += number === extensions.authentication ? (units + 2) * 4 : (units + 1) * 8;
    number = next;
    if (isLater) at = limit;
  }
  return {
    source: readAddress(bytes.subarray(8, 24))!,
    destination: readAddress(bytes.subarray(24, 40))!,
    number,
    ttl: bytes[7]!,
    length,
    payload: bytes.subarray(Math.min(at, limit), limit),
  };
}

function describe(ip: Ip): Packet | undefined {
  const { source, destination, ttl, length, ipId, payload } = ip;
  const protocol = protocols[ip.number];
  if (protocol === undefined) return undefined;
  const packet = { source, destination, protocol, ttl, length, ...(ipId !== undefined && { ipId }) };
  if (protocol === 'tcp') return { ...packet, ...portsOf(payload), ...tcpOf(payload) };
  if (protocol === 'udp') return { ...packet, ...portsOf(payload) };
  const icmp = icmpOf(protocol, payload);
  return { ...packet, ...(icmp && { icmp }) };
}

const portsOf = (payload: Buffer): Pick<PacketEnds, 'sourcePort' | 'destinationPort'> =>
  payload.length < 4 ? {} : { sourcePort: payload.readUInt16BE(0), destinationPort: payload.readUInt16BE(2) };

/** Bit of the 14th byte → flag (RFC 9293, section 3.1). */
const flagBits: readonly (readonly [number, TcpFlag])[] = [
  [0x02, 'SYN'],
  [0x10, 'ACK'],
  [0x01, 'FIN'],
  [0x04, 'RST'],
  [0x08, 'PSH'],
];

function tcpOf(payload: Buffer): Pick<Packet, 'flags' | 'seq' | 'ack'> {
  if (payload.length < 14) return {};
  const flags = flagBits.filter(([bit]) => (payload[13]! & bit) !== 0).map(([, flag]) => flag);
  const ack = flags.includes('ACK') ? { ack: payload.readUInt32BE(8) } : {};
  return { flags, seq: payload.readUInt32BE(4), ...ack };
}

/** RFC 792: the types of errors quote a packet after 8 bytes; RFC 4443: those below 128 do. */
export const icmpErrorTypes = [3, 4, 5, 11, 12] as const;
const isError = (protocol: PacketProtocol, type: number): boolean =>
  protocol === 'icmp' ? (icmpErrorTypes as readonly number[]).includes(type) : type < 128;
const isEcho = (protocol: PacketProtocol, type: number): boolean =>
  (protocol === 'icmp' ? [0, 8] : [128, 129]).includes(type);

function icmpOf(protocol: PacketProtocol, payload: Buffer): IcmpMessage | undefined {
  if (payload.length < 8) return undefined;
  const type = payload[0]!;
  const code = payload[1]!;
  if (isEcho(protocol, type)) {
    return { type, code, echo: { id: payload.readUInt16BE(4), sequence: payload.readUInt16BE(6) } };
  }
  if (!isError(protocol, type)) return { type, code };
  const mtu = mtuOf(protocol, payload);
  const quote = parseIp(payload.subarray(8));
  const quoted = quote && protocols[quote.number];
  const about = quote && {
    source: quote.source,
    destination: quote.destination,
    ...(quoted !== undefined && { protocol: quoted }),
    ...(quoted === 'tcp' || quoted === 'udp' ? portsOf(quote.payload) : {}),
  };
  return { type, code, ...(mtu !== undefined && { mtu }), ...(about && { about }) };
}

/** `Fragmentation needed` and `packet too big`. */
function mtuOf(protocol: PacketProtocol, payload: Buffer): number | undefined {
  if (protocol === 'icmp') return payload[0] === 3 && payload[1] === 4 ? payload.readUInt16BE(6) : undefined;
  return payload[0] === 2 ? payload.readUInt32BE(4) : undefined;
}
