// A rule at which a packet ends or changes: whose it is, and how it is removed. Pure.
import type { RuleStep } from '../path/journey';
import type { Packet } from '../path/packet';
import { writerOf } from '../path/writers';

/** Where rules are that are not the node's own: the end of a hook's name, and the beginning of a command. */
export interface Inside {
  /** ` of pod shop/web-0` */
  readonly suffix: string;
  /** `nsenter --net=/proc/4711/ns/net ` */
  readonly prefix: string;
}

export interface Removing {
  readonly packet: Packet;
  /** Rules of the legacy back end. */
  readonly legacy: ReadonlySet<string> | undefined;
  readonly inside: Inside | undefined;
}

/** ` inside pod shop/web-0` */
export const insideWords = ({ inside }: Removing): string => inside?.suffix.replace(' of ', ' inside ') ?? '';

export function removalOf({ table, chain, line, rule }: RuleStep, { packet, legacy, inside }: Removing): string {
  const run = inside?.prefix ?? '';
  if (ofNft(table)) {
    return line === 0
      ? `${run}nft add chain ${table} ${chain} '{ policy accept; }' lets through what no rule of the chain accepts`
      : `${run}nft -a list chain ${table} ${chain} shows its handle; ${run}nft delete rule ${table} ${chain} handle HANDLE removes it`;
  }
  const family = `${run}${packet.source.includes(':') ? 'ip6tables' : 'iptables'}`;
  return line === 0
    ? `${family}${legacy?.has(rule) ? '-legacy' : ''} -t ${table} -P ${chain} ACCEPT`
    : // By its words: line numbers move.
      `${family}${legacy?.has(rule) ? '-legacy' : ''} -t ${table} -D ${rule.slice('-A '.length)}`;
}

export function writerOfStep({ table, chain, rule }: RuleStep): string | undefined {
  const next = [...rule.matchAll(/(?:\b(?:jump|goto)|-[jg]) ([\w/.-]+)/g)].map(([, to]) => ({
    chain: to!,
  }));
  const program = ofNft(table) ? ('nft' as const) : ('iptables' as const);
  return writerOf({ program, table, chain, next });
}

export const ofNft = (table: string): boolean => table.includes(' ');
