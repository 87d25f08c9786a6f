// Gives every node its own /24 (by default) of the cluster's pod range. What is taken is read from the nodes themselves,
// so a restart forgets nothing and two nodes never share a range.
import type { Node } from '../../api/node';
import { type Cidr, cidrSize, cidrSubnet, cidrsOverlap, formatCidr, parseCidr } from '../../base/cidr';

export interface Assignment {
  readonly node: string;
  readonly podCidr: string;
}
export interface IpamPlan {
  readonly assign: readonly Assignment[];
  /** Nodes for which no range is left. */
  readonly exhausted: readonly string[];
}

/** `reserved`: ranges promised to nodes by writes the copy does not show yet. Nodes are served in the order of age. */
export function planPodCidrs(
  nodes: readonly Node[],
  clusterCidr: Cidr,
  maskSize: number,
  reserved: ReadonlyMap<string, string> = new Map(),
): IpamPlan {
  const known = nodes.map((node) => ({ node, cidr: node.spec?.podCIDR ?? reserved.get(node.metadata?.name ?? '') }));
  const taken = [...new Set([...known.flatMap(({ cidr }) => (cidr ? [cidr] : [])), ...reserved.values()])].flatMap(
    parseOrNone,
  );
  const waiting = known.filter(({ cidr }) => !cidr).map(({ node }) => node);
  waiting.sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1));
  const subnets = Number(cidrSize(clusterCidr) / cidrSize({ ...clusterCidr, prefix: maskSize }));
  const assign: Assignment[] = [];
  const exhausted: string[] = [];
  let index = 0;
  for (const node of waiting) {
    while (index < subnets && taken.some((range) => cidrsOverlap(range, cidrSubnet(clusterCidr, maskSize, index))))
      index++;
    const name = node.metadata?.name ?? '';
    if (index >= subnets) exhausted.push(name);
    else assign.push({ node: name, podCidr: formatCidr(cidrSubnet(clusterCidr, maskSize, index++)) });
  }
  return { assign, exhausted };
}

const ageKey = ({ metadata }: Node): string => `${metadata?.creationTimestamp ?? ''} ${metadata?.name ?? ''}`;

/** A range written by hand that cannot be read takes no place. */
function parseOrNone(text: string): Cidr[] {
  try {
    return [parseCidr(text)];
  } catch {
    return [];
  }
}
