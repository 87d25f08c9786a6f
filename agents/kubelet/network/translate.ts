// API objects as records of the data plane.
import type { Node } from '../../../controlplane/api/node';
import type { NodeLease } from '../../../dataplane/overlay/lease';

/** Undefined while the node has no InternalIP or no pod range yet. */
export function nodeLease(node: Node): NodeLease | undefined {
  const name = node.metadata?.name;
  const addresses = (node.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => address);
  const podCidrs = podCidrsOf(node);
  if (name === undefined || addresses.length === 0 || podCidrs.length === 0) return undefined;
  return { node: name, addresses, podCidrs };
}

/** The node's pod ranges: one, or one of each family. Empty until the control plane has assigned one. */
export function podCidrsOf({ spec }: Node): readonly string[] {
  const { podCIDR, podCIDRs } = spec ?? {};
  return podCIDRs?.length ? podCIDRs : podCIDR ? [podCIDR] : [];
}
