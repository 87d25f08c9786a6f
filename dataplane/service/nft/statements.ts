// The words of nft this folder writes, made ready to be evaluated many times. What it does not know it refuses: a rule that is
// misread would make every test of rules worthless.
import { parseCidr } from '../../../controlplane/base/cidr';
import { Unsupported } from '../../../controlplane/base/errors';
import { contains, isLocal, type Traveller } from '../../netfilter/conditions';
import type { NftPlan } from './model';
import { protocolNumbers } from './names';

export type Verdict =
  | { readonly kind: 'accept' | 'drop' }
  | { readonly kind: 'reject'; readonly with: string }
  | { readonly kind: 'jump'; readonly chain: string }
  | { readonly kind: 'goto'; readonly chain: string }
  | { readonly kind: 'dnat'; readonly address: string; readonly port: number }
  | { readonly kind: 'masquerade' };

/** False: the rule ends here. True: it goes on. A verdict ends the rule and decides. */
export type Statement = (packet: Traveller) => boolean | Verdict;

export function parseRule(line: string, plan: NftPlan): readonly Statement[] {
  const statements: Statement[] = [];
  let rest = line.trim();
  while (rest !== '') {
    const known = words.find(([pattern]) => pattern.test(rest));
    if (!known) throw new Unsupported(`the tracer does not know these words: ${rest}`, { details: { line } });
    const [pattern, make] = known;
    const [whole, ...parts] = pattern.exec(rest)!;
    statements.push(make(parts, plan));
    rest = rest.slice(whole.length).trimStart();
  }
  return statements;
}

type Make = (parts: readonly string[], plan: NftPlan) => Statement;
const ip = '(?:ip6?)';
const key = `((?:${ip} [sd]addr|meta l4proto|(?:th|tcp|udp|sctp) dport|numgen random mod \\d+(?: offset \\d+)?)(?: \\. (?:${ip} [sd]addr|meta l4proto|(?:th|tcp|udp|sctp) dport|numgen random mod \\d+(?: offset \\d+)?))*)`;
const rule = (pattern: string): RegExp => new RegExp(`^${pattern}(?= |$)`);

const words: readonly (readonly [RegExp, Make])[] = [
  [rule('comment "[^"]*"'), () => () => true],
  [rule(`${key} vmap @(\\S+)`), ([of, map], plan) => lookUp(of!, (text) => mapped(plan, map!, text), toVerdict)],
  [
    rule(`${key} vmap \\{ ([^}]*) \\}`),
    ([of, list]) => {
      const pairs = new Map(list!.split(', ').map((pair) => pair.split(' : ') as [string, string]));
      return lookUp(of!, (text) => pairs.get(text), toVerdict);
    },
  ],
  [
    rule(`dnat ${ip} addr \\. port to ${key} map @(\\S+)`),
    ([of, map], plan) => {
      // The kernel ties the map of a protocol to that protocol.
      const protocol = /(tcp|udp|sctp) dport/.exec(of!)?.[1];
      const found = lookUp(of!, (text) => mapped(plan, map!, text), toEndpoint);
      return (packet) => packet.protocol === protocol && found(packet);
    },
  ],
  [
    rule('dnat to (\\S+):(\\d+)'),
    ([address, port]) =>
      () =>
        dnat(address!.replace(/^\[(.*)\]$/, '$1'), Number(port)),
  ],
  [
    rule(`${key} @(\\S+)`),
    ([of, set], plan) =>
      (packet) =>
        isMember(plan, set!, keyText(of!, packet), packet),
  ],
  [
    rule(`update @(\\S+) \\{ ${ip} saddr \\}`),
    ([set]) =>
      (packet) => {
        clientsOf(packet, set!).set(packet.source, packet.around.now?.() ?? 0);
        return true;
      },
  ],
  [
    rule('(?:ip6? )([sd])addr (!= )?(\\S+)'),
    ([side, not, range]) => {
      const cidr = parseCidr(range!.includes('/') ? range! : `${range}/${range!.includes(':') ? 128 : 32}`);
      return (packet) => contains(cidr, side === 's' ? packet.source : packet.destination) !== (not !== undefined);
    },
  ],
  [
    rule('fib ([sd])addr type (!= )?local'),
    ([side, not]) =>
      (packet) =>
        isLocal(side === 's' ? packet.source : packet.destination, packet.around) !== (not !== undefined),
  ],
  [
    rule('meta l4proto (tcp|udp|sctp)'),
    ([protocol]) =>
      (packet) =>
        packet.protocol === protocol,
  ],
  [
    rule('th dport (\\d+)'),
    ([port]) =>
      (packet) =>
        packet.destinationPort === Number(port),
  ],
  [
    rule('tcp flags & \\(rst \\| ack\\) == ack'),
    () =>
      ({ protocol, tcpFlags }) =>
        protocol === 'tcp' && tcpFlags.includes('ACK') && !tcpFlags.includes('RST'),
  ],
  [rule('ct status dnat'), () => (packet) => packet.states.has('DNAT')],
  [rule('ct state invalid'), () => (packet) => packet.states.has('INVALID')],
  [
    rule('meta mark & (\\S+) (==|!=) (\\S+)'),
    ([mask, how, value]) =>
      (packet) =>
        ((packet.mark & Number(mask)) >>> 0 === Number(value)) === (how === '=='),
  ],
  [
    rule('meta mark set meta mark ([&|]) (\\S+)'),
    ([how, value]) =>
      (packet) => {
        packet.mark = (how === '&' ? packet.mark & Number(value) : packet.mark | Number(value)) >>> 0;
        return true;
      },
  ],
  [
    rule('(jump|goto) (\\S+)'),
    ([kind, chain]) =>
      () => ({ kind: kind as 'jump' | 'goto', chain: chain! }),
  ],
  [
    rule('(accept|drop)'),
    ([kind]) =>
      () => ({ kind: kind as 'accept' | 'drop' }),
  ],
  [rule('masquerade fully-random'), () => () => ({ kind: 'masquerade' })],
  [
    rule('reject with (tcp reset|icmp(?:v6)? port-unreachable)'),
    ([how]) =>
      () => ({ kind: 'reject', with: how!.replace(' ', '-').replace('icmpv6', 'icmp6') }),
  ],
];

