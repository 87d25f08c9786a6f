// Echo requests and replies as bytes (RFC 792, RFC 4443, section 4). Pure.

export type IcmpFamily = 4 | 6;
export interface Echo {
  readonly id: number;
  readonly sequence: number;
}

export const echoHeaderBytes = 8;
const types = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const;

/** The kernel fills in the checksum of ICMPv6, since it covers the addresses (RFC 3542, section 3.1). */
export function renderEcho(family: IcmpFamily, { id, sequence }: Echo, payload: Buffer): Buffer {
  const header = Buffer.alloc(echoHeaderBytes);
  header.writeUInt8(types[family].request, 0);
  header.writeUInt16BE(id, 4);
  header.writeUInt16BE(sequence, 6);
  const packet = Buffer.concat([header, payload]);
  if (family === 4) packet.writeUInt16BE(internetChecksum(packet), 2);
  return packet;
}

/**
 * The identity of a reply that a raw socket received; undefined for any other packet. A raw socket of IPv4 gives the packet
 * with its IP header, one of IPv6 without (raw(7), RFC 3542).
 */
export function parseEchoReply(family: IcmpFamily, packet: Buffer): Echo | undefined {
  const start = family === 4 ? ((packet[0] ?? 0) & 15) * 4 : 0;
  return parseEcho(packet.subarray(start), types[family].reply);
}

/** The identity of the request that an ICMP error quotes. */
export const parseQuotedEcho = (family: IcmpFamily, message: Buffer): Echo | undefined =>
  parseEcho(message, types[family].request);

function parseEcho(message: Buffer, type: number): Echo | undefined {
  if (message.length < echoHeaderBytes || message[0] !== type) return undefined;
  return { id: message.readUInt16BE(4), sequence: message.readUInt16BE(6) };
}

/** RFC 1071. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
