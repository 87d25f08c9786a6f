// What a writer wants in the kernel, in whatever language: for those who show it.
import type { TableName } from '../nftables/nft';
import type { TablePlan } from '../nftables/table-plan';
import type { Mode } from './backend';
import type { Jump } from './names';
import type { OwnChains } from './plan';

/** The maps are those of the compiler, not copies: its next change changes them. */
export interface DesiredRules {
  readonly iptables: readonly {
    readonly backend: Mode;
    /** All other jumps of ours are not desired. */
    readonly jumps: readonly Jump[];
    readonly chains: OwnChains;
  }[];
  readonly nft: readonly { readonly table: TableName; readonly plan: TablePlan }[];
}
