// Translates API objects to the input of the election. Pure.
import { isIP } from 'node:net';
import {
  type EndpointSlice,
  endpointState,
  isLastResort,
  isReady,
  type Node,
  type Service,
} from '../../../controlplane/api';
import { formatAddress, parseAddress } from '../../../controlplane/base/cidr';
import type { Claim } from '../../../dataplane/announce/election';

/** spec.loadBalancerClass of this implementation. It serves Services without a class too. */
const ourClass = 'k8ts.io/l2';
/** A node with this label, whatever its value, gets no load balancer traffic. */
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Empty for a Service that this implementation does not announce. Only addresses in status count: a requested one may be refused. */
export function claimsOf(service: Service | undefined, slices: readonly EndpointSlice[]): Claim[] {
  const { spec, status } = service ?? {};
  if (spec?.type !== 'LoadBalancer' || (spec.loadBalancerClass ?? ourClass) !== ourClass) return [];
  const local = spec.externalTrafficPolicy === 'Local' ? { local: localNodes(slices) } : {};
  return (
    (status?.loadBalancer?.ingress ?? [])
      .filter(({ ip = '', ipMode = 'VIP' }) => isIP(ip) !== 0 && ipMode === 'VIP')
      // In the spelling that neighbour discovery uses.
      .map(({ ip }) => ({ address: formatAddress(parseAddress(ip!)), ...local }))
  );
}

/** As the rules choose: where no endpoint is ready, terminating ones that still serve are used (KEP-1669). */
function localNodes(slices: readonly EndpointSlice[]): Map<string, 1 | 2> {
  const nodes = new Map<string, 1 | 2>();
  for (const { nodeName, conditions } of slices.flatMap(({ endpoints }) => endpoints ?? [])) {
    if (!nodeName) continue;
    const state = endpointState(conditions);
    if (state.ready) nodes.set(nodeName, 2);
    else if (isLastResort(state) && !nodes.has(nodeName)) nodes.set(nodeName, 1);
  }
  return nodes;
}

export interface NodeState {
  readonly name: string;
  /** Its InternalIP, of IPv4 where it has both families; '' while it has none. */
  readonly address: string;
  readonly ready: boolean;
  readonly excluded: boolean;
}

export function nodeStateOf(node: Node): NodeState {
  const { metadata, status } = node;
  const all = (status?.addresses ?? []).filter(({ type, address }) => type === 'InternalIP' && isIP(address) !== 0);
  const internal = all.find(({ address }) => isIP(address) === 4) ?? all[0];
  return {
    name: metadata?.name ?? '',
    address: internal?.address ?? '',
    ready: isReady(node),
    excluded: metadata?.labels?.[excludeLabel] !== undefined,
  };
}
