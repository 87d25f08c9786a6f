// The desired content of a table of nftables, as text in nft's language.

export interface TableChain {
  /** Only for base chains: `type nat hook prerouting priority -100; policy accept;`. */
  readonly hook?: string;
  /** One rule per line, each with its line end. */
  readonly rules: string;
}
/** The text after the key of an element: ` comment "shop/web:http" : goto cluster-2`, or ''. */
export type ElementRest = string;

export interface TablePlan {
  readonly chains: ReadonlyMap<string, TableChain>;
  /** Sets and maps: `map services { type …; }`. A declaration never changes: names contain what may differ. */
  readonly sets: ReadonlyMap<string, string>;
  /** Elements by set or map, without sets that the kernel fills (client affinity). */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, ElementRest>>;
}
