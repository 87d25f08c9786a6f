// The rules in a kernel's listings as one list, whatever language they are in: where each stands, the objects behind it, and the chains
// that it leads to. Pure.
import type { Family } from '../../controlplane/base/cidr';
import { parseDump } from '../netfilter/parse';
import { renderRule } from '../netfilter/render';
import type { ObjectRef } from './journey';
import { readListing } from './nft/listing';
import type { NftTable } from './nft/tables';
import { policiesOfComment, serviceOfComment } from './objects';
import { isByNft, type ListingsOfNode } from './tracers';

export interface ListedRule {
  /** The program that lists it. */
  readonly program: 'iptables' | 'ip6tables' | 'nft';
  /** `nat` of iptables; `ip k8ts` of nftables. */
  readonly table: string;
  readonly chain: string;
  /** Counted from 1, as `iptables -L --line-numbers` does. */
  readonly line: number;
  /** As iptables-save or `nft -n -s list ruleset` prints it. */
  readonly text: string;
  /** As `nft list ruleset` prints it, where that differs: `ct state invalid` for `ct state 0x1`, and a rule of iptables in its own words. */
  readonly inOtherWords: readonly string[];
  readonly objects: readonly ObjectRef[];
  readonly next: readonly Branch[];
}

/** A chain in which a packet may go on after the rule. */
export interface Branch {
  readonly chain: string;
  /** The element of a map that leads there: `10.96.3.7 . 6 . 80`. */
  readonly element?: string;
  /** Of the element. */
  readonly comment?: string;
  readonly objects: readonly ObjectRef[];
}

/** A rule that leads to a chain. */
export interface Caller extends Branch {
  readonly rule: ListedRule;
}

export interface ListedRules {
  readonly rules: readonly ListedRule[];
  /** By normalWords() of each of their texts. */
  readonly byWords: ReadonlyMap<string, readonly ListedRule[]>;
  readonly byComment: ReadonlyMap<string, readonly ListedRule[]>;
  /** Elements of maps that have a comment, with the rule that looks them up. */
  readonly byElementComment: ReadonlyMap<string, readonly Caller[]>;
  /** By `program table chain`. */
  readonly callers: ReadonlyMap<string, readonly Caller[]>;
  /** Chains that the kernel itself calls, by `program table chain`: the hook. */
  readonly hooks: ReadonlyMap<string, string>;
}

export const chainKey = ({ program, table }: Pick<ListedRule, 'program' | 'table'>, chain: string): string =>
  `${program} ${table} ${chain}`;

/**
 * @param nftInNames what `nft -s list ruleset` prints, with names for numbers. @throws Unsupported, BadRequest when a listing cannot be
 *   parsed
 */
export function listedRules({ iptables = [], nft = '' }: ListingsOfNode, nftInNames = ''): ListedRules {
  const rules: ListedRule[] = [];
  const hooks = new Map<string, string>();
  const inNumbers = readListing(nft);
  const otherwise = [inNumbers, readListing(nftInNames)];
  const others = (label: string) => otherwise.flatMap((tables) => tables.find((table) => table.label === label) ?? []);
  const shown = new Set<string>();
  for (const { family, dump } of iptables) {
    const byNft = isByNft(dump);
    const labelOf = (table: string) => `${family === 4 ? 'ip' : 'ip6'} ${table}`;
    const othersOf = (table: string) => (byNft ? others(labelOf(table)) : []);
    const tables = addDump({ family, dump, othersOf }, rules, hooks);
    if (byNft) for (const table of tables) shown.add(labelOf(table));
  }
  for (const table of inNumbers) {
    if (!shown.has(table.label)) addTable(table, others(table.label), rules, hooks);
  }
  const branches = rules.flatMap((rule) => rule.next.map((branch): Caller => ({ ...branch, rule })));
  return {
    rules,
    byWords: grouped(rules, ({ text, inOtherWords }) => [...new Set([text, ...inOtherWords].map(normalWords))]),
    byComment: grouped(rules, commentsOf),
    byElementComment: grouped(branches, ({ comment }) => (comment === undefined ? [] : [comment])),
    callers: grouped(branches, ({ rule, chain }) => [chainKey(rule, chain)]),
    hooks,
  };
}

