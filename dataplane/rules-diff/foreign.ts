// The rules of other programs at the hooks that packets of pods and Services pass, in the kernel's order, and which of them can decide
// before ours. Pure.

import type { Family } from '../../controlplane/base/cidr';
import { type AppError, hasCode } from '../../controlplane/base/errors';
import { isOwnChain } from '../netfilter/names';
import { parseDump } from '../netfilter/parse';
import { renderRule } from '../netfilter/render';
import { priorityOf, tablesAt } from '../path/iptables/evaluator';
import type { Hook } from '../path/journey';
import { readHook } from '../path/nft/evaluator';
import { readListing } from '../path/nft/listing';
import type { NftTable } from '../path/nft/tables';
import { isByNft, isWatch } from '../path/tracers';
import { writerOf } from '../path/writers';
import type { IptablesDump } from './compare';
import { type Bounded, bounded, programOf } from './difference';
import { type Effect, type Words, wordsOfIptables, wordsOfNft } from './effects';

export interface ForeignRule {
  readonly line: number;
  readonly text: string;
  /** Undefined: no known program uses these names. */
  readonly writer: string | undefined;
  /** Of the rule and of the chains that it leads to. */
  readonly effects: readonly Effect[];
  /** It may decide over a packet that ours have not seen. */
  readonly isBefore: boolean;
}

/** A chain that the kernel calls. Another program has written its rules or its policy. */
export interface ForeignChain {
  readonly hook: string;
  readonly priority: number;
  /** `iptables (legacy)`, `nft`. */
  readonly program: string;
  readonly table: string;
  readonly chain: string;
  /** The policy is drop: what no rule accepts is dropped, also what ours have let through in other chains. */
  readonly drops: boolean;
  /** Our jump stands in it, at this line. */
  readonly ourLine?: number;
  readonly rules: Bounded<ForeignRule>;
  readonly before: Bounded<ForeignRule>;
}

export interface Foreign {
  readonly chains: readonly ForeignChain[];
  readonly notes: readonly string[];
}

const ownTables: ReadonlySet<string> = new Set([
  'ip k8ts',
  'ip6 k8ts',
  'inet k8ts-policy',
  'bridge k8ts-policy',
  'bridge k8ts-pod-sources',
]);

/** In the order in which a packet meets them. */
const hookOrder: readonly string[] = [
  'ingress',
  'bridge prerouting',
  'bridge input',
  'bridge forward',
  'prerouting',
  'input',
  'forward',
  'output',
  'postrouting',
  'bridge output',
  'bridge postrouting',
  'egress',
];

interface BaseRule {
  readonly text: string;
  readonly words: Words;
  readonly ours: boolean;
  readonly writer: string | undefined;
}
/** A base chain of any owner. */
interface Base {
  readonly hook: string;
  readonly priority: number;
  readonly family: Family | 'all';
  readonly program: string;
  readonly table: string;
  readonly chain: string;
  readonly drops: boolean;
  /** All of its rules are ours. */
  readonly ours: boolean;
  readonly rules: readonly BaseRule[];
  readonly chains: ReadonlyMap<string, readonly Words[]>;
}

/** @param ruleset what `nft -n -s -t list ruleset` prints */
export function foreignRules(dumps: readonly IptablesDump[], ruleset: string): Foreign {
  const notes: string[] = [];
  const shown = new Set<string>();
  const bases = dumps.flatMap((dump) => basesOfDump(dump, shown));
  const backends = new Set(
    dumps.filter(({ dump }) => /^(?:\[\d+:\d+\] )?-A /m.test(dump)).map(({ backend }) => backend),
  );
  if (backends.size > 1) notes.push('both back ends of iptables hold rules, legacy and nft: the kernel applies both');
  for (const table of tablesOf(ruleset, notes)) {
    if (!shown.has(table.label) && !table.label.startsWith('arp ') && !isWatch(table.label))
      bases.push(...basesOfTable(table, notes));
  }
  const position = ({ hook }: Base) => hookOrder.indexOf(hook);
  const sorted = bases.sort((a, b) => position(a) - position(b) || a.priority - b.priority);
  const chains = sorted.flatMap((base) => foreignChain(base, sorted));
  return { chains, notes };
}

function foreignChain(base: Base, all: readonly Base[]): readonly ForeignChain[] {
  const { hook, priority, program, table, chain, drops } = base;
  if (base.ours) return [];
  const ourLine = base.rules.findIndex(({ ours }) => ours) + 1;
  const place = placeOf(base, all, ourLine);
  const rules = base.rules.flatMap(({ text, words, ours, writer }, i): ForeignRule[] => {
    if (ours) return [];
    const effects = [...effectsOf(words, base.chains, new Set())];
    const isBefore = effects.some((effect) => decides(effect, place, i + 1 < ourLine));
    return [{ line: i + 1, text, writer, effects, isBefore }];
  });
  if (rules.length === 0 && !drops) return [];
  const isBefore = rules.filter((rule) => rule.isBefore);
  return [
    {
      ...{ hook, priority, program, table, chain, drops },
      ...(ourLine > 0 ? { ourLine } : {}),
      rules: bounded(rules),
      before: bounded(isBefore),
    },
  ];
}

