// Messages of ctnetlink for tests: recorded ones of a worker, and made ones.
import { addressBytes } from '../../controlplane/base/cidr';
import { AF_INET, AF_INET6 } from '../libc/constants';
import { Entry } from './entry';

/** Of Linux 6.18: a pod to a Service by TCP and UDP, and pings. */
export const recorded = {
  tcp:
    '020000003400018014000180080001000af40103080002000a6f937e1c000280050001000600000006000200ac50000006000300005000' +
    '003400028014000180080001000af40102080002000af401031c0002800500010006000000060002001f90000006000300ac5000000800' +
    '0300000001ae080008000000000008000c0092775e7c08000b00000000010800070000000053300004802c000180050001000700000005' +
    '0002000a000000050003000a000000060004002300000006000500270000001c0009800c00010000000000000000050c00020000000000' +
    '000001581c000a800c00010000000000000000050c00020000000000000002a1',
  udp:
    '020000003400018014000180080001000af40103080002000a60000a1c00028005000100110000000600020099d8000006000300003500' +
    '00340002801400018008000100c0a83b0b080002000af401031c000280050001001100000006000200003500000600030099d800000800' +
    '0300000001aa080008000000000008000c00d6502fb508000b0000000001080007000000001d1c0009800c00010000000000000000020c' +
    '00020000000000000000b01c000a800c00010000000000000000020c00020000000000000000f6',
  icmp:
    '020000003c00018014000180080001000af40103080002000af40002240002800500010001000000060004002256000005000500080000' +
    '0005000600000000003c00028014000180080001000af40002080002000af4010324000280050001000100000006000400225600000500' +
    '0500000000000500060000000000080003000000018a080008000000000008000c00dddc778208000b0000000001080007000000001d1c' +
    '0009800c00010000000000000000010c00020000000000000000541c000a800c00010000000000000000010c0002000000000000000054',
  icmp6:
    '0a000000540001802c00018014000300fd00001002440001000000000000000314000400fd000010024400000000000000000002240002' +
    '80050001003a000000060007002257000005000800800000000500090000000000540002802c00018014000300fd000010024400000000' +
    '00000000000214000400fd00001002440001000000000000000324000280050001003a0000000600070022570000050008008100000005' +
    '00090000000000080003000000018a080008000000000008000c00920b4e0208000b0000000001080007000000001d1c0009800c000100' +
    '00000000000000010c00020000000000000000681c000a800c00010000000000000000010c0002000000000000000068',
} as const;

export interface Made {
  readonly protocol?: number;
  readonly source?: string;
  readonly sourcePort?: number;
  readonly destination?: string;
  readonly destinationPort?: number;
  /** Who answers; the destination if absent. */
  readonly backend?: string;
  readonly backendPort?: number;
  /** The client as the backend sees it; the client if absent. */
  readonly seenAs?: string;
  readonly status?: number;
  readonly state?: number;
  readonly id?: number;
  /** Packets and bytes of both directions; absent: the kernel does not count. */
  readonly request?: readonly [packets: number, bytes: number];
  readonly answer?: readonly [packets: number, bytes: number];
}

const attr = (type: number, ...data: Buffer[]): Buffer => {
  const value = Buffer.concat(data);
  const out = Buffer.alloc((4 + value.length + 3) & ~3);
  out.writeUInt16LE(4 + value.length, 0);
  out.writeUInt16LE(type, 2);
  value.copy(out, 4);
  return out;
};
const be16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const be32 = (value: number) => Buffer.from([value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
const be64 = (value: number) => Buffer.concat([be32(Math.floor(value / 2 ** 32)), be32(value >>> 0)]);
const nested = 0x8000;

/** One message without its header. */
export function message(made: Made): Buffer {
  const {
    protocol = 6,
    source = '10.0.0.1',
    sourcePort = 40_000,
    destination = '10.96.0.1',
    destinationPort = 80,
  } = made;
  const { backend = destination, backendPort = destinationPort, seenAs = source, status = 2, state = 3, id = 1 } = made;
  const isV6 = source.includes(':');
  const tuple = (type: number, from: string, fromPort: number, to: string, toPort: number) => {
    const ip = attr(1 | nested, attr(isV6 ? 3 : 1, addressBytes(from)), attr(isV6 ? 4 : 2, addressBytes(to)));
    const ports = attr(2 | nested, attr(1, Buffer.from([protocol])), attr(2, be16(fromPort)), attr(3, be16(toPort)));
    return attr(type | nested, ip, ports);
  };
  const counters = (type: number, counted: Made['request']) =>
    counted ? [attr(type | nested, attr(1, be64(counted[0])), attr(2, be64(counted[1])))] : [];
  return Buffer.concat([
    Buffer.from([isV6 ? AF_INET6 : AF_INET, 0, 0, 0]),
    tuple(1, source, sourcePort, destination, destinationPort),
    tuple(2, backend, backendPort, seenAs, sourcePort),
    attr(3, be32(status)),
    ...(protocol === 6 ? [attr(4 | nested, attr(1 | nested, attr(1, Buffer.from([state]))))] : []),
    attr(12, be32(id)),
    ...counters(9, made.request),
    ...counters(10, made.answer),
  ]);
}

/** @throws for a message that is none */
export function entry(bytes: Buffer): Entry {
  const read = new Entry();
  if (!read.read(bytes, 0, bytes.length)) throw new Error('no entry');
  return read;
}
