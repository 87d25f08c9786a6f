// Which pod ranges each node gets: the first free subnet of each cluster range. The nodes themselves show which ranges are in use, so a
// restart loses nothing and two nodes never share a range.
import type { Node } from '../../api/node';
import { type Cidr, cidrSize, cidrSubnet, cidrsOverlap, formatCidr, parseCidr } from '../../base/cidr';

/** A range of the cluster and the length of the parts that nodes get. */
export interface PodRange {
  readonly cidr: Cidr;
  readonly nodePrefix: number;
}
export interface Assignment {
  readonly node: string;
  /** One per cluster range, in their order; the first is spec.podCIDR. */
  readonly podCidrs: readonly string[];
}
export interface IpamPlan {
  readonly assign: readonly Assignment[];
  /** Nodes for which a range has no subnet left. */
  readonly exhausted: readonly string[];
}

/**
 * `reserved`: ranges assigned by writes that the copy does not show yet. Older nodes get ranges first. A node with ranges keeps them:
 * podCIDRs cannot change, so a cluster becomes dual-stack node by node.
 */
export function planPodCidrs(
  nodes: readonly Node[],
  ranges: readonly PodRange[],
  reserved: ReadonlyMap<string, readonly string[]> = new Map(),
): IpamPlan {
  const held = (node: Node) => podCidrsOf(node) ?? reserved.get(node.metadata?.name ?? '');
  const taken = [...nodes.flatMap((node) => podCidrsOf(node) ?? []), ...[...reserved.values()].flat()].flatMap(
    parseOrNone,
  );
  const free = ranges.map((range) => subnets(range, taken));
  const waiting = nodes.filter((node) => !held(node)).sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1));
  const assign: Assignment[] = [];
  const exhausted: string[] = [];
  for (const node of waiting) {
    const name = node.metadata?.name ?? '';
    const podCidrs = free.map((range) => range.next().value);
    if (podCidrs.every((cidr) => cidr !== undefined)) assign.push({ node: name, podCidrs });
    else exhausted.push(name);
  }
  return { assign, exhausted };
}

/** The free subnets in order. */
function* subnets({ cidr, nodePrefix }: PodRange, taken: readonly Cidr[]): Generator<string, undefined> {
  const count = cidrSize(cidr) / cidrSize({ ...cidr, prefix: nodePrefix });
  for (let index = 0; BigInt(index) < count; index++) {
    const subnet = cidrSubnet(cidr, nodePrefix, index);
    if (!taken.some((range) => cidrsOverlap(range, subnet))) yield formatCidr(subnet);
  }
  return undefined;
}

export function podCidrsOf({ spec }: Node): readonly string[] | undefined {
  if (spec?.podCIDRs?.length) return spec.podCIDRs;
  return spec?.podCIDR ? [spec.podCIDR] : undefined;
}

const ageKey = ({ metadata }: Node): string => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;

/** A range written by hand that cannot be parsed uses no addresses. */
function parseOrNone(text: string): Cidr[] {
  try {
    return [parseCidr(text)];
  } catch {
    return [];
  }
}
