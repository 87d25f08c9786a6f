// The content of the nftables table as text in nft's language, and its changes.

export interface NftChain {
  /** Only for base chains: `type nat hook prerouting priority -100; policy accept;`. */
  readonly hook?: string;
  /** One rule per line, each with its line end. */
  readonly rules: string;
}
/** The text after the key of an element: ` comment "shop/web:http" : goto cluster-2`, or ''. */
export type ElementRest = string;
/** Set or map, key of the element, the text after the key. */
export type Element = readonly [set: string, key: string, rest: ElementRest];

export interface NftPlan {
  readonly chains: ReadonlyMap<string, NftChain>;
  /** Sets and maps: `map services { type …; }`. A declaration never changes: names contain what may differ. */
  readonly sets: ReadonlyMap<string, string>;
  /** Elements by set or map, without sets that the kernel fills (client affinity). */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, ElementRest>>;
}

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
