// Elements of the sets that count, as the kernel lists them (linux/netfilter/nf_tables.h). Read without the program nft: for a listing of one
// set it reads the elements of all tables, and a node may have 50,000. Pure.
import { readAddress } from '../../controlplane/base/cidr';
import type { RefusedFlow } from '../../controlplane/base/traffic';
import { type Attrs, parseAttrs } from '../link/wire-attrs';
import { IPPROTO } from './entry';

const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM = { KEY: 1, EXPR: 7, EXPRESSIONS: 11 };
const NFTA_LIST_ELEM = 1;
const NFTA_DATA_VALUE = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_COUNTER_PACKETS = 2;
/** struct nfgenmsg */
const headerBytes = 4;
/** The bits that flag nested values and byte order are no part of the type. */
const typeMask = 0x3fff;
/** Each part of a key fills whole words. */
const wordBytes = 4;

/** Calls `onElement` for each element of a message, with its key as text of bytes. */
export function readElements(message: Buffer, onElement: (key: string, packets: number) => void): void {
  const list = parsed(message.subarray(headerBytes)).get(NFTA_SET_ELEM_LIST_ELEMENTS);
  if (list === undefined) return;
  for (const element of eachOf(list)) {
    const attrs = parsed(element);
    const key = nested(attrs, NFTA_SET_ELEM.KEY)?.get(NFTA_DATA_VALUE);
    const expression = attrs.get(NFTA_SET_ELEM.EXPR) ?? nested(attrs, NFTA_SET_ELEM.EXPRESSIONS)?.get(NFTA_LIST_ELEM);
    if (key === undefined || expression === undefined) continue;
    const packets = nested(parsed(expression), NFTA_EXPR_DATA)?.get(NFTA_COUNTER_PACKETS);
    if (packets !== undefined && packets.length >= 8)
      onElement(key.toString('latin1'), Number(packets.readBigUInt64BE()));
  }
}

/** The ends of a flow, from the key of its element; undefined for a protocol that is not known. */
export function flowOf(key: string): Omit<RefusedFlow, 'by' | 'direction' | 'packets' | 'policies'> | undefined {
  const bytes = Buffer.from(key, 'latin1');
  // Three addresses, the protocol, and perhaps a port.
  const size = bytes.length >= 3 * 16 ? 16 : 4;
  const address = (i: number) => readAddress(bytes.subarray(i * size, (i + 1) * size))!;
  const protocol = protocolNames.get(bytes[3 * size]!);
  if (protocol === undefined) return undefined;
  const portAt = 3 * size + wordBytes;
  const [source, receiver, destination] = [address(0), address(1), address(2)];
  return {
    protocol,
    source,
    destination,
    ...(receiver === destination ? {} : { backend: receiver }),
    ...(bytes.length >= portAt + 2 ? { port: bytes.readUInt16BE(portAt) } : {}),
  };
}

const protocolNames: ReadonlyMap<number, RefusedFlow['protocol']> = new Map([
  [IPPROTO.TCP, 'tcp'],
  [IPPROTO.UDP, 'udp'],
  [IPPROTO.SCTP, 'sctp'],
  [IPPROTO.ICMP, 'icmp'],
  [IPPROTO.ICMPV6, 'icmp'],
]);

function* eachOf(list: Buffer): Generator<Buffer> {
  for (let at = 0; at + 4 <= list.length; ) {
    const length = list.readUInt16LE(at);
    if (length < 4 || at + length > list.length) return;
    yield list.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
}

const parsed = (data: Buffer): Attrs => {
  const attrs = new Map<number, Buffer>();
  for (const [type, value] of parseAttrs(data)) attrs.set(type & typeMask, value);
  return attrs;
};
const nested = (attrs: Attrs, type: number): Attrs | undefined => {
  const value = attrs.get(type);
  return value && parsed(value);
};
