// Compares the desired rules with the kernel. Whether a chain, a jump, a part of a table or an element differs, the code decides that also
// repairs (netfilter/plan.ts, nftables/differences.ts); here it is reported rule by rule. Pure.
import type { Family } from '../../controlplane/base/cidr';
import type { Mode } from '../netfilter/backend';
import { jumps as allJumps, type Jump, ownedTables } from '../netfilter/names';
import { type ChainDump, splitDump } from '../netfilter/parse';
import { driftOf, jumpRule, type OwnChains, readState } from '../netfilter/plan';
import { diffElements, diffParts, elementTexts, type PartDifference } from '../nftables/differences';
import type { NftTable } from '../nftables/listing';
import { tableParts } from '../nftables/structure';
import type { TablePlan } from '../nftables/table-plan';
import { type Difference, maxNamed, programOf } from './difference';
import type { DesiredPart } from './document';
import { changedLines } from './line-changes';
import { objectsOfElement, objectsOfIptables, objectsOfNft } from './objects';

/** What one back end of iptables lists. */
export interface IptablesDump {
  readonly family: Family;
  readonly backend: Mode;
  readonly dump: string;
}

/** A table of ours, as nft prints it. */
export interface ObservedTable {
  /** `ip k8ts`. */
  readonly label: string;
  /** Without elements; undefined: not in the kernel. */
  readonly actual: string | undefined;
  readonly elements: NftTable;
  /** The plan as nft prints it; undefined: no such table is desired. */
  readonly desired: { readonly plan: TablePlan; readonly printed: string } | undefined;
}

const nothing: OwnChains = { nat: new Map(), filter: new Map() };

/** Of each back end and family: where nothing is desired, all that is ours is one too many. */
export function compareIptables(
  dumps: readonly IptablesDump[],
  desired: DesiredPart['iptables'],
): readonly Difference[] {
  return dumps.flatMap(({ family, backend, dump }) => {
    const wanted = desired.find((one) => one.family === family && one.backend === backend);
    return compareDump({ family, backend }, splitDump(dump), wanted ?? { jumps: [], chains: nothing });
  });
}

function compareDump(
  { family, backend }: Pick<IptablesDump, 'family' | 'backend'>,
  dump: ChainDump,
  { jumps, chains }: { readonly jumps: readonly Jump[]; readonly chains: OwnChains },
): readonly Difference[] {
  const state = readState(dump, jumps);
  const jumpsFrom = (table: string, from: string) =>
    allJumps.filter((jump) => jump.table === table && jump.from === from).map(({ to }) => jumpRule(from, to));
  return driftOf(chains, state).flatMap(({ table, chain, kind }): readonly Difference[] => {
    const place = { program: programOf(family), backend, table, chain } as const;
    const isForeign = !chains[table].has(chain) && !state.chains[table].has(chain);
    if (isForeign) {
      const isMissing = kind === 'jump-missing';
      return jumpsFrom(table, chain).map((rule) => ({
        ...place,
        what: 'jump',
        kind: isMissing ? 'missing' : 'extra',
        ...(isMissing ? { desired: rule } : { actual: rule }),
        objects: [],
      }));
    }
    const [want, have] = [chains[table].get(chain), state.chains[table].get(chain)];
    return chainDifferences(place, want, have, objectsOfIptables);
  });
}

type Place = Pick<Difference, 'program' | 'backend' | 'table' | 'chain'>;
type ObjectsOf = (lines: readonly string[]) => Difference['objects'];

/** A chain that is missing or not desired is one difference; in a chain that differs, each rule. */
function chainDifferences(
  place: Place,
  desired: string | undefined,
  actual: string | undefined,
  objectsOf: ObjectsOf,
): readonly Difference[] {
  if (desired === undefined || actual === undefined) {
    const text = desired ?? actual ?? '';
    const lines = linesOf(text);
    return [
      {
        ...place,
        what: 'chain',
        kind: actual === undefined ? 'missing' : 'extra',
        size: lines.filter((line) => !isHook(line)).length,
        ...(actual === undefined ? { desired: text } : { actual: text }),
        objects: objectsOf(lines),
      },
    ];
  }
  const [want, have] = [hookAndRules(desired), hookAndRules(actual)];
  const rules = changedLines(want.rules, have.rules).map(
    (change): Difference => ({
      ...place,
      what: 'rule',
      ...change,
      objects: firstNotEmpty(objectsOf([change.desired ?? '']), () => objectsOf([change.actual ?? ''])),
    }),
  );
  if (want.hook === have.hook) return rules;
  return [{ ...place, what: 'chain', kind: 'changed', desired: want.hook, actual: have.hook, objects: [] }, ...rules];
}

