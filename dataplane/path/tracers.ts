// A tracer over the rules of a node: from the plans of this project, or from what the kernel lists. Pure.
import type { Family } from '../../controlplane/base/cidr';
import { parseDump } from '../netfilter/parse';
import { type OwnChains, ruleSetOf } from '../netfilter/plan';
import type { Evaluator } from './evaluator';
import { Tracer } from './hooks';
import { IptablesEvaluator } from './iptables/evaluator';
import { NftEvaluator } from './nft/evaluator';
import { readListing } from './nft/listing';
import { NftTables } from './nft/tables';

export interface RulesOfNode {
  /** Chains of the iptables mode, and the jumps that lead to them. */
  readonly iptables?: { readonly family: Family; readonly chains: OwnChains };
  /** Transactions as they are given to nft, in their order. */
  readonly nft?: readonly string[];
}

/** The rules that this node is to have. */
export function tracerOfPlans({ iptables, nft = [] }: RulesOfNode): Tracer {
  const tables = new NftTables();
  for (const transaction of nft) tables.apply(transaction);
  return tracerOf(
    iptables ? [new IptablesEvaluator(ruleSetOf(iptables.chains), iptables.family)] : [],
    tables.all.map((table) => new NftEvaluator(table)),
  );
}

export interface ListingsOfNode {
  /** What iptables-save and ip6tables-save print. */
  readonly iptables?: readonly { readonly family: Family; readonly dump: string }[];
  /** What `nft -n -s list ruleset` prints. */
  readonly nft?: string;
}

/** The rules that the kernel holds, those of other programs too. @throws Unsupported, BadRequest where a listing cannot be read */
export function tracerOfListings({ iptables = [], nft = '' }: ListingsOfNode): Tracer {
  return tracerOf(
    iptables.map(({ family, dump }) => new IptablesEvaluator(parseDump(dump), family)),
    readListing(nft).map((table) => new NftEvaluator(table)),
  );
}

const tracerOf = (iptables: readonly Evaluator[], nft: readonly Evaluator[]): Tracer =>
  new Tracer([...iptables, ...nft]);
