// The decisions for a new connection to a Service port, in no rule language: where an address leads, which client is refused,
// which source is hidden. Both proxy modes write these decisions as rules. Pure.
import { type Usable, usableEndpoints } from './endpoints';
import { type Endpoint, type NodeFacts, portId, type ServiceInput, type ServicePort } from './input';

/** The two sets of endpoints among which connections are spread. */
export type Pool = 'cluster' | 'local';

/** Where a new connection is sent. `because` explains a refusal; it follows the port's id in a comment. */
export type Way =
  | { readonly to: 'cluster' }
  | { readonly to: 'local' }
  /** Refused at once: no endpoint on any node answers. */
  | { readonly to: 'reject'; readonly because: string }
  /** No answer: another node, or a load balancer that tries another node, has endpoints. */
  | { readonly to: 'drop'; readonly because: string };

/** An address and port that clients connect to. `guarded`: only for sources within the Service's source ranges. */
export type Frontend =
  | { readonly kind: 'clusterIp'; readonly address: string; readonly way: Way }
  | { readonly kind: 'address'; readonly address: string; readonly guarded: boolean; readonly way: ExternalWay }
  | { readonly kind: 'nodePort'; readonly nodePort: number; readonly way: ExternalWay }
  /** A port of a pod on all addresses of this node, or on one of them. Node ports have precedence. Sources are not hidden. */
  | { readonly kind: 'hostPort'; readonly hostPort: number; readonly address?: string; readonly way: Way };
export type ExternalWay = Exclude<Way, { readonly to: Pool }> | { readonly to: 'external' };

/** Connections to addresses that can be reached from outside the cluster: node ports, load balancers, external addresses. */
export interface External {
  /**
   * Policy Cluster: the answer must come back through this node, so every source outside this range (this node's pods) is
   * hidden; without a range every source is. Absent: no source is hidden (policy Local).
   */
  readonly hide?: { readonly except?: string };
  /** Policy Local: sources in this range (pods), and the node itself, use the Service as if through its ClusterIP. */
  readonly insiders?: string;
  /** Where all other sources are sent. */
  readonly others: Way;
}

export interface PortDecisions {
  /** `namespace/name:port`. */
  readonly id: string;
  readonly frontends: readonly Frontend[];
  /**
   * Only pools that a frontend uses. For pool `cluster`, a source outside `hideOutside` is replaced by an address of the node.
   */
  readonly pools: ReadonlyMap<Pool, readonly Endpoint[]>;
  /** The range of the pod network: an answer to a source outside it would not come back through this node. */
  readonly hideOutside: string;
  /** Where frontends with `to: external` send connections. */
  readonly external?: External;
  /** Sorted; present when a frontend is guarded and has endpoints. An empty list admits no source. */
  readonly sourceRanges?: readonly string[];
  /** Endpoints of this node: when a pod reaches itself through the Service, its answer would otherwise not pass the node. */
  readonly hairpin: readonly string[];
}

export function decidePort(service: ServiceInput, port: ServicePort, facts: NodeFacts): PortDecisions {
  const usable = usableEndpoints(port.endpoints);
  const reachable = usable.cluster.length > 0;
  const frontends = frontendsOf(service, port, usable);
  const external = frontends.some(({ way }) => way.to === 'external')
    ? decideExternal(service, usable, facts)
    : undefined;
  const guarded = reachable && service.sourceRanges && service.loadBalancerIps.length > 0;
  const here = [...usable.cluster, ...usable.local].filter((endpoint) => endpoint.local);
  return {
    id: portId(service, port),
    frontends,
    pools: poolsOf(frontends, external, usable),
    hideOutside: facts.clusterCidr,
    ...(external ? { external } : {}),
    ...(guarded ? { sourceRanges: [...(service.sourceRanges ?? [])].sort() } : {}),
    hairpin: [...new Set(here.map((endpoint) => endpoint.address))],
  };
}

function frontendsOf(service: ServiceInput, port: ServicePort, usable: Usable): Frontend[] {
  const frontends: Frontend[] = [];
  const { clusterIp, loadBalancerIps, externalIps } = service;
  if (port.hostPort !== undefined && usable.local.length > 0) {
    const address = port.hostIp === undefined ? {} : { address: port.hostIp };
    frontends.push({ kind: 'hostPort', hostPort: port.hostPort, ...address, way: { to: 'local' } });
  }
  if (clusterIp === undefined) return frontends;
  frontends.push({ kind: 'clusterIp', address: clusterIp, way: decideInternal(service, usable) });
  const way: ExternalWay = usable.cluster.length > 0 ? { to: 'external' } : noEndpoints;
  // An address in both lists gets the rules of load balancers, whose source ranges may be narrower.
  for (const address of externalIps.filter((ip) => !loadBalancerIps.includes(ip))) {
    frontends.push({ kind: 'address', address, guarded: false, way });
  }
  const guarded = service.sourceRanges !== undefined;
  for (const address of loadBalancerIps) frontends.push({ kind: 'address', address, guarded, way });
  if (port.nodePort !== undefined) frontends.push({ kind: 'nodePort', nodePort: port.nodePort, way });
  return frontends;
}

const noEndpoints = { to: 'reject', because: 'has no endpoints' } as const;
const noneHere = { to: 'drop', because: 'has no local endpoints' } as const;

function decideInternal(service: ServiceInput, usable: Usable): Way {
  if (usable.cluster.length === 0) return noEndpoints;
  if (!service.internalLocal) return { to: 'cluster' };
  return usable.local.length > 0 ? { to: 'local' } : noneHere;
}

/** Only called when some node has endpoints. */
function decideExternal(service: ServiceInput, usable: Usable, { podCidr, clusterCidr }: NodeFacts): External {
  if (!service.externalLocal) {
    return { hide: podCidr === undefined ? {} : { except: podCidr }, others: { to: 'cluster' } };
  }
  return { insiders: podCidr ?? clusterCidr, others: usable.local.length > 0 ? { to: 'local' } : noneHere };
}

function poolsOf(frontends: readonly Frontend[], external: External | undefined, usable: Usable) {
  const ways = [...frontends.map(({ way }) => way.to), external?.others.to, external?.insiders && 'cluster'];
  const pools = new Map<Pool, readonly Endpoint[]>();
  for (const pool of ['cluster', 'local'] as const) if (ways.includes(pool)) pools.set(pool, usable[pool]);
  return pools;
}