function grouped<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group) group.push(item);
      else groups.set(key, [item]);
    }
  }
  return groups;
}

/** A rule's text without what differs between two listings of it. */
export const normalWords = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(?:ip6?tables(?:-nft|-legacy)? )?(?:-t \w+ )?/, '')
    .replace(/^\[\d+:\d+\] /, '')
    .replace(/ # handle \d+$/, '')
    .replace(/ packets \d+ bytes \d+/g, '')
    // A shell takes them away.
    .replaceAll('"', '');

const commentsOf = ({ text }: ListedRule): readonly string[] => {
  const found = /comment "([^"]*)"|--comment ([^"\s]\S*)/.exec(text)?.slice(1).find(Boolean);
  return found === undefined ? [] : [found];
};

const builtIn: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

interface Dump {
  readonly family: Family;
  readonly dump: string;
  /** The table as nft lists it, with numbers and with names, if it does. */
  readonly othersOf: (table: string) => readonly NftTable[];
}

/** Returns the tables. */
function addDump({ family, dump, othersOf }: Dump, rules: ListedRule[], hooks: Map<string, string>): readonly string[] {
  const program = family === 4 ? 'iptables' : 'ip6tables';
  const tables = parseDump(dump);
  for (const [table, chains] of tables) {
    for (const { name, rules: own } of chains.values()) {
      if (builtIn.has(name)) hooks.set(chainKey({ program, table }, name), name.toLowerCase());
      for (const [i, rule] of own.entries()) {
        const objects = (rule.matches ?? []).flatMap((match) =>
          match.match === 'comment' ? serviceOfComment(match.text) : [],
        );
        const { action } = rule;
        // What looks like a chain may be a target of another program: REDIRECT, LOG.
        const leads = (action.target === 'jump' || action.target === 'goto') && chains.has(action.chain);
        const next = leads ? [{ chain: action.chain, objects }] : [];
        const text = renderRule(name, rule, family);
        const inOtherWords = wordsOf(othersOf(table), name, own.length, i, text);
        rules.push({ program, table, chain: name, line: i + 1, text, inOtherWords, objects, next });
      }
    }
  }
  return [...tables.keys()];
}

function addTable(
  { label, family, chains, sets }: NftTable,
  others: readonly NftTable[],
  rules: ListedRule[],
  hooks: Map<string, string>,
): void {
  const objectsOf = (comment = '') => (family === 'inet' ? policiesOfComment(comment) : serviceOfComment(comment));
  const place = { program: 'nft', table: label } as const;
  for (const [chain, { hook, rules: own }] of chains) {
    if (hook !== undefined) hooks.set(chainKey(place, chain), hook.split(';')[0]!);
    for (const [i, text] of own.entries()) {
      const objects = objectsOf(/ comment "([^"]*)"$/.exec(text)?.[1]);
      const next: Branch[] = [...text.matchAll(/\b(?:jump|goto) ([\w/.-]+)/g)].map(([, to]) => ({
        chain: to!,
        objects,
      }));
      for (const [, map] of text.matchAll(/\bvmap @(\S+)/g)) {
        for (const [element, { comment, value = '' }] of sets.get(map!)?.elements ?? []) {
          const to = /^(?:jump|goto) (\S+)$/.exec(value)?.[1];
          if (to === undefined) continue;
          next.push({ chain: to, element, objects: objectsOf(comment), ...(comment === undefined ? {} : { comment }) });
        }
      }
      const inOtherWords = wordsOf(others, chain, own.length, i, text);
      rules.push({ ...place, chain, line: i + 1, text, inOtherWords, objects, next });
    }
  }
}

/** Between two listings the chain may have changed: then it has other rules, most likely another number of them. */
const wordsOf = (
  tables: readonly NftTable[],
  chain: string,
  count: number,
  index: number,
  text: string,
): readonly string[] =>
  tables.flatMap(({ chains }) => {
    const rules = chains.get(chain)?.rules;
    return rules?.length === count && rules[index] !== text ? [rules[index]!] : [];
  });
