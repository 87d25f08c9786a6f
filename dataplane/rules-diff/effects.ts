// What a rule of another program may do to a packet that meets it, by its words: enough to say whether it can decide. Pure.
import type { Rule } from '../netfilter/model';

/**
 * `drop`, `reject`: the end of the packet. `accept`: the other rules of this base chain are skipped. `dnat`, `snat`: one end of the
 * connection is translated, so later rules of nat do not translate it. `queue`: another process decides. `notrack`: no rule of nat sees the
 * packet. `unknown`: words that are not known.
 */
export type Effect = 'drop' | 'reject' | 'accept' | 'dnat' | 'snat' | 'queue' | 'notrack' | 'unknown';

export interface Words {
  readonly effects: readonly Effect[];
  /** Chains in which the packet may go on. */
  readonly next: readonly string[];
}

const ofTarget: Readonly<Record<string, readonly Effect[]>> = {
  accept: ['accept'],
  drop: ['drop'],
  reject: ['reject'],
  dnat: ['dnat'],
  snat: ['snat'],
  masquerade: ['snat'],
  return: [],
  mark: [],
  none: [],
};

/** Targets with an effect, of those that the parser keeps as text. */
const ofExtension: Readonly<Record<string, readonly Effect[]>> = {
  DNAT: ['dnat'],
  REDIRECT: ['dnat'],
  TPROXY: ['dnat'],
  NETMAP: ['dnat', 'snat'],
  SNAT: ['snat'],
  MASQUERADE: ['snat'],
  QUEUE: ['queue'],
  NFQUEUE: ['queue'],
  NOTRACK: ['notrack'],
  REJECT: ['reject'],
};
/** Targets that only look at a packet or mark it. */
const harmless: ReadonlySet<string> = new Set([
  'LOG',
  'NFLOG',
  'ULOG',
  'TRACE',
  'TEE',
  'AUDIT',
  'MARK',
  'CONNMARK',
  'SECMARK',
  'CONNSECMARK',
  'CLASSIFY',
  'TCPMSS',
  'TCPOPTSTRIP',
  'DSCP',
  'TOS',
  'TTL',
  'HL',
  'ECN',
  'CHECKSUM',
  'SET',
  'RATEEST',
  'IDLETIMER',
  'LED',
  'HMARK',
]);

/** `chains`: all of the table. */
export function wordsOfIptables({ action }: Rule, chains: ReadonlyMap<string, unknown>): Words {
  if (action.target === 'jump' || action.target === 'goto') {
    if (chains.has(action.chain)) return { effects: [], next: [action.chain] };
    return { effects: ofName(action.chain, ''), next: [] };
  }
  if (action.target !== 'opaque') return { effects: ofTarget[action.target]!, next: [] };
  const [, name = '', more = ''] = /^-[jg] (\S+)(.*)$/.exec(action.text) ?? [];
  return { effects: ofName(name, more), next: [] };
}

function ofName(name: string, more: string): readonly Effect[] {
  if (name === 'CT') return more.includes('--notrack') ? ['notrack'] : [];
  return ofExtension[name] ?? (harmless.has(name) ? [] : ['unknown']);
}

const ofWord: Readonly<Record<string, Effect>> = {
  drop: 'drop',
  reject: 'reject',
  accept: 'accept',
  dnat: 'dnat',
  redirect: 'dnat',
  tproxy: 'dnat',
  snat: 'snat',
  masquerade: 'snat',
  queue: 'queue',
  notrack: 'notrack',
};

/** A rule as nft prints it. An element of a map may do anything: the listing is without elements. */
export function wordsOfNft(rule: string): Words {
  const words = rule
    .replace(/"[^"]*"/g, '')
    .split(/[\s,;{}]+/)
    .filter(Boolean);
  const effects = new Set<Effect>();
  const next: string[] = [];
  for (const [i, word] of words.entries()) {
    const before = words[i - 1];
    if (before === 'jump' || before === 'goto') next.push(word);
    // `ct status dnat` asks, and does nothing.
    else if (before !== 'status' && !word.startsWith('@') && Object.hasOwn(ofWord, word)) effects.add(ofWord[word]!);
    else if (before === 'vmap' && word.startsWith('@')) effects.add('unknown');
  }
  return { effects: [...effects], next };
}
