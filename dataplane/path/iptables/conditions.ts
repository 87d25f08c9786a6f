// The conditions of iptables rules, compiled for repeated evaluation: each becomes a function of the packet.
import { parseCidr } from '../../../controlplane/base/cidr';
import { Unsupported } from '../../../controlplane/base/errors';
import type { Match, Rule, Term } from '../../netfilter/model';
import type { Refusal } from '../evaluator';
import { clientsOf, contains, isLocal, parseRange, type Traveller } from '../packet';
import { extensionOf } from './extensions';

export type Condition = (packet: Traveller) => boolean;

/** In the kernel's order: header first, then matches from left to right. @throws Unsupported */
export function conditionsOf(rule: Rule, refusal: Refusal): readonly Condition[] {
  const conditions: Condition[] = [];
  if (rule.source) conditions.push(inRange(rule.source, ({ fields }) => fields.source));
  if (rule.destination) conditions.push(inRange(rule.destination, ({ fields }) => fields.destination));
  if (rule.inInterface) conditions.push(interfaceIs(rule.inInterface, (packet) => packet.inInterface));
  if (rule.outInterface) conditions.push(interfaceIs(rule.outInterface, (packet) => packet.outInterface));
  if (rule.protocol) conditions.push(protocolIs(rule.protocol));
  for (const match of rule.matches ?? []) {
    if (match.match !== 'comment') conditions.push(negate('not' in match && match.not === true, meet(match, refusal)));
  }
  return conditions;
}

function unknown(what: string, refusal: Refusal): Condition {
  const refuse = (): never => {
    throw new Unsupported(`the tracer does not know ${what}`);
  };
  return refusal === 'eager' ? refuse() : refuse;
}

const negate = (not: boolean, condition: Condition): Condition => (not ? (packet) => !condition(packet) : condition);

function inRange({ is, not }: Term<string>, pick: (packet: Traveller) => string): Condition {
  const range = parseRange(is);
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

function meet(match: Match, refusal: Refusal): Condition {
  switch (match.match) {
    case 'comment':
      return () => true;
    case 'port':
      return (packet) => {
        const port = match.side === 'source' ? packet.fields.sourcePort : packet.fields.destinationPort;
        return packet.protocol === match.protocol && port !== undefined && port >= match.from && port <= match.to;
      };
    case 'tcpFlags':
      return (packet) =>
        packet.protocol === 'tcp' &&
        match.mask.every((flag) => packet.tcpFlags.includes(flag) === match.set.includes(flag));
    case 'mark':
      return (packet) => (packet.fields.mark & match.mask) >>> 0 === match.value >>> 0;
    case 'conntrack':
      return (packet) => match.states.some((state) => packet.states.has(state));
    case 'addrtype':
      return addressType(match.type, match.side, refusal);
    case 'statistic':
      return (packet) => packet.around.random() < match.probability;
    case 'recent':
      return (packet) => recent(match, packet);
    case 'opaque':
      return extensionOf(match.text) ?? unknown(match.text, refusal);
  }
}

const multicast = [parseCidr('224.0.0.0/4'), parseCidr('ff00::/8')];

function addressType(type: string, side: 'source' | 'destination', refusal: Refusal): Condition {
  if (type === 'LOCAL') return (packet) => isLocal(packet.fields[side], packet.around);
  if (type === 'MULTICAST') return (packet) => multicast.some((range) => contains(range, packet.fields[side]));
  return unknown(`address type ${type}`, refusal);
}

/**
 * Like xt_recent: `set` always matches; `update` and `rcheck` match a source seen within `seconds`; `update` also renews its
 * time.
 */
function recent(match: Extract<Match, { match: 'recent' }>, packet: Traveller): boolean {
  const { around } = packet;
  const { source } = packet.fields;
  const now = around.now?.() ?? 0;
  const list = clientsOf(around, match.name);
  if (match.op === 'set') {
    list.set(source, now);
    return true;
  }
  const seen = list.get(source);
  const fresh = seen !== undefined && (match.seconds === undefined || now - seen <= match.seconds);
  if (!fresh && match.reap) list.delete(source);
  if (fresh && match.op === 'update') list.set(source, now);
  return fresh;
}
