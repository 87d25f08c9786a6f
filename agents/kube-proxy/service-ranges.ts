// The ranges in which an address without a Service leads nowhere: those of option --service-cidr and those of further ServiceCIDRs. Pure.
import { type ServiceCIDR, serviceCidrRanges } from '../../controlplane/api';
import {
  type Cidr,
  cidrContains,
  cidrsOverlap,
  formatCidr,
  parseAddress,
  parseCidr,
} from '../../controlplane/base/cidr';
import type { Family } from '../../dataplane/netfilter/model';

export interface Around {
  readonly family: Family;
  /** From the option; empty: packets are dropped in no range. */
  readonly configured: readonly string[];
  readonly clusterCidr: string;
  /** Addresses of this node. */
  readonly addresses: readonly string[];
}

/**
 * The configured ranges first, then further ones in order. A range with pods or with this node is left out: a mistake in a ServiceCIDR must not
 * cut the node off. So is one inside another.
 */
export function serviceRanges(cidrs: readonly ServiceCIDR[], around: Around): readonly string[] {
  const { family, configured, clusterCidr, addresses } = around;
  if (configured.length === 0) return configured;
  const own = configured.map(parseCidr);
  const isHarmless = (range: Cidr) =>
    !cidrsOverlap(range, parseCidr(clusterCidr)) &&
    !addresses.some((address) => cidrContains(range, parseAddress(address)));
  const further = cidrs.flatMap(serviceCidrRanges).filter((range) => range.family === family && isHarmless(range));
  further.sort((a, b) => a.prefix - b.prefix || (a.base < b.base ? -1 : a.base > b.base ? 1 : 0));
  const all = [...own];
  for (const range of further) if (!all.some((other) => covers(other, range))) all.push(range);
  return all.map(formatCidr);
}

const covers = (outer: Cidr, inner: Cidr): boolean =>
  outer.prefix <= inner.prefix && cidrContains(outer, { family: inner.family, value: inner.base });
