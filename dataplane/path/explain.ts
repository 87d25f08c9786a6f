// Whose rule is this: from a pasted line to the rule in the kernel, its writer, the objects behind it, and the way on which packets
// reach it. Pure.
import type { ObjectRef } from './journey';
import { type Branch, type Caller, chainKey, type ListedRule, type ListedRules, normalWords } from './listed-rules';
import { writerOf } from './writers';

export interface Explanation {
  readonly rule: ListedRule;
  /** Undefined: no known program uses these names. */
  readonly writer: string | undefined;
  /** What it does with a packet that matches, in a few words; undefined for words that are not known. */
  readonly effect: string | undefined;
  /** Of the rule, or else of the only one that leads to its chain. */
  readonly objects: readonly ObjectRef[];
  /** A shortest way from a hook of the kernel; undefined when no rule leads to the chain: no packet reaches the rule. */
  readonly way: Way | undefined;
  /** The element of a map of this rule that was asked for. */
  readonly element?: Branch;
  /** How many rules and elements lead to its chain. */
  readonly callers: number;
}

export interface Way {
  /** `prerouting`, or as nft prints it: `type nat hook prerouting priority dstnat`. */
  readonly hook: string;
  readonly jumps: readonly Jump[];
}
export interface Jump {
  readonly rule: ListedRule;
  readonly element?: string;
}

export interface Answer {
  /** False: no rule has these words; the explanations are of rules that have the same comment. */
  readonly exact: boolean;
  readonly explanations: readonly Explanation[];
}

/**
 * @param text one line as iptables-save, `iptables -S`, `iptables -L` or `nft list ruleset` print it, with or without counters and
 *   handles. One line may stand in several tables.
 */
export function explainRule(text: string, listed: ListedRules): Answer {
  const wanted = normalWords(text);
  const same = listed.byWords.get(wanted) ?? [];
  if (same.length > 0) return { exact: true, explanations: same.map((rule) => explain(rule, listed)) };
  const comment = /--comment "?([^"]+?)"?(?: -|$)|comment "([^"]+)"|\/\* (.+?) \*\/|# "([^"]+)"/
    .exec(text)
    ?.slice(1)
    .find(Boolean);
  const [, chain] = /^-A (\S+)/.exec(wanted) ?? [];
  if (comment === undefined) return { exact: false, explanations: [] };
  const near = listed.byComment.get(comment) ?? [];
  const inChain = near.filter((rule) => rule.chain === chain);
  const elements = (listed.byElementComment.get(comment) ?? []).map(
    ({ rule, ...element }): Explanation => ({ ...explain(rule, listed), objects: element.objects, element }),
  );
  const rules = (inChain.length > 0 ? inChain : near).map((rule) => explain(rule, listed));
  return { exact: false, explanations: [...elements, ...rules] };
}

function explain(rule: ListedRule, listed: ListedRules): Explanation {
  const callers = callersOf(rule, listed);
  const [only] = callers;
  const inherited = callers.length === 1 ? only!.objects : [];
  return {
    rule,
    writer: writerOf(rule),
    effect: effectOf(rule),
    objects: rule.objects.length > 0 ? rule.objects : inherited,
    way: wayTo(rule, listed),
    callers: callers.length,
  };
}

const callersOf = (rule: ListedRule, { callers }: ListedRules): readonly Caller[] =>
  callers.get(chainKey(rule, rule.chain)) ?? [];

/** Breadth first, from the rule upwards. */
function wayTo(rule: ListedRule, listed: ListedRules): Way | undefined {
  const seen = new Set<string>();
  let level: { readonly at: ListedRule; readonly jumps: readonly Jump[] }[] = [{ at: rule, jumps: [] }];
  while (level.length > 0) {
    const above: typeof level = [];
    for (const { at, jumps } of level) {
      const key = chainKey(at, at.chain);
      const hook = listed.hooks.get(key);
      if (hook !== undefined) return { hook, jumps };
      if (seen.has(key)) continue;
      seen.add(key);
      for (const { rule: caller, element } of callersOf(at, listed)) {
        const jump = { rule: caller, ...(element === undefined ? {} : { element }) };
        above.push({ at: caller, jumps: [jump, ...jumps] });
      }
    }
    level = above;
  }
  return undefined;
}

/** The last words of a rule of either language decide. */
const effects: readonly (readonly [RegExp, (found: RegExpExecArray) => string])[] = [
  [/-j LOG/, () => 'is written to the kernel log, and goes on'],
  [/(?:--to-destination |\bdnat (?:ip6? )?to )(\S+)/, ([, to]) => `a new connection goes to ${to} (DNAT)`],
  [/(?:--to-source |\bsnat (?:ip6? )?to )(\S+)/, ([, to]) => `a new connection gets the source ${to} (SNAT)`],
  [/-j MASQUERADE|\bmasquerade\b/, () => 'a new connection gets an address of this node as its source (masquerade)'],
  [
    /-j REJECT(?: --reject-with (\S+))?|\breject(?: with (.+))?$/,
    ([, a, b]) => `refused${(a ?? b) ? `, with ${a ?? b}` : ''}`,
  ],
  [/-j DROP|\bdrop\b/, () => 'dropped without an answer'],
  [/-j ACCEPT|\baccept\b/, () => 'accepted here: the other rules of this chain and of those that led here are skipped'],
  [/-j RETURN|\breturn\b/, () => 'goes back to the rule that led to this chain'],
  [/\bvmap @(\S+)/, ([, map]) => `goes on where map ${map} says`],
  [/\b(?:update|add) @(\S+)/, ([, set]) => `its source goes into set ${set}, by which its next connections are known`],
  [/-j MARK|--set-x?mark|\bmark set\b/, () => 'gets a mark, by which later rules know it'],
  [/\blog\b/, () => 'is written to the kernel log, and goes on'],
  [/-g (\S+)|\bgoto (\S+)/, ([, a, b]) => `goes on in chain ${a ?? b}, and does not come back`],
  [/-j (\S+)|\bjump (\S+)/, ([, a, b]) => `goes on in chain ${a ?? b}, and comes back if nothing there decides`],
];

const knownTargets: ReadonlySet<string> = new Set([
  'ACCEPT',
  'DROP',
  'REJECT',
  'RETURN',
  'DNAT',
  'SNAT',
  'MASQUERADE',
  'MARK',
  'LOG',
]);

function effectOf({ text, next }: ListedRule): string | undefined {
  const words = text
    .replace(/ ?-m comment --comment (?:"[^"]*"|\S+)/, '')
    .replace(/(?: comment)? "[^"]*"/g, '')
    .trim();
  const target = / -[jg] (\S+)/.exec(words)?.[1];
  if (words.startsWith('-A ') && target === undefined) return 'nothing but counting the packets that match';
  // Targets of other programs do what their own documents say.
  if (target !== undefined && next.length === 0 && !knownTargets.has(target)) return undefined;
  for (const [pattern, say] of effects) {
    const found = pattern.exec(words);
    if (found) return say(found);
  }
  return undefined;
}
