// Renders rules in the syntax of nft. Pure; one rule is one line.
import type { Family } from '../../controlplane/base/cidr';
import { comment as commentWords } from '../nftables/text';
import type { AddressSet, Chain, Match, PortRange, Rule, SetKind, Side, Verdict } from './model';
import { podBridge, seenMark } from './names';

const ip = (family: Family): string => (family === 4 ? 'ip' : 'ip6');
const addressOf = (family: Family, side: Side): string => `${ip(family)} ${side === 'source' ? 'saddr' : 'daddr'}`;

export function renderRule({ matches, verdict, comment }: Rule): string {
  const words = [...matches.map(renderMatch), renderVerdict(verdict)];
  return [...words, commentWords(comment)].join(' ');
}

function renderMatch(match: Match): string {
  switch (match.match) {
    case 'answer':
      return 'ct state established,related';
    case 'in':
      return `${addressOf(match.family, match.side)} @${match.set}`;
    case 'block': {
      const address = addressOf(match.family, match.side);
      // nft has no syntax for the range of all addresses; the family alone says the same.
      const inside = match.cidr.endsWith('/0')
        ? `meta nfproto ${match.family === 4 ? 'ipv4' : 'ipv6'}`
        : `${address} ${match.cidr}`;
      return match.except.length === 0 ? inside : `${inside} ${address} != { ${match.except.join(', ')} }`;
    }
    case 'ports':
      return match.ranges.length === 0
        ? `meta l4proto ${match.protocol}`
        : `${match.protocol} dport ${renderPorts(match.ranges)}`;
    case 'endpoint':
      return `${addressOf(match.family, 'destination')} . meta l4proto . th dport @${match.set}`;
    case 'across-bridge':
      return `iifname "${podBridge}" oifname "${podBridge}"`;
    case 'pair':
      return `${addressOf(match.family, 'source')} . ${addressOf(match.family, 'destination')} @${match.set}`;
  }
}

function renderPorts(ranges: readonly PortRange[]): string {
  const texts = ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
  return texts.length === 1 ? texts[0]! : `{ ${texts.join(', ')} }`;
}

function renderVerdict(verdict: Verdict): string {
  switch (verdict.verdict) {
    case 'accept':
      return 'accept';
    case 'drop':
      // With a counter, so that an administrator sees whether policies drop the traffic.
      return 'counter drop';
    case 'mark-seen':
      return `meta mark set meta mark | ${hexOf(seenMark)}`;
    case 'jump':
    case 'goto':
      return `${verdict.verdict} ${verdict.chain}`;
    case 'look-up':
      return `${addressOf(verdict.family, verdict.side)} vmap @${verdict.map}`;
  }
}

const hexOf = (value: number): string => `0x${value.toString(16)}`;

/** `type filter hook forward priority filter + 10; policy accept;` */
export const renderHook = ({ name, priority }: NonNullable<Chain['hook']>): string =>
  `type filter hook ${name} priority filter + ${priority}; policy accept;`;

const addressType = (family: Family): string => (family === 4 ? 'ipv4_addr' : 'ipv6_addr');

const setTypes: Readonly<Record<SetKind, (address: string) => string>> = {
  address: (address) => address,
  pair: (address) => `${address} . ${address}`,
  endpoint: (address) => `${address} . inet_proto . inet_service`,
};

export const renderSetType = ({ family, kind }: Pick<AddressSet, 'family' | 'kind'>): string =>
  `type ${setTypes[kind](addressType(family))};`;
export const renderMapType = (family: Family): string => `type ${addressType(family)} : verdict;`;