/** Where the chain stands: with our jump in it, or before or after the first chain of ours at its hook. */
type PlaceOfChain = 'shared' | 'before' | 'after';

function placeOf(base: Base, all: readonly Base[], ourLine: number): PlaceOfChain {
  if (ourLine > 0) return 'shared';
  const ours = all.filter(
    (one) =>
      one.hook === base.hook &&
      (one.family === base.family || one.family === 'all' || base.family === 'all') &&
      (one.ours || one.rules.some((rule) => rule.ours)),
  );
  // At equal priority the order of registration decides, and no listing shows it.
  return ours.every(({ priority }) => base.priority <= priority) ? 'before' : 'after';
}

/** `accept` ends only its own base chain, so in another chain it takes nothing from ours. */
function decides(effect: Effect, place: PlaceOfChain, isEarlierLine: boolean): boolean {
  if (place === 'shared') return isEarlierLine;
  return place === 'before' && effect !== 'accept';
}

function effectsOf(
  { effects, next }: Words,
  chains: Base['chains'],
  seen: Set<string>,
  found = new Set<Effect>(),
): ReadonlySet<Effect> {
  for (const effect of effects) found.add(effect);
  for (const name of next) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const words of chains.get(name) ?? []) effectsOf(words, chains, seen, found);
  }
  return found;
}

function basesOfDump({ family, backend, dump }: IptablesDump, shown: Set<string>): Base[] {
  // Our own chains may be long, and only their names are needed.
  const tables = parseDump(dump.replace(/^(?:\[\d+:\d+\] )?-A K8TS-.*\n/gm, ''));
  if (isByNft(dump)) for (const table of tables.keys()) shown.add(`${family === 4 ? 'ip' : 'ip6'} ${table}`);
  const program = programOf(family);
  return Object.entries(tablesAt).flatMap(([hook, names]) =>
    names.flatMap((table): Base[] => {
      const all = tables.get(table);
      const chain = all?.get(hook.toUpperCase());
      if (!all || !chain) return [];
      const words = new Map(
        [...all].map(([name, { rules }]) => [name, rules.map((rule) => wordsOfIptables(rule, all))]),
      );
      return [
        {
          ...{ hook, family, table, chain: chain.name, chains: words, ours: false },
          priority: priorityOf(table, hook as Hook),
          program: `${program} (${backend})`,
          drops: chain.policy === 'DROP',
          rules: chain.rules.map((rule, i) => {
            const own = words.get(chain.name)![i]!;
            const next = own.next.map((name) => ({ chain: name }));
            return {
              text: renderRule(chain.name, rule, family),
              words: own,
              ours: own.next.some(isOwnChain),
              writer: writerOf({ program, table, chain: chain.name, next }),
            };
          }),
        },
      ];
    }),
  );
}

function basesOfTable({ label, family, chains }: NftTable, notes: string[]): readonly Base[] {
  const words = new Map([...chains].map(([name, { rules }]) => [name, rules.map(wordsOfNft)]));
  return [...chains].flatMap(([chain, { hook: declared, rules }]): Base[] => {
    if (declared === undefined) return [];
    const place = { program: 'nft', table: label, chain } as const;
    try {
      const { at, priority, policy } = readHook(declared);
      return [
        {
          ...place,
          hook: family === 'bridge' ? `bridge ${at}` : at,
          priority,
          family: family === 'ip' ? 4 : family === 'ip6' ? 6 : 'all',
          drops: policy === 'drop',
          ours: ownTables.has(label),
          chains: words,
          rules: rules.map((text, i) => {
            const own = words.get(chain)![i]!;
            return {
              text,
              words: own,
              ours: false,
              writer: writerOf({ ...place, next: own.next.map((name) => ({ chain: name })) }),
            };
          }),
        },
      ];
    } catch (error) {
      if (!hasCode(error, 'Unsupported')) throw error;
      notes.push(`nft ${label} ${chain} is not shown: ${(error as AppError).message}`);
      return [];
    }
  });
}

/** Only chains: sets, flow tables and other parts decide nothing without a rule. */
function tablesOf(ruleset: string, notes: string[]): readonly NftTable[] {
  let kept = true;
  const lines = ruleset.split('\n').filter((line) => {
    if (/^\t\w/.test(line) && line.endsWith('{')) kept = line.startsWith('\tchain ');
    else if (!line.startsWith('\t')) kept = true;
    return kept;
  });
  try {
    return readListing(lines.join('\n'));
  } catch (error) {
    if (!hasCode(error, 'Unsupported')) throw error;
    notes.push(`tables of nft are not shown: ${(error as AppError).message}`);
    return [];
  }
}
