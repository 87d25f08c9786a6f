// What the nftables mode puts into its table, as text in nft's language, and what of it changed.

export interface NftChain {
  /** Base chains alone: `type nat hook prerouting priority -100; policy accept;`. */
  readonly hook?: string;
  /** One rule per line, each with its line end. */
  readonly rules: string;
}
/** What stands behind the key of an element: ` comment "shop/web:http" : goto cluster-2`, or nothing. */
export type ElementRest = string;
/** Set or map, key of the element, the rest of it. */
export type Element = readonly [set: string, key: string, rest: ElementRest];

export interface NftPlan {
  readonly chains: ReadonlyMap<string, NftChain>;
  /** Sets and maps: `map services { type …; }`. A declaration never changes: names contain what may differ. */
  readonly sets: ReadonlyMap<string, string>;
  /** By set or map; those the kernel fills (client affinity) are not here. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, ElementRest>>;
}

/** What differs from the plan, as it was before; undefined: it was not there. What the plan has no more is to be removed. */
export interface NftChanges {
  readonly chains: ReadonlyMap<string, unknown>;
  readonly sets: ReadonlyMap<string, unknown>;
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
}

export const countChanges = ({ chains, sets, elements }: NftChanges): number =>
  [...elements.values()].reduce((sum, changed) => sum + changed.size, chains.size + sets.size);