function lookUp(of: string, find: (text: string) => string | undefined, make: (value: string) => Verdict): Statement {
  return (packet) => {
    const value = find(keyText(of, packet));
    return value === undefined ? false : make(value);
  };
}

/** What stands behind ` : ` in an element of a map. */
const mapped = (plan: NftPlan, map: string, text: string): string | undefined =>
  plan.elements.get(map)?.get(text)?.split(' : ').at(-1);

function toVerdict(text: string): Verdict {
  const [kind, chain] = text.split(' ');
  if (kind !== 'goto' || chain === undefined) throw new Unsupported(`the tracer does not know the verdict ${text}`);
  return { kind, chain };
}

function toEndpoint(text: string): Verdict {
  const [address, port] = text.split(' . ');
  return dnat(address!, Number(port));
}
const dnat = (address: string, port: number): Verdict => ({ kind: 'dnat', address, port });

function keyText(of: string, packet: Traveller): string {
  return of
    .split(' . ')
    .map((part) => {
      if (part.endsWith('saddr')) return packet.source;
      if (part.endsWith('daddr')) return packet.destination;
      if (part.endsWith('dport')) return packet.destinationPort ?? -1;
      if (part === 'meta l4proto') return protocolNumbers[packet.protocol as keyof typeof protocolNumbers] ?? -1;
      const [, modulus, offset = '0'] = /numgen random mod (\d+)(?: offset (\d+))?/.exec(part)!;
      return Math.floor(packet.around.random() * Number(modulus)) + Number(offset);
    })
    .join(' . ');
}

function isMember(plan: NftPlan, set: string, text: string, packet: Traveller): boolean {
  const declared = plan.sets.get(set);
  if (declared === undefined) throw new Unsupported(`there is no set ${set}`);
  const timeout = /timeout (\d+)s/.exec(declared)?.[1];
  if (timeout === undefined) return plan.elements.get(set)?.has(text) ?? false;
  const seen = clientsOf(packet, set).get(text);
  return seen !== undefined && (packet.around.now?.() ?? 0) - seen < Number(timeout);
}

function clientsOf({ around }: Traveller, set: string): Map<string, number> {
  const sets = around.recent ?? new Map<string, Map<string, number>>();
  const clients = sets.get(set) ?? new Map<string, number>();
  sets.set(set, clients);
  return clients;
}
