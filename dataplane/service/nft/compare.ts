// Compares the kernel with the plan: what to write, and what to report. Pure.
import type { DriftItem } from '../../netfilter/writer';
import {
  diffElements,
  diffParts,
  type ElementDifference,
  elementTexts,
  type PartDifference,
} from '../../nftables/differences';
import type { NftTable } from '../../nftables/listing';
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
  /** The same differences as `drift`, with both texts. */
  readonly parts: readonly PartDifference[];
  readonly elements: readonly ElementDifference[];
  /** An object under our name cannot be changed in place, such as a set of another type: the table must be created again. */
  readonly replace: boolean;
}

/** The first line of a base chain. Only deleting and creating the chain can change it. */
const hookOf = (body: string | undefined): string => /^\t\ttype .*\n/.exec(body ?? '')?.[0] ?? '';

export function compare(table: string, plan: NftPlan, { actual, desired, elements }: Observed): Comparison {
  const parts = diffParts(desired, actual);
  const chains = new Map<string, unknown>();
  const sets = new Map<string, unknown>();
  let replace = false;
  const drift = parts.map(({ part, kind, desired: want, actual: have }): DriftItem => {
    const [what, name] = part.split(' ') as [string, string];
    (what === 'chain' ? chains : sets).set(name, have);
    if (want !== undefined && have !== undefined && (what !== 'chain' || hookOf(want) !== hookOf(have))) replace = true;
    return { table, chain: what === 'chain' ? name : part, kind };
  });
  const changed = new Map<string, ReadonlyMap<string, unknown>>();
  const different: ElementDifference[] = [];
  for (const [set, want] of plan.elements) {
    const here = diffElements(set, want, elementTexts(elements, set));
    for (const { key, kind } of here) drift.push({ table, chain: `${set} ${key}`, kind });
    for (const one of here) different.push(one);
    changed.set(set, new Map(here.map(({ key, actual: have }) => [key, have])));
  }
  return { changes: { chains, sets, elements: changed }, drift, parts, elements: different, replace };
}
