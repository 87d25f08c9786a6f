// API objects as records of the data plane.
import type { Node } from '../../../controlplane/api/node';
import type { NodeLease } from '../../../dataplane/overlay/host-gw';

/** Undefined while the node has no InternalIP or no pod range yet. */
export function nodeLease(node: Node): NodeLease | undefined {
  const name = node.metadata?.name;
  const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const { podCIDR, podCIDRs } = node.spec ?? {};
  const podCidrs = podCIDRs?.length ? podCIDRs : podCIDR ? [podCIDR] : [];
  if (name === undefined || address === undefined || podCidrs.length === 0) return undefined;
  return { node: name, address, podCidrs };
}
