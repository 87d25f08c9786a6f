// What `k8ts rules explain` is asked: about a rule, or about a packet. Pure.
import { parseAddress } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';
import type { NodeNetwork } from '../../dataplane/hops/network';
import type { Packet } from '../../dataplane/path/packet';

export type Question =
  | { readonly about: 'rule'; readonly text: string }
  | { readonly about: 'packet'; readonly destination: string; readonly port?: number; readonly protocol: string };

const protocols = ['tcp', 'udp', 'sctp', 'icmp'] as const;
/** 10.96.3.7, 10.96.3.7:80, [fd00::1]:53/udp. */
const target = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)|([0-9a-f]*:[0-9a-f:.]+))(?::(\d+))?(?:\/(\w+))?$/i;

/** @throws BadRequest */
export function readQuestion(text: string): Question {
  if (text.trim() === '') {
    throw new BadRequest('explain needs a rule or an address: k8ts rules explain 10.96.0.10:53/udp');
  }
  const [whole, inBrackets, v4, v6, port, protocol] = target.exec(text.trim()) ?? [];
  if (whole === undefined) {
    if (!/\s/.test(text.trim())) {
      throw new BadRequest(
        `${JSON.stringify(text)} is neither a rule nor ADDRESS[:PORT][/PROTOCOL]; names are not looked up`,
      );
    }
    return { about: 'rule', text };
  }
  const destination = (inBrackets ?? v4 ?? v6)!;
  if (!isAddress(destination)) throw new BadRequest(`${JSON.stringify(destination)} is no address`);
  if (unreachable.test(destination)) {
    throw new BadRequest(`${destination}: packets to no host, to all hosts of a network or to a group are not traced`);
  }
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) throw new BadRequest(`${port} is no port`);
  if (/^\d+$/.test(protocol ?? '')) throw new BadRequest(`${text} is a range: a packet goes to one address`);
  const known = protocols.find((one) => one === (protocol ?? (port === undefined ? 'icmp' : 'tcp')).toLowerCase());
  if (!known) throw new BadRequest(`${protocol}: expected one of ${protocols.join(', ')}`);
  if (port === undefined && known !== 'icmp') throw new BadRequest(`${known} needs a port: ${destination}:80/${known}`);
  return { about: 'packet', destination, protocol: known, ...(port === undefined ? {} : { port: Number(port) }) };
}

/** 0.0.0.0, 255.255.255.255, 224.0.0.0/4, ::, ff00::/8. */
const unreachable = /^(?:0\.0\.0\.0|255\.255\.255\.255|2(?:2[4-9]|3\d)\.[\d.]+|::|ff[0-9a-f:]+)$/i;

export function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The first packet of a connection. Without `from`, or with an address of this node, a process of the node sends it; otherwise it
 * comes in by the interface of the route to `from`. @throws BadRequest when no route leads to one of the two
 */
export function packetOf(
  { destination, port, protocol }: Extract<Question, { about: 'packet' }>,
  from: string,
  { localAddresses, broadcasts, route, addressOn }: NodeNetwork,
): Packet {
  if (broadcasts.has(destination)) throw new BadRequest(`${destination} is a broadcast address, which is not traced`);
  const isV6 = destination.includes(':');
  const common = {
    destination,
    protocol: protocol === 'icmp' && isV6 ? 'icmpv6' : protocol,
    ...(port === undefined ? { icmpType: isV6 ? 128 : 8 } : { destinationPort: port, sourcePort: 40_000 }),
  };
  if (from !== '' && from.includes(':') !== isV6)
    throw new BadRequest(`${from} and ${destination} are of two families`);
  if (from !== '' && !localAddresses.has(from)) {
    const inInterface = route(from);
    if (inInterface === undefined) throw new BadRequest(`no route of this node leads to ${from}`);
    return { ...common, source: from, inInterface };
  }
  if (from !== '') return { ...common, source: from };
  if (destination.startsWith('127.')) return { ...common, source: '127.0.0.1' };
  const out = localAddresses.has(destination) ? destination : addressOn(route(destination) ?? '', destination);
  if (out === undefined) throw new BadRequest(`no route of this node leads to ${destination}; --from names a sender`);
  return { ...common, source: out };
}
