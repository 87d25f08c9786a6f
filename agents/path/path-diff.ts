// Two plans of one path, hop by hop: where they differ, and by which rules. Pure.
import type { HopRule } from '../../controlplane/base/hops';
import type { HopChange, LocatedHop } from '../../controlplane/base/path-report';

/** Further differences follow from these. */
const maxChanges = 12;

export function diffHops(before: readonly LocatedHop[], after: readonly LocatedHop[]): readonly HopChange[] {
  const pairs = aligned(before, after);
  const last = pairs.findLastIndex(([b, a]) => b !== undefined && a !== undefined);
  const ends = { before: stopsIn(before), after: stopsIn(after) };
  const changes: HopChange[] = [];
  for (const [i, [b, a]] of pairs.entries()) {
    // What lies behind a stop is not there for this reason alone.
    if (i > last && ((a === undefined && ends.after) || (b === undefined && ends.before))) continue;
    const was = b === undefined ? undefined : before[b]!;
    const is = a === undefined ? undefined : after[a]!;
    if (was && is && isSame(was, is)) continue;
    const { gone, appear } = diffRules(was?.rules ?? [], is?.rules ?? []);
    changes.push({
      ...(b === undefined ? {} : { before: b }),
      ...(a === undefined ? {} : { after: a }),
      rulesGone: gone,
      rulesNew: appear,
    });
  }
  return changes.slice(0, maxChanges);
}

const stopsIn = (hops: readonly LocatedHop[]): boolean => hops.some(({ state }) => state === 'stops');

const keyOf = ({ leg, node = '', kind, name }: LocatedHop): string => JSON.stringify([leg, node, kind, name]);

/** Only the facts of these hops are compared: they come from objects. Facts of other hops, such as a neighbour's state, change by themselves. */
const aboutObjects: ReadonlySet<string> = new Set(['name', 'choice', 'proxy']);

function isSame(a: LocatedHop, b: LocatedHop): boolean {
  const essence = ({ state, fault, becomes, rules = [], kind, facts }: LocatedHop) =>
    JSON.stringify([state, fault?.code, becomes, rules.map(ruleId), aboutObjects.has(kind) ? facts : []]);
  return essence(a) === essence(b);
}

/** Without the number of its line, which moves with other rules. */
const ruleId = ({ place, rule }: HopRule): string => `${place.replace(/:\d+$/, '')} ${rule}`;

function diffRules(before: readonly HopRule[], after: readonly HopRule[]) {
  const without = (rules: readonly HopRule[], others: readonly HopRule[]) => {
    const known = new Set(others.map(ruleId));
    return rules.filter((rule) => !known.has(ruleId(rule)));
  };
  return { gone: without(before, after), appear: without(after, before) };
}

type Pair = readonly [before: number | undefined, after: number | undefined];

/** The longest common way; other hops stand alone, in order. */
function aligned(before: readonly LocatedHop[], after: readonly LocatedHop[]): readonly Pair[] {
  const b = before.map(keyOf);
  const a = after.map(keyOf);
  const lengths = Array.from({ length: b.length + 1 }, () => new Array<number>(a.length + 1).fill(0));
  for (let i = b.length - 1; i >= 0; i--)
    for (let j = a.length - 1; j >= 0; j--)
      lengths[i]![j] = b[i] === a[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const pairs: Pair[] = [];
  let i = 0;
  let j = 0;
  while (i < b.length || j < a.length) {
    if (i < b.length && j < a.length && b[i] === a[j]) pairs.push([i++, j++]);
    else if (j >= a.length || (i < b.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!))
      pairs.push([i++, undefined]);
    else pairs.push([undefined, j++]);
  }
  return pairs;
}
