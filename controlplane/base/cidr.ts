// IPv4 and IPv6 addresses and ranges as values: parse, format, contain, iterate. Addresses are bigints so that both
// families share every function.
import { isIP } from 'node:net';
import { BadRequest } from './errors';

export type Family = 4 | 6;
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}
export interface Cidr {
  readonly family: Family;
  /** The network address: host bits are zero. */
  readonly base: bigint;
  readonly prefix: number;
}

const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** @throws BadRequest when `text` is not an IP address. */
export function parseAddress(text: string): Address {
  const family = isIP(text);
  if (family === 4) return { family: 4, value: parse4(text) };
  if (family === 6) return { family: 6, value: parse6(text) };
  throw new BadRequest(`not an IP address: ${JSON.stringify(text)}`);
}

function parse4(text: string): bigint {
  return text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parse6(text: string): bigint {
  let plain = text.split('%')[0]!;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  if (tail) {
    const v4 = parse4(tail[2]!);
    plain = `${tail[1]}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const [left = '', right] = plain.split('::');
  const head = left === '' ? [] : left.split(':');
  const rest = right === undefined || right === '' ? [] : right.split(':');
  const groups = right === undefined ? head : [...head, ...Array(8 - head.length - rest.length).fill('0'), ...rest];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** Dotted quad, or IPv6 in the canonical form of RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** One spelling for each address; a text that is not an address stays as it is. */
export function canonicalAddress(text: string): string {
  // isIP accepts dotted quads in one spelling only.
  return isIP(text) === 6 ? formatAddress(parseAddress(text)) : text;
}

/** As canonicalAddress; an IPv4-mapped IPv6 address (::ffff:10.0.0.1) becomes its IPv4 address (RFC 4291, section 2.5.5.2). */
export function unmappedAddress(text: string): string {
  const canonical = canonicalAddress(text);
  if (!canonical.startsWith('::ffff:')) return canonical;
  const { value } = parseAddress(canonical);
  return value >> 32n === 0xffffn ? formatAddress({ family: 4, value: value & 0xffffffffn }) : canonical;
}

/** 4 or 16 bytes, as packets have them. @throws BadRequest when `text` is not an IP address */
export function addressBytes(text: string): Buffer {
  const { family, value } = parseAddress(text);
  return Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex');
}

/** True for an IPv4 address in the form of IPv6: ::ffff:10.0.0.1. */
export const isMapped = ({ family, value }: Address): boolean => family === 6 && value >> 32n === 0xffffn;

/** Undefined unless there are 4 or 16 bytes. */
export function readAddress(data: Buffer | undefined): string | undefined {
  if (data === undefined || (data.length !== 4 && data.length !== 16)) return undefined;
  return formatAddress({ family: data.length === 4 ? 4 : 6, value: BigInt(`0x${data.toString('hex')}`) });
}

/** Host bits are cleared: 10.1.2.3/24 is 10.1.2.0/24. @throws BadRequest */
export function parseCidr(text: string): Cidr {
  const [ip = '', bits = ''] = text.split('/');
  const { family, value } = parseAddress(ip);
  const prefix = Number(bits);
  if (!/^\d+$/.test(bits) || prefix > bitsOf(family)) throw new BadRequest(`not a CIDR range: ${JSON.stringify(text)}`);
  const shift = BigInt(bitsOf(family) - prefix);
  return { family, base: (value >> shift) << shift, prefix };
}

/** One range, or one of each family with a comma between, the preferred family first. @throws BadRequest */
export function parseCidrPair(text: string): readonly Cidr[] {
  const ranges = text.split(',').map((part) => parseCidr(part.trim()));
  if (ranges.length > 2 || (ranges.length === 2 && ranges[0]!.family === ranges[1]!.family)) {
    throw new BadRequest('expected one range, or an IPv4 and an IPv6 range with a comma between');
  }
  return ranges;
}

export const formatCidr = ({ family, base, prefix }: Cidr): string =>
  `${formatAddress({ family, value: base })}/${prefix}`;

/** How many addresses the range holds. */
export const cidrSize = ({ family, prefix }: Cidr): bigint => 1n << BigInt(bitsOf(family) - prefix);

export function cidrContains(range: Cidr, address: Address): boolean {
  return address.family === range.family && address.value >= range.base && address.value < range.base + cidrSize(range);
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && a.base < b.base + cidrSize(b) && b.base < a.base + cidrSize(a);
}

/** The address `index` places after the network address. @throws BadRequest outside the range */
export function cidrAddress(range: Cidr, index: bigint | number): Address {
  const offset = BigInt(index);
  if (offset < 0n || offset >= cidrSize(range)) {
    throw new BadRequest(`address ${offset} lies outside ${formatCidr(range)}`);
  }
  return { family: range.family, value: range.base + offset };
}

/** The `index`-th subnet of length `prefix` in the range, e.g. the /24 of a node in the pod range. @throws BadRequest */
export function cidrSubnet(range: Cidr, prefix: number, index: number): Cidr {
  const size = 1n << BigInt(bitsOf(range.family) - prefix);
  const offset = size * BigInt(index);
  if (prefix < range.prefix || index < 0 || offset >= cidrSize(range)) {
    throw new BadRequest(`subnet ${index} of length /${prefix} lies outside ${formatCidr(range)}`);
  }
  return { family: range.family, base: range.base + offset, prefix };
}