/** nft prints the hook of a base chain, with its priority and policy, before the rules. */
function hookAndRules(text: string): { readonly hook: string; readonly rules: readonly string[] } {
  const lines = linesOf(text);
  const hook = lines[0] !== undefined && isHook(lines[0]) ? lines[0] : '';
  return { hook, rules: hook === '' ? lines : lines.slice(1) };
}

const firstNotEmpty = <T>(first: readonly T[], second: () => readonly T[]): readonly T[] =>
  first.length > 0 ? first : second();

const linesOf = (text: string): readonly string[] => text.split('\n').flatMap((line) => line.trim() || []);

export function compareTable({ label, actual, elements, desired }: ObservedTable): readonly Difference[] {
  const place = { program: 'nft', table: label } as const;
  const objectsOf: ObjectsOf = (lines) => objectsOfNft(label, lines);
  const parts = tableParts(actual ?? '');
  if (desired === undefined) {
    if (actual === undefined) return [];
    return [{ ...place, what: 'table', kind: 'extra', size: parts.size, objects: [] }];
  }
  const { plan } = desired;
  if (actual === undefined) {
    const size = plan.chains.size + plan.sets.size;
    return [{ ...place, what: 'table', kind: 'missing', size, objects: [] }];
  }
  const inParts = diffParts(tableParts(desired.printed), parts).flatMap((part) =>
    partDifferences(place, part, objectsOf),
  );
  const seen = { missing: 0, extra: 0, changed: 0 };
  const inElements = [...plan.elements].flatMap(([set, wanted]) =>
    diffElements(set, wanted, elementTexts(elements, set)).map((one): Difference => {
      // The look-up reads the whole plan, so it is only for those that are shown.
      const isNamed = ++seen[one.kind] <= maxNamed;
      const text = (rest: string | undefined) => (rest === undefined ? undefined : `${one.key}${rest}`);
      const [want, have] = [text(one.desired), text(one.actual)];
      return {
        ...place,
        what: 'element',
        kind: one.kind,
        chain: set,
        ...(want === undefined ? {} : { desired: want }),
        ...(have === undefined ? {} : { actual: have }),
        objects: isNamed ? objectsOfElement(label, plan, { set, key: one.key, text: want ?? have! }) : [],
      };
    }),
  );
  return [...inParts, ...inElements];
}

function partDifferences(place: Place, { part, kind, desired, actual }: PartDifference, objectsOf: ObjectsOf) {
  const [what, name] = part.split(' ') as [string, string];
  if (what === 'chain') return chainDifferences({ ...place, chain: name }, desired, actual, objectsOf);
  const set: Difference = {
    ...place,
    what: 'set',
    kind,
    chain: name,
    ...(desired === undefined ? {} : { desired: linesOf(desired).join(' ') }),
    ...(actual === undefined ? {} : { actual: linesOf(actual).join(' ') }),
    objects: [],
  };
  return [set];
}

/** What the kernel holds of ours, where nothing desired is known. */
export interface OwnRules {
  readonly program: Difference['program'];
  readonly backend?: Mode;
  readonly table: string;
  readonly chains: number;
  readonly rules: number;
}

export function ownRules(dumps: readonly IptablesDump[], tables: readonly ObservedTable[]): readonly OwnRules[] {
  const inDumps = dumps.flatMap(({ family, backend, dump }) => {
    const { chains } = readState(splitDump(dump), []);
    return ownedTables.map((table) => {
      const texts = [...chains[table].values()];
      const rules = texts.reduce((sum, text) => sum + linesOf(text).length, 0);
      return { program: programOf(family), backend, table, chains: texts.length, rules };
    });
  });
  const inTables = tables.map(({ label, actual }) => {
    const chains = [...tableParts(actual ?? '')].filter(([part]) => part.startsWith('chain '));
    const rules = chains.reduce((sum, [, body]) => sum + linesOf(body).filter((line) => !isHook(line)).length, 0);
    return { program: 'nft' as const, table: label, chains: chains.length, rules };
  });
  return [...inDumps, ...inTables].filter(({ chains }) => chains > 0);
}

const isHook = (line: string): boolean => /^type \S+ hook /.test(line);
