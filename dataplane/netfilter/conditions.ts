// Rules made ready to be evaluated many times: each condition becomes a function of the packet under way.
import { type Cidr, cidrContains, parseAddress, parseCidr } from '../../controlplane/base/cidr';
import { Unsupported } from '../../controlplane/base/errors';
import type { CtState, Match, Rule, TcpFlag, Term } from './model';
import type { Packet, Surroundings } from './packet';
import { renderRule } from './render';

/** The packet between two rules; NAT and MARK change it. */
export interface Traveller {
  source: string;
  destination: string;
  readonly protocol: string;
  readonly sourcePort: number | undefined;
  destinationPort: number | undefined;
  readonly inInterface: string | undefined;
  outInterface: string | undefined;
  mark: number;
  readonly states: Set<CtState>;
  readonly tcpFlags: readonly TcpFlag[];
  readonly around: Surroundings;
}

/** A packet that is about to enter; a SYN unless it says otherwise. */
export const enter = (given: Packet, around: Surroundings): Traveller => ({
  source: given.source,
  destination: given.destination,
  protocol: given.protocol,
  sourcePort: given.sourcePort,
  destinationPort: given.destinationPort,
  inInterface: given.inInterface,
  outInterface: undefined,
  mark: given.mark ?? 0,
  states: new Set(given.states ?? ['NEW']),
  tcpFlags: given.tcpFlags ?? ['SYN'],
  around,
});

export type Condition = (packet: Traveller) => boolean;

/** In the order the kernel asks them: header first, then matches from left to right. @throws Unsupported for words we do not know */
export function conditionsOf(rule: Rule): readonly Condition[] {
  const conditions: Condition[] = [];
  if (rule.source) conditions.push(inRange(rule.source, (packet) => packet.source));
  if (rule.destination) conditions.push(inRange(rule.destination, (packet) => packet.destination));
  if (rule.inInterface) conditions.push(interfaceIs(rule.inInterface, (packet) => packet.inInterface));
  if (rule.outInterface) conditions.push(interfaceIs(rule.outInterface, (packet) => packet.outInterface));
  if (rule.protocol) conditions.push(protocolIs(rule.protocol));
  for (const match of rule.matches ?? []) {
    if (match.match !== 'comment') conditions.push(negate('not' in match && match.not === true, meet(match, rule)));
  }
  return conditions;
}

const negate = (not: boolean, condition: Condition): Condition => (not ? (packet) => !condition(packet) : condition);

const addresses = new Map<string, ReturnType<typeof parseAddress>>();
const addressCacheSize = 100_000;
function addressOf(text: string): ReturnType<typeof parseAddress> {
  let address = addresses.get(text);
  if (!address) {
    if (addresses.size >= addressCacheSize) addresses.clear();
    address = parseAddress(text);
    addresses.set(text, address);
  }
  return address;
}

export function contains(range: Cidr, address: string): boolean {
  return cidrContains(range, addressOf(address));
}

function inRange({ is, not }: Term<string>, pick: (packet: Traveller) => string): Condition {
  const range = parseCidr(is.includes('/') ? is : `${is}/${is.includes(':') ? 128 : 32}`);
  return negate(not === true, (packet) => contains(range, pick(packet)));
}

function interfaceIs({ is, not }: Term<string>, pick: (packet: Traveller) => string | undefined): Condition {
  const prefix = is.endsWith('+') ? is.slice(0, -1) : undefined;
  return negate(not === true, (packet) => {
    const name = pick(packet) ?? '';
    return prefix === undefined ? name === is : name.startsWith(prefix);
  });
}

const protocolIs = ({ is, not }: Term<string>): Condition =>
  negate(not === true, (packet) => is === 'all' || packet.protocol === is);

function meet(match: Match, rule: Rule): Condition {
  switch (match.match) {
    case 'comment':
      return () => true;
    case 'port':
      return (packet) => {
        const port = match.side === 'source' ? packet.sourcePort : packet.destinationPort;
        return packet.protocol === match.protocol && port !== undefined && port >= match.from && port <= match.to;
      };
    case 'tcpFlags':
      return (packet) =>
        packet.protocol === 'tcp' &&
        match.mask.every((flag) => packet.tcpFlags.includes(flag) === match.set.includes(flag));
    case 'mark':
      return (packet) => (packet.mark & match.mask) >>> 0 === match.value >>> 0;
    case 'conntrack':
      return (packet) => match.states.some((state) => packet.states.has(state));
    case 'addrtype':
      return addressType(match.type, rule, match.side);
    case 'statistic':
      return (packet) => packet.around.random() < match.probability;
    case 'recent':
      return (packet) => recent(match, packet);
    case 'opaque':
      throw new Unsupported(`the tracer does not know ${match.text}: ${renderRule('?', rule, 4)}`);
  }
}

const loopback = [parseCidr('127.0.0.0/8'), parseCidr('::1/128')];
const multicast = [parseCidr('224.0.0.0/4'), parseCidr('ff00::/8')];

function addressType(type: string, rule: Rule, side: 'source' | 'destination'): Condition {
  if (type === 'LOCAL') return (packet) => isLocal(packet[side], packet.around);
  if (type === 'MULTICAST') return (packet) => multicast.some((range) => contains(range, packet[side]));
  throw new Unsupported(`the tracer does not know address type ${type}: ${renderRule('?', rule, 4)}`);
}

export const isLocal = (address: string, around: Surroundings): boolean =>
  around.localAddresses.has(address) || loopback.some((range) => contains(range, address));

/** As xt_recent: `set` always matches; `update` and `rcheck` match what was seen within `seconds`; `update` sees it again. */
function recent(match: Extract<Match, { match: 'recent' }>, packet: Traveller): boolean {
  const { recent: lists = new Map<string, Map<string, number>>(), now = () => 0 } = packet.around;
  const list = lists.get(match.name) ?? new Map<string, number>();
  lists.set(match.name, list);
  if (match.op === 'set') {
    list.set(packet.source, now());
    return true;
  }
  const seen = list.get(packet.source);
  const fresh = seen !== undefined && (match.seconds === undefined || now() - seen <= match.seconds);
  if (!fresh && match.reap) list.delete(packet.source);
  if (fresh && match.op === 'update') list.set(packet.source, now());
  return fresh;
}
