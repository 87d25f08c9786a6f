// The rules that the nftables mode still needs in iptables. A verdict `accept` in our table does not keep foreign chains from
// dropping the packet. Where a host has policy DROP in FORWARD or INPUT (Docker sets the first, many administrators the second),
// only a rule in that same chain lets pods and health checks through. Pure; a handful of rules, whatever Services exist.
import type { Family } from '../../../controlplane/base/cidr';
import { chains, jumps, type OwnedTable } from '../../netfilter/names';
import type { OwnChains } from '../../netfilter/plan';
import { renderChain } from '../../netfilter/render';
import type { NodeFacts, ServiceInput } from '../input';
import { canary, forward, healthCheckRules } from '../iptables/base-chains';

/** The jumps from foreign chains to these chains. */
export const acceptJumps = jumps.filter(({ to }) => to === chains.forward || to === chains.input);

export function acceptChains(facts: NodeFacts, services: Iterable<ServiceInput>, family: Family): OwnChains {
  const filter = [
    [chains.canary, [canary]],
    [chains.forward, forward(facts)],
    [chains.input, healthCheckRules(services)],
  ] as const;
  return {
    nat: new Map(),
    filter: new Map(filter.map(([name, rules]) => [name, renderChain(name, rules, family)])),
  };
}

export function changedChains(
  before: OwnChains | undefined,
  after: OwnChains,
): Record<OwnedTable, ReadonlySet<string>> {
  const names = [...after.filter.keys()].filter((name) => before?.filter.get(name) !== after.filter.get(name));
  return { nat: new Set(), filter: new Set(names) };
}
