// The addresses and names to which this proxy may connect (pure). Users choose them by EndpointSlices and ExternalName Services,
// but the proxy connects from the node's own network, where loopback services trust every caller. Source: RFC 6890 (special
// addresses), RFC 6761 section 6.3 (localhost), RFC 6052 and RFC 3056 (IPv4 addresses inside IPv6 ones).
import { isIP } from 'node:net';
import { type Address, cidrContains, formatAddress, parseAddress, parseCidr } from '../../controlplane/base/cidr';

const range = (text: string, what: string) => ({ cidr: parseCidr(text), what });
const refusedRanges = [
  range('0.0.0.0/8', 'unspecified'),
  range('127.0.0.0/8', 'loopback'),
  range('169.254.0.0/16', 'link-local'),
  range('224.0.0.0/4', 'multicast'),
  range('255.255.255.255/32', 'broadcast'),
  range('::/128', 'unspecified'),
  range('::1/128', 'loopback'),
  range('fe80::/10', 'link-local'),
  range('ff00::/8', 'multicast'),
];
/** IPv6 ranges that contain an IPv4 address, and the number of bits after it. */
const embedding = [
  { cidr: parseCidr('::ffff:0:0/96'), behind: 0n },
  { cidr: parseCidr('64:ff9b::/96'), behind: 0n },
  { cidr: parseCidr('2002::/16'), behind: 80n },
  { cidr: parseCidr('::/96'), behind: 0n },
];

/** The address in its canonical spelling; undefined for all other text, also for an address with a zone (fe80::1%eth0). */
export function unwrappedAddress(text: string): string | undefined {
  return isIP(text) === 0 || text.includes('%') ? undefined : formatAddress(unwrapped(parseAddress(text)));
}

/** An IPv4 address inside an IPv6 address becomes the IPv4 address, because the kernel connects to that. */
function unwrapped(address: Address): Address {
  return cidrContains(embedding[0]!.cidr, address) ? { family: 4, value: address.value & 0xffff_ffffn } : address;
}

/**
 * The kind of a refused address, such as loopback or link-local: no machine outside the node can have it. Undefined for all
 * other addresses.
 */
export function refusedRange(text: string): string | undefined {
  if (isIP(text) === 4 && isOrdinary4(text)) return undefined;
  if (isIP(text) === 0 || text.includes('%')) return 'not an IP address';
  const address = parseAddress(text);
  const carried = embedding
    .filter(({ cidr }) => cidrContains(cidr, address))
    .map(({ behind }): Address => ({ family: 4, value: (address.value >> behind) & 0xffff_ffffn }));
  for (const one of [address, ...carried]) {
    const found = refusedRanges.find(({ cidr }) => cidrContains(cidr, one));
    if (found) return found.what;
  }
  return undefined;
}

/** A fast check by the first number, enough for most addresses: an update checks thousands of endpoints. */
function isOrdinary4(text: string): boolean {
  const first = Number(text.slice(0, text.indexOf('.')));
  return first !== 0 && first !== 127 && first !== 169 && first < 224;
}

/** Why this text must not be looked up as a name; undefined when it may be. Addresses are not names. */
export function refusedName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length > 253 || !/^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/.test(name)) return 'not a host name';
  // 127.1, 0x7f.1, 2130706433: the C library's resolver parses these as addresses (inet_aton(3)).
  if (/(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name)) return 'an address in another spelling, not a host name';
  return name === 'localhost' || name.endsWith('.localhost') ? 'loopback' : undefined;
}
