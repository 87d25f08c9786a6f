// Which clients may ask this node's server for names outside the zone: the pods of the node and the node itself. For other
// clients that reach the node's address the server would be an open resolver, which attackers use to amplify attacks (RFC 5358).
import { type Address, type Cidr, cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';

export interface RecursionFacts {
  readonly ranges: readonly Cidr[];
  /** The pod ranges of this node, from its Node object; undefined until it is known. */
  readonly podRanges: () => readonly string[] | undefined;
  readonly ownAddresses: () => readonly string[];
}

export function recursionFor({
  ranges,
  podRanges,
  ownAddresses,
}: RecursionFacts): (address: string | undefined) => boolean {
  let pods: { readonly text: readonly string[]; readonly ranges: readonly Cidr[] } = { text: [], ranges: [] };
  return (text) => {
    if (text === undefined) return false;
    const given = podRanges();
    // A server that has just started must not refuse its pods: the ranges are known soon, at the latest when the API server is
    // reachable again.
    if (given === undefined) return true;
    if (given !== pods.text) pods = { text: given, ranges: given.map(parseCidr) };
    const address = unmapped(text);
    const isIn = (range: Cidr) => cidrContains(range, address);
    return [pods.ranges, loopback, ranges].some((all) => all.some(isIn)) || ownAddresses().includes(text);
  };
}

const loopback = [parseCidr('127.0.0.0/8'), parseCidr('::1/128')];
const mapped = parseCidr('::ffff:0:0/96');

/** An IPv4 client of an IPv6 socket has a mapped address. */
function unmapped(text: string): Address {
  const address = parseAddress(text);
  return cidrContains(mapped, address) ? { family: 4, value: address.value & 0xffff_ffffn } : address;
}
