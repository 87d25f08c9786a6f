// From kube-proxy's inputs to the rules that it would write, by its own compilers. Pure.
import type { Family } from '../../controlplane/base/cidr';
import { Unavailable } from '../../controlplane/base/errors';
import type { OwnChains } from '../netfilter/plan';
import type { TableName } from '../nftables/nft';
import { compilePolicies } from '../policy/compile';
import { table as policyTable } from '../policy/table';
import { renderUpdate } from '../policy/update';
import { ServiceCompiler } from '../service/iptables/compiler';
import { NftModeCompiler } from '../service/nft/mode';
import { tableOf } from '../service/nft/names';
import { renderTransaction } from '../service/nft/transaction';
import type { FamilyInputs, PolicyInputs, RuleInputs } from './inputs';

export interface PlannedRules {
  readonly iptables: readonly { readonly family: Family; readonly chains: OwnChains }[];
  /** One transaction for an empty kernel; '' for none. */
  readonly nft: string;
}

/** All tables of nftables that kube-proxy may write and a packet may meet. The guard of bridges is not traced (dataplane/path). */
export const plannedTables: readonly TableName[] = [tableOf(4), tableOf(6), policyTable];

/** @throws Unavailable when policies need pods that were not read */
export function compileInputs({ mode, families, policies }: RuleInputs): PlannedRules {
  const services = families.map((one) => (mode === 'iptables' ? iptablesOf(one) : nftablesOf(one)));
  return {
    iptables: services.map(({ family, chains }) => ({ family, chains })),
    nft: [...services.map(({ nft }) => nft), policyText(policies)].join(''),
  };
}

function iptablesOf({ family, facts, services }: FamilyInputs) {
  const compiler = new ServiceCompiler(family, facts);
  for (const [key, input] of services) compiler.set(key, input);
  return { family, chains: compiler.take().plan, nft: '' };
}

function nftablesOf({ family, facts, services }: FamilyInputs) {
  const compiler = new NftModeCompiler(family, facts);
  for (const [key, input] of services) compiler.set(key, input);
  const { plan, dirty } = compiler.take();
  return { family, chains: plan.accept, nft: renderTransaction(tableOf(family), plan.table, dirty.table) };
}

function policyText({ pods, namespaces, ...rest }: PolicyInputs): string {
  if (rest.policies.length === 0) return '';
  if (pods === undefined || namespaces === undefined)
    throw new Unavailable('kube-proxy did not say which pods there are');
  const plan = compilePolicies({ ...rest, pods, namespaces });
  return plan ? renderUpdate(undefined, plan) : '';
}
