// One entry of the connection tracking table, as ctnetlink sends it (linux/netfilter/nfnetlink_conntrack.h). Pure. An entry is read into the
// same object again and again, as places in the buffer: a table may have a hundred thousand of them, twice a minute.
import { AF_INET, AF_INET6 } from '../libc/constants';

const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, STATUS: 3, PROTOINFO: 4, COUNTERS_ORIG: 9, COUNTERS_REPLY: 10, ID: 12 };
const CTA_TUPLE = { IP: 1, PROTO: 2 };
const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 };
const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 };
const CTA_COUNTERS = { PACKETS: 1, BYTES: 2 };
/** The bits that flag nested values and byte order are no part of the type. */
const typeMask = 0x3fff;
/** struct nfgenmsg: family(1), version(1), resource(2). */
const headerBytes = 4;

export const IPPROTO = { ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58, SCTP: 132 } as const;
/** linux/netfilter/nf_conntrack_common.h */
export const IPS = { SEEN_REPLY: 2, DYING: 0x200 } as const;

/** One direction: places of its addresses in the buffer. */
export class Tuple {
  /** Of the whole tuple: equal bytes, equal tuple. */
  from = 0;
  to = 0;
  sourceAt = 0;
  destinationAt = 0;
  protocol = 0;
  sourcePort = 0;
  destinationPort = 0;
}

export class Entry {
  bytes: Buffer = Buffer.alloc(0);
  addressBytes: 4 | 16 = 4;
  readonly original = new Tuple();
  readonly reply = new Tuple();
  status = 0;
  /** Of TCP and SCTP: the state of the kernel; 0: none. */
  state = 0;
  /** Tells a connection from a later one with the same tuple. */
  id = 0;
  /** False: the kernel counts no packets of it, as it began before counting was on. The four numbers are zero then. */
  counted = false;
  requestPackets = 0;
  requestBytes = 0;
  answerPackets = 0;
  answerBytes = 0;

  /** False: no connection of IPv4 or IPv6 with both directions. */
  read(bytes: Buffer, from: number, to: number): boolean {
    const family = bytes[from];
    if (family !== AF_INET && family !== AF_INET6) return false;
    this.bytes = bytes;
    this.addressBytes = family === AF_INET ? 4 : 16;
    this.status = 0;
    this.state = 0;
    this.id = 0;
    this.counted = false;
    this.requestPackets = 0;
    this.requestBytes = 0;
    this.answerPackets = 0;
    this.answerBytes = 0;
    let tuples = 0;
    for (let at = from + headerBytes; at + 4 <= to; ) {
      const length = bytes.readUInt16LE(at);
      if (length < 4 || at + length > to) return false;
      const value = at + 4;
      const end = at + length;
      switch (bytes.readUInt16LE(at + 2) & typeMask) {
        case CTA.TUPLE_ORIG:
          if (readTuple(bytes, value, end, this.original)) tuples++;
          break;
        case CTA.TUPLE_REPLY:
          if (readTuple(bytes, value, end, this.reply)) tuples++;
          break;
        case CTA.STATUS:
          if (length >= 8) this.status = bytes.readUInt32BE(value);
          break;
        case CTA.PROTOINFO:
          this.state = readState(bytes, value, end);
          break;
        case CTA.COUNTERS_ORIG:
          this.counted = true;
          this.requestPackets = readCounter(bytes, value, end, CTA_COUNTERS.PACKETS);
          this.requestBytes = readCounter(bytes, value, end, CTA_COUNTERS.BYTES);
          break;
        case CTA.COUNTERS_REPLY:
          this.counted = true;
          this.answerPackets = readCounter(bytes, value, end, CTA_COUNTERS.PACKETS);
          this.answerBytes = readCounter(bytes, value, end, CTA_COUNTERS.BYTES);
          break;
        case CTA.ID:
          if (length >= 8) this.id = bytes.readUInt32BE(value);
          break;
        default:
      }
      at += (length + 3) & ~3;
    }
    return tuples === 2;
  }
}

function readTuple(bytes: Buffer, from: number, to: number, tuple: Tuple): boolean {
  tuple.from = from;
  tuple.to = to;
  tuple.sourceAt = 0;
  tuple.destinationAt = 0;
  tuple.protocol = 0;
  tuple.sourcePort = 0;
  tuple.destinationPort = 0;
  for (let at = from; at + 4 <= to; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > to) return false;
    const type = bytes.readUInt16LE(at + 2) & typeMask;
    if (type === CTA_TUPLE.IP) readAddresses(bytes, at + 4, at + length, tuple);
    else if (type === CTA_TUPLE.PROTO) readPorts(bytes, at + 4, at + length, tuple);
    at += (length + 3) & ~3;
  }
  return tuple.sourceAt > 0 && tuple.destinationAt > 0;
}

function readAddresses(bytes: Buffer, from: number, to: number, tuple: Tuple): void {
  for (let at = from; at + 8 <= to; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 8 || at + length > to) return;
    const type = bytes.readUInt16LE(at + 2) & typeMask;
    if (type === CTA_IP.V4_SRC || type === CTA_IP.V6_SRC) tuple.sourceAt = at + 4;
    else if (type === CTA_IP.V4_DST || type === CTA_IP.V6_DST) tuple.destinationAt = at + 4;
    at += (length + 3) & ~3;
  }
}

function readPorts(bytes: Buffer, from: number, to: number, tuple: Tuple): void {
  for (let at = from; at + 5 <= to; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 5 || at + length > to) return;
    const type = bytes.readUInt16LE(at + 2) & typeMask;
    if (type === CTA_PROTO.NUM) tuple.protocol = bytes[at + 4]!;
    else if (type === CTA_PROTO.SRC_PORT && length >= 6) tuple.sourcePort = bytes.readUInt16BE(at + 4);
    else if (type === CTA_PROTO.DST_PORT && length >= 6) tuple.destinationPort = bytes.readUInt16BE(at + 4);
    at += (length + 3) & ~3;
  }
}

/** Of one protocol, the state is the first value in it. */
function readState(bytes: Buffer, from: number, to: number): number {
  const inner = from + 4;
  if (inner + 5 > to) return 0;
  const isState = (bytes.readUInt16LE(inner + 2) & typeMask) === 1 && bytes.readUInt16LE(inner) === 5;
  return isState ? bytes[inner + 4]! : 0;
}

function readCounter(bytes: Buffer, from: number, to: number, wanted: number): number {
  for (let at = from; at + 12 <= to; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 12 || at + length > to) return 0;
    if ((bytes.readUInt16LE(at + 2) & typeMask) === wanted) {
      return bytes.readUInt32BE(at + 4) * 0x1_0000_0000 + bytes.readUInt32BE(at + 8);
    }
    at += (length + 3) & ~3;
  }
  return 0;
}
