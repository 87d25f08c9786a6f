// A plan as the content of tables of nftables, in the words of nft: for comparisons with the kernel. Pure.
import type { TableName } from '../nftables/nft';
import type { TableChain, TablePlan } from '../nftables/table-plan';
import { guardTable } from './bridge-guard';
import type { PolicyPlan } from './model';
import { tableName } from './names';
import { renderHook, renderMapType, renderRule, renderSetType } from './render';

export const table: TableName = { family: 'inet', name: tableName };
export const bridgeTable: TableName = { family: 'bridge', name: tableName };

/** `guarded`: with the table of the bridge, which some kernels cannot have. */
export function policyTables(
  plan: PolicyPlan,
  guarded: boolean,
): readonly { readonly table: TableName; readonly plan: TablePlan }[] {
  const guard = guarded ? guardTable(plan.guard) : undefined;
  return [{ table, plan: policyTable(plan) }, ...(guard ? [{ table: bridgeTable, plan: guard }] : [])];
}

export function policyTable(plan: PolicyPlan): TablePlan {
  const chains = [...plan.chains].map(([name, { hook, rules }]): [string, TableChain] => [
    name,
    { ...(hook ? { hook: renderHook(hook) } : {}), rules: rules.map((rule) => `${renderRule(rule)}\n`).join('') },
  ]);
  return {
    chains: new Map(chains),
    sets: new Map([
      ...[...plan.sets].map(([name, set]) => [name, `set ${name} { ${renderSetType(set)} }`] as const),
      ...[...plan.maps].map(([name, { family }]) => [name, `map ${name} { ${renderMapType(family)} }`] as const),
    ]),
    elements: policyElements(plan),
  };
}

/** Set or map → key, as listings print it → the text after the key. */
export function policyElements({ sets, maps }: PolicyPlan): ReadonlyMap<string, ReadonlyMap<string, string>> {
  return new Map([
    ...[...sets].map(
      ([name, { elements }]) => [name, new Map([...elements].map((key) => [protocolNumber(key), '']))] as const,
    ),
    ...[...maps].map(
      ([name, { elements }]) =>
        [name, new Map([...elements].map(([key, verdict]) => [protocolNumber(key), ` : ${verdict}`]))] as const,
    ),
  ]);
}

/** Listings print protocols as numbers: `10.0.0.1 . 6 . 80`. */
const numbers: Readonly<Record<string, string>> = { tcp: '6', udp: '17', sctp: '132' };
const protocolNumber = (element: string): string =>
  element.replace(/ \. (tcp|udp|sctp) \. /, (_, name: string) => ` . ${numbers[name]} . `);
