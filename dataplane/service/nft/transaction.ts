// Renders plan and changes as one transaction for `nft -f`. Pure.
import type { TableName } from '../../nftables/nft';
import { elementCommands } from '../../nftables/text';
import type { NftChanges, NftPlan } from './model';

/**
 * The kernel processes the lines one by one, and none takes effect before the last. The order: declarations, because rules and
 * elements name chains; deleted elements, because a chain can only be deleted when nothing leads to it; changed chains, emptied
 * and written again (packets never see the empty chain); at last, chains and sets that are no longer named. '' when nothing
 * differs.
 */
export function renderTransaction(table: TableName, plan: NftPlan, changes: NftChanges): string {
  const name = `${table.family} ${table.name}`;
  let text = '';
  const added = [...changes.chains].filter(([chain, old]) => old === undefined && plan.chains.has(chain));
  for (const [set, old] of changes.sets) if (old === undefined) text += declareSet(name, plan.sets.get(set)!);
  for (const [chain] of added) text += declareChain(name, chain, plan.chains.get(chain)!.hook);
  for (const [set, changed] of changes.elements) {
    const gone = [...changed].filter(([, old]) => old !== undefined).map(([key]) => key);
    text += elementCommands('delete', name, set, gone);
  }
  for (const [chain, old] of changes.chains) if (old !== undefined) text += `flush chain ${name} ${chain}\n`;
  for (const [chain] of changes.chains) text += addRules(name, chain, plan.chains.get(chain)?.rules ?? '');
  for (const [set, changed] of changes.elements) {
    const desired = plan.elements.get(set);
    const elements = [...changed.keys()].filter((key) => desired?.has(key)).map((key) => `${key}${desired!.get(key)}`);
    text += elementCommands('add', name, set, elements);
  }
  for (const [chain, old] of changes.chains) {
    if (old !== undefined && !plan.chains.has(chain)) text += `delete chain ${name} ${chain}\n`;
  }
  for (const [set, old] of changes.sets) {
    if (old !== undefined && !plan.sets.has(set)) text += `delete set ${name} ${set}\n`;
  }
  return text === '' ? '' : `add table ${name}\n${text}`;
}

/** The plan without its elements, as a dormant table of another name: shows how nft prints the plan. */
export function renderStructure(table: TableName, plan: NftPlan): string {
  const name = `${table.family} ${table.name}`;
  let text = `add table ${name} { flags dormant; }\n`;
  for (const declaration of plan.sets.values()) text += declareSet(name, declaration);
  for (const [chain, { hook }] of plan.chains) text += declareChain(name, chain, hook);
  for (const [chain, { rules }] of plan.chains) text += addRules(name, chain, rules);
  return text;
}

// map services { … }  ->  add map ip k8ts services { … }
const declareSet = (table: string, declaration: string): string => `add ${declaration.replace(' ', ` ${table} `)}\n`;

const declareChain = (table: string, chain: string, hook: string | undefined): string =>
  `add chain ${table} ${chain}${hook === undefined ? '' : ` { ${hook} }`}\n`;

function addRules(table: string, chain: string, rules: string): string {
  return rules.replace(/^(?=.)/gm, `add rule ${table} ${chain} `);
}
