// Packets as bytes, for tests of what reads them.
import { addressBytes } from '../../controlplane/base/cidr';

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const word16 = (value: number): Buffer => bytes(value >> 8, value & 255);
const word32 = (value: number): Buffer => Buffer.concat([word16(value >>> 16), word16(value & 0xffff)]);

/** An IP packet of either family. `next`: the number of the protocol. */
export function ip(source: string, destination: string, next: number, payload: Buffer): Buffer {
  const [from, to] = [addressBytes(source), addressBytes(destination)];
  if (from.length === 16) {
    return Buffer.concat([bytes(0x60, 0, 0, 0), word16(payload.length), bytes(next, 61), from, to, payload]);
  }
  return Buffer.concat([
    bytes(0x45, 0),
    word16(20 + payload.length),
    bytes(0xab, 0xcd, 0x40, 0, 61, next, 0, 0),
    from,
    to,
    payload,
  ]);
}

export const tcp = (sourcePort: number, destinationPort: number, flags = 0x02): Buffer =>
  Buffer.concat([
    word16(sourcePort),
    word16(destinationPort),
    word32(0xfedcba98),
    word32(7),
    bytes(0x50, flags, 0xff, 0xff, 0, 0, 0, 0),
  ]);

export const udp = (sourcePort: number, destinationPort: number, payload: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([word16(sourcePort), word16(destinationPort), word16(8 + payload.length), bytes(0, 0), payload]);

/** A message of ICMP or ICMPv6; `rest`: the four bytes after the checksum. */
export const icmp = (type: number, code: number, rest: number, payload: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([bytes(type, code, 0, 0), word32(rest), payload]);

/** The UDP payload of a VXLAN packet. */
export function vxlan(packet: Buffer): Buffer {
  const type = packet[0]! >> 4 === 6 ? 0x86dd : 0x0800;
  return Buffer.concat([bytes(8, 0, 0, 0, 0, 0, 1, 0), Buffer.alloc(12, 2), word16(type), packet]);
}

/** Later fragment, or the first one: an IPv6 header of 8 bytes before the payload. */
export const fragment6 = (next: number, offset: number, payload: Buffer): Buffer =>
  Buffer.concat([bytes(next, 0), word16(offset << 3), word32(1), payload]);

export const four = { client: '10.0.0.1', server: '10.0.0.2', outer: ['192.0.2.1', '192.0.2.2'] } as const;
export const six = { client: 'fd00::1', server: 'fd00::2', outer: ['2001:db8::a1', '2001:db8::a2'] } as const;

/** One packet of each shape, by name. */
export const samples: Readonly<Record<string, Buffer>> = {
  syn4: ip(four.client, four.server, 6, tcp(40_000, 80)),
  syn6: ip(six.client, six.server, 6, tcp(40_000, 80)),
  synAck4: ip(four.server, four.client, 6, tcp(80, 40_000, 0x12)),
  udp4: ip(four.client, four.server, 17, udp(40_000, 53, Buffer.from('x'))),
  udp6: ip(six.client, six.server, 17, udp(40_000, 53)),
  echo4: ip(four.client, four.server, 1, icmp(8, 0, 0x00050006)),
  echo6: ip(six.client, six.server, 58, icmp(129, 0, 0x00050006)),
  refused4: ip(
    '10.0.0.9',
    four.client,
    1,
    icmp(3, 4, 1_400, ip(four.client, four.server, 6, tcp(40_000, 80)).subarray(0, 28)),
  ),
  tooBig6: ip('fd00::9', six.client, 58, icmp(2, 0, 1_400, ip(six.client, six.server, 17, udp(40_000, 53)))),
  tunnel44: ip(...four.outer, 17, udp(5, 8472, vxlan(ip(four.client, four.server, 6, tcp(40_000, 80))))),
  tunnel46: ip(...four.outer, 17, udp(5, 8472, vxlan(ip(six.client, six.server, 17, udp(40_000, 53))))),
  tunnel64: ip(...six.outer, 17, udp(5, 8472, vxlan(ip(four.client, four.server, 1, icmp(8, 0, 1))))),
  tunnel66: ip(...six.outer, 17, udp(5, 8472, vxlan(ip(six.client, six.server, 6, tcp(40_000, 80))))),
  extended6: ip(six.client, six.server, 0, Buffer.concat([bytes(6, 0, 1, 4, 0, 0, 0, 0), tcp(40_000, 80)])),
  fragment6: ip(six.client, six.server, 44, fragment6(17, 0, udp(40_000, 53))),
  laterFragment6: ip(six.client, six.server, 44, fragment6(17, 4, Buffer.alloc(8, 1))),
};
