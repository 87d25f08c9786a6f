// Builds packets that sockets cannot send: a segment that fits no connection, or SCTP if the kernel lacks it. Node.js has no raw
// sockets, so perl, which every Debian has, sends and receives the bytes built here.
import type { Exec } from '../../dataplane/exec/exec';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { inNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';

const exec: Exec = new SystemExec();
const protocols = { icmp: 1, tcp: 6, sctp: 132 } as const;

export interface RawPacket {
  readonly source: string;
  readonly destination: string;
  readonly protocol: keyof typeof protocols;
  /** From the protocol's header on. */
  readonly payload: Buffer;
}

const send = `
use strict; use Socket;
socket(my $s, PF_INET, SOCK_RAW, 255) or die $!;
defined send($s, pack('H*', $ARGV[0]), 0, pack_sockaddr_in(0, inet_aton($ARGV[1]))) or die $!;`;

/** Sends one IPv4 packet from inside a namespace; the kernel fills in the header's checksum. */
export async function sendRaw(netns: Netns, { source, destination, protocol, payload }: RawPacket): Promise<void> {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocols[protocol], 9);
  addressBytes(source).copy(header, 12);
  addressBytes(destination).copy(header, 16);
  const bytes = Buffer.concat([header, payload]).toString('hex');
  await exec.run(inNetns(netns, ['perl', '-e', send, bytes, destination]), { timeoutMs: 30_000 });
}

const receive = `
use strict; use Socket;
socket(my $s, PF_INET, SOCK_RAW, $ARGV[0]) or die $!;
recv($s, my $p, 2048, 0); print unpack('H*', $p);`;

/**
 * The first packet of a protocol that arrives in a namespace, while `again` is called repeatedly, because no event says
 * when the receiver listens. Fails when there is none within `timeoutMs`.
 */
export async function receiveRaw(
  netns: Netns,
  protocol: keyof typeof protocols,
  again: () => Promise<void>,
  timeoutMs = 30_000,
): Promise<RawPacket> {
  const received = exec.run(inNetns(netns, ['perl', '-e', receive, String(protocols[protocol])]), { timeoutMs });
  let done = false;
  const sending = (async () => {
    while (!done) await again();
  })();
  try {
    const packet = Buffer.from((await received).stdout, 'hex');
    return {
      source: [...packet.subarray(12, 16)].join('.'),
      destination: [...packet.subarray(16, 20)].join('.'),
      protocol,
      payload: packet.subarray((packet[0]! & 15) * 4),
    };
  } finally {
    done = true;
    await sending;
  }
}

export interface Segment {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledge: number;
}

/** A TCP segment with the flags ACK and PSH and some data (RFC 9293, 3.1). */
export function tcpData(segment: Segment, data: string): RawPacket {
  const payload = Buffer.alloc(20 + data.length);
  payload.writeUInt16BE(segment.sourcePort, 0);
  payload.writeUInt16BE(segment.destinationPort, 2);
  payload.writeUInt32BE(segment.sequence, 4);
  payload.writeUInt32BE(segment.acknowledge, 8);
  payload.writeUInt16BE(0x5018, 12);
  payload.writeUInt16BE(0xffff, 14);
  payload.write(data, 20, 'latin1');
  const { source, destination } = segment;
  const length = Buffer.from([0, protocols.tcp, payload.length >> 8, payload.length & 255]);
  const pseudo = Buffer.concat([addressBytes(source), addressBytes(destination), length]);
  payload.writeUInt16BE(internetChecksum(Buffer.concat([pseudo, payload])), 16);
  return { source, destination, protocol: 'tcp', payload };
}

/** The first packet of an SCTP association: common header and one INIT chunk (RFC 9260, 3.1 and 3.3.2). */
export function sctpInit(source: string, sourcePort: number, destination: string, destinationPort: number): RawPacket {
  const payload = Buffer.alloc(32);
  payload.writeUInt16BE(sourcePort, 0);
  payload.writeUInt16BE(destinationPort, 2);
  payload.writeUInt8(1, 12);
  payload.writeUInt16BE(20, 14);
  payload.writeUInt32BE(0x1234, 16);
  payload.writeUInt32BE(0xffff, 20);
  payload.writeUInt16BE(1, 24);
  payload.writeUInt16BE(1, 26);
  payload.writeUInt32BE(1, 28);
  payload.writeUInt32LE(crc32c(payload), 8);
  return { source, destination, protocol: 'sctp', payload };
}

/** An echo request (RFC 792). */
export function icmpEcho(source: string, destination: string): RawPacket {
  const payload = Buffer.alloc(16);
  payload.writeUInt8(8, 0);
  payload.writeUInt16BE(0x4b38, 4);
  payload.writeUInt16BE(internetChecksum(payload), 2);
  return { source, destination, protocol: 'icmp', payload };
}

const addressBytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

/** RFC 1071. */
export function internetChecksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** CRC-32C, reflected polynomial 0x82f63b78 (RFC 9260, appendix A). */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
