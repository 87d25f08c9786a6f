// Compares the plan with the kernel: which chains to write, as text for one iptables-restore. Pure.

import type { Chain, RuleSet, Table } from './model';
import { isOwnChain, type Jump, jumps, type OwnedTable, ownedTables } from './names';
import { type ChainDump, parseRule } from './parse';
import { quote } from './render';

/** Chain → its rules as text, for each table: desired or observed. */
export type OwnChains = Readonly<Record<OwnedTable, ReadonlyMap<string, string>>>;

export interface Difference {
  readonly table: OwnedTable;
  readonly chain: string;
  readonly kind: 'missing' | 'changed' | 'extra' | 'jump-missing';
}

/** Our jump rules that are missing, and our jump rules that are present but not desired. */
export interface WrongJumps {
  readonly missing: readonly Jump[];
  readonly surplus: readonly Jump[];
}

/** Our chains in a dump, and our jump rules that are missing. */
export function readOwn(dump: ChainDump): {
  chains: Record<OwnedTable, Map<string, string>>;
  missingJumps: readonly Jump[];
} {
  const own = { nat: new Map<string, string>(), filter: new Map<string, string>() };
  for (const table of ownedTables) {
    for (const [name, { text }] of dump.get(table) ?? []) if (isOwnChain(name)) own[table].set(name, text);
  }
  const missingJumps = jumps.filter(({ table, from, to }) => {
    const text = dump.get(table)?.get(from)?.text ?? '';
    return !text.includes(`${jumpRule(from, to)}\n`);
  });
  return { chains: own, missingJumps };
}

/** What the kernel holds of ours, where the jumps `wanted` are desired and all others of ours are not. */
export interface OwnState {
  readonly chains: Record<OwnedTable, Map<string, string>>;
  readonly present: readonly Jump[];
  readonly wrong: WrongJumps;
}
export function readState(dump: ChainDump, wanted: readonly Jump[]): OwnState {
  const { chains, missingJumps } = readOwn(dump);
  const present = jumps.filter((jump) => !missingJumps.includes(jump));
  // By value: `wanted` may have come from another process.
  const isWanted = ({ table, from, to }: Jump) =>
    wanted.some((jump) => jump.table === table && jump.from === from && jump.to === to);
  const missing = missingJumps.filter(isWanted);
  return { chains, present, wrong: { missing, surplus: present.filter((jump) => !isWanted(jump)) } };
}

/** All differences, of chains and of jumps. */
export function driftOf(desired: OwnChains, { chains, wrong }: Pick<OwnState, 'chains' | 'wrong'>): Difference[] {
  const drift = diffChains(desired, chains);
  for (const { table, from } of wrong.missing) drift.push({ table, chain: from, kind: 'jump-missing' });
  for (const { table, from } of wrong.surplus) drift.push({ table, chain: from, kind: 'extra' });
  return drift;
}

// -A PREROUTING -m comment --comment "k8ts: to K8TS-SERVICES" -j K8TS-SERVICES
const jumpBody = (to: string): string => `-m comment --comment ${quote(`k8ts: to ${to}`)} -j ${to}`;
export const jumpRule = (from: string, to: string): string => `-A ${from} ${jumpBody(to)}`;

/** Chains that differ: of those named in `only`, or of all. */
export function diffChains(
  desired: OwnChains,
  actual: OwnChains,
  only?: Readonly<Record<OwnedTable, ReadonlySet<string>>>,
): Difference[] {
  return ownedTables.flatMap((table) => {
    const names = only ? only[table] : new Set([...desired[table].keys(), ...actual[table].keys()]);
    return [...names].sort().flatMap((chain): Difference[] => {
      const want = desired[table].get(chain);
      const have = actual[table].get(chain);
      if (want === have) return [];
      const kind = want === undefined ? 'extra' : have === undefined ? 'missing' : 'changed';
      return [{ table, chain, kind }];
    });
  });
}

/**
 * The text for `iptables-restore --noflush`. Declaring a chain creates or empties it, so the text replaces every chain it names
 * and leaves all others alone. Chains to remove are emptied before the rules and removed after them, when no rule jumps to them
 * any more. Jump rules are put first in foreign chains. Each table is one commit.
 */
export function renderRestore(desired: OwnChains, differences: readonly Difference[], wrong: WrongJumps): string {
  let text = '';
  for (const table of ownedTables) {
    const changed = differences.filter((difference) => difference.table === table);
    const inserted = wrong.missing.filter((jump) => jump.table === table);
    const removed = wrong.surplus.filter((jump) => jump.table === table);
    if (changed.length + inserted.length + removed.length === 0) continue;
    text += `*${table}\n`;
    for (const { chain } of changed) text += `:${chain} - [0:0]\n`;
    for (const { chain } of changed) text += desired[table].get(chain) ?? '';
    for (const { from, to } of inserted) text += `-I ${from} 1 ${jumpBody(to)}\n`;
    for (const { from, to } of removed) text += `-D ${from} ${jumpBody(to)}\n`;
    for (const { chain, kind } of changed) if (kind === 'extra') text += `-X ${chain}\n`;
    text += 'COMMIT\n';
  }
  return text;
}

/** The text that removes all our chains and jumps. */
export function renderRemoval(actual: OwnChains, present: readonly Jump[]): string {
  let text = '';
  for (const table of ownedTables) {
    const names = [...actual[table].keys()].sort();
    const removed = present.filter((jump) => jump.table === table);
    if (names.length === 0 && removed.length === 0) continue;
    text += `*${table}\n`;
    for (const name of names) text += `:${name} - [0:0]\n`;
    for (const { from, to } of removed) text += `-D ${from} ${jumpBody(to)}\n`;
    for (const name of names) text += `-X ${name}\n`;
    text += 'COMMIT\n';
  }
  return text;
}

/** What the kernel would evaluate if it held these chains and no foreign rules: for the tracer. */
export function ruleSetOf(own: OwnChains): RuleSet {
  const tables = new Map<Table, Map<string, Chain>>();
  for (const table of ownedTables) {
    const set = new Map<string, Chain>();
    for (const { from, to } of jumps.filter((jump) => jump.table === table)) {
      set.set(from, { name: from, policy: 'ACCEPT', rules: [parseRule(jumpRule(from, to))] });
    }
    for (const [name, text] of own[table]) {
      set.set(name, { name, rules: text === '' ? [] : text.trimEnd().split('\n').map(parseRule) });
    }
    tables.set(table, set);
  }
  return tables;
}
