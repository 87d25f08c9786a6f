// Compares the kernel with the plan: what to write, and what to report. Pure.
import type { DriftItem } from '../../netfilter/writer';
import type { NftTable } from '../../nftables/listing';
import { comment } from '../../nftables/text';
import type { NftChanges, NftPlan } from './model';

/** A table in the kernel, and the plan as nft would print it. */
export interface Observed {
  readonly actual: ReadonlyMap<string, string>;
  readonly desired: ReadonlyMap<string, string>;
  readonly elements: NftTable;
}
export interface Comparison {
  readonly changes: NftChanges;
  readonly drift: readonly DriftItem[];
  /** An object under our name cannot be changed in place, such as a set of another type: the table must be created again. */
  readonly replace: boolean;
}

/** The first line of a base chain. Only deleting and creating the chain can change it. */
const hookOf = (body: string | undefined): string => /^\t\ttype .*\n/.exec(body ?? '')?.[0] ?? '';

export function compare(table: string, plan: NftPlan, { actual, desired, elements }: Observed): Comparison {
  const drift: DriftItem[] = [];
  const differing = [...new Set([...desired.keys(), ...actual.keys()])].filter(
    (part) => desired.get(part) !== actual.get(part),
  );
  const report = (chain: string, want: unknown, have: unknown) =>
    drift.push({ table, chain, kind: have === undefined ? 'missing' : want === undefined ? 'extra' : 'changed' });
  const chains = new Map<string, unknown>();
  const sets = new Map<string, unknown>();
  let replace = false;
  for (const part of differing.sort()) {
    const [kind, name] = part.split(' ') as [string, string];
    const [want, have] = [desired.get(part), actual.get(part)];
    (kind === 'chain' ? chains : sets).set(name, have);
    report(kind === 'chain' ? name : part, want, have);
    if (want === undefined || have === undefined) continue;
    if (kind !== 'chain' || hookOf(want) !== hookOf(have)) replace = true;
  }
  const changed = new Map<string, ReadonlyMap<string, unknown>>();
  for (const [set, want] of plan.elements) {
    const have = elementTexts(elements, set);
    const different = new Map<string, unknown>();
    for (const key of new Set([...want.keys(), ...have.keys()])) {
      if (want.get(key) === have.get(key)) continue;
      different.set(key, have.get(key));
      report(`${set} ${key}`, want.get(key), have.get(key));
    }
    changed.set(set, different);
  }
  return { changes: { chains, sets, elements: changed }, drift, replace };
}

function elementTexts({ sets }: NftTable, name: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [key, { value, comment: words }] of sets.get(name) ?? []) {
    texts.set(key, `${words === undefined ? '' : ` ${comment(words)}`}${value === undefined ? '' : ` : ${value}`}`);
  }
  return texts;
}
