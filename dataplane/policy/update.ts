// From one plan to the next in one transaction: only differences, set elements one by one. Pure; sorted, so that equal plans give
// equal bytes.
import { elementCommands } from '../nftables/text';
import type { PolicyPlan } from './model';
import { tableName } from './names';
import { renderHook, renderMapType, renderRule, renderSetType } from './render';

const table = `inet ${tableName}`;

/** Removes the table; succeeds also when there is none. */
export const removal = (): string => `add table ${table}\ndelete table ${table}\n`;

/**
 * Text for `nft -f -`, '' when nothing differs. Without `from` the text replaces whatever the kernel holds. The kernel commits
 * a transaction atomically, so every packet meets the old rules or the new ones.
 */
export function renderUpdate(from: PolicyPlan | undefined, to: PolicyPlan): string {
  const before: PolicyPlan = from ?? { chains: new Map(), sets: new Map(), maps: new Map(), guard: '' };
  const text = [
    ...declarations(before, to),
    ...changedChains(before, to),
    // Elements name chains: they change after new chains are declared and before old chains are deleted.
    ...elementChanges(before, to),
    ...removals(before, to),
  ].join('');
  return from ? text : `${removal()}add table ${table}\n${text}`;
}

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
const missingFrom = <T>(other: ReadonlyMap<string, unknown>, map: ReadonlyMap<string, T>): [string, T][] =>
  sorted(map).filter(([name]) => !other.has(name));

function declarations(from: PolicyPlan, to: PolicyPlan): string[] {
  return [
    ...missingFrom(from.chains, to.chains).map(
      ([name, { hook }]) => `add chain ${table} ${name}${hook ? ` { ${renderHook(hook)} }` : ''}\n`,
    ),
    ...missingFrom(from.sets, to.sets).map(([name, set]) => `add set ${table} ${name} { ${renderSetType(set)} }\n`),
    ...missingFrom(from.maps, to.maps).map(
      ([name, map]) => `add map ${table} ${name} { ${renderMapType(map.family)} }\n`,
    ),
  ];
}

function changedChains(from: PolicyPlan, to: PolicyPlan): string[] {
  return sorted(to.chains).flatMap(([name, chain]) => {
    const old = from.chains.get(name);
    const rules = chain.rules.map(renderRule);
    if (old && old.rules.map(renderRule).join('\n') === rules.join('\n')) return [];
    return [
      ...(old ? [`flush chain ${table} ${name}\n`] : []),
      ...rules.map((rule) => `add rule ${table} ${name} ${rule}\n`),
    ];
  });
}

function elementChanges(from: PolicyPlan, to: PolicyPlan): string[] {
  const lines: string[] = [];
  const change = (verb: 'add' | 'delete', name: string, elements: readonly string[]) =>
    lines.push(elementCommands(verb, table, name, [...elements].sort()));
  for (const [name, { elements }] of sorted(to.sets)) {
    const old = from.sets.get(name)?.elements ?? new Set<string>();
    if (old === elements) continue;
    change(
      'delete',
      name,
      [...old].filter((element) => !elements.has(element)),
    );
    change(
      'add',
      name,
      [...elements].filter((element) => !old.has(element)),
    );
  }
  for (const [name, { elements }] of sorted(to.maps)) {
    const old = from.maps.get(name)?.elements ?? new Map<string, string>();
    const differs = ([key, verdict]: readonly [string, string]) => old.get(key) !== verdict;
    change(
      'delete',
      name,
      [...old.keys()].filter((key) => elements.get(key) !== old.get(key)),
    );
    change(
      'add',
      name,
      [...elements].filter(differs).map(([key, verdict]) => `${key} : ${verdict}`),
    );
  }
  return lines;
}

/** A chain can be deleted when no rule names it any more: all chains are emptied first. */
function removals(from: PolicyPlan, to: PolicyPlan): string[] {
  const chains = missingFrom(to.chains, from.chains).map(([name]) => name);
  return [
    ...chains.map((name) => `flush chain ${table} ${name}\n`),
    ...chains.map((name) => `delete chain ${table} ${name}\n`),
    ...missingFrom(to.maps, from.maps).map(([name]) => `delete map ${table} ${name}\n`),
    ...missingFrom(to.sets, from.sets).map(([name]) => `delete set ${table} ${name}\n`),
  ];
}
