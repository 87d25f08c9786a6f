// The content of the nftables table as text in nft's language, and its changes.

import type { ElementRest, TableChain, TablePlan } from '../../nftables/table-plan';

export type NftChain = TableChain;
export type { ElementRest };
/** Set or map, key of the element, the text after the key. */
export type Element = readonly [set: string, key: string, rest: ElementRest];

export type NftPlan = TablePlan;

/**
 * Objects that differ from the plan, with their earlier value; undefined: the object did not exist. An object that is no longer
 * in the plan is removed.
 */
export interface NftChanges {
  readonly chains: ReadonlyMap<string, unknown>;
  readonly sets: ReadonlyMap<string, unknown>;
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
}

export const countChanges = ({ chains, sets, elements }: NftChanges): number =>
  [...elements.values()].reduce((sum, changed) => sum + changed.size, chains.size + sets.size);
