// What happens to a new connection to a Service port, in no rule language: which addresses lead where, who is refused, whose
// source is hidden. Both proxy modes write down what is decided here. Pure.
import { type Usable, usableEndpoints } from './endpoints';
import { type Endpoint, type NodeFacts, portId, type ServiceInput, type ServicePort } from './input';

/** The two sets of endpoints a connection can be spread over. */
export type Pool = 'cluster' | 'local';

/** Where a new connection goes, and, where that is nowhere, in words that follow the port's id. */
export type Way =
  | { readonly to: 'cluster' }
  | { readonly to: 'local' }
  /** Refused at once: no endpoint on any node answers. */
  | { readonly to: 'reject'; readonly because: string }
  /** Without an answer: another node, or a load balancer that tries another node, has endpoints. */
  | { readonly to: 'drop'; readonly because: string };

/** Something a client connects to. `guarded`: only sources within the Service's source ranges may. */
export type Frontend =
  | { readonly kind: 'clusterIp'; readonly address: string; readonly way: Way }
  | { readonly kind: 'address'; readonly address: string; readonly guarded: boolean; readonly way: ExternalWay }
  | { readonly kind: 'nodePort'; readonly nodePort: number; readonly way: ExternalWay }
  /** A port of a pod on addresses of this node, or on one of them. Node ports come first. Sources stay as they are. */
  | { readonly kind: 'hostPort'; readonly hostPort: number; readonly address?: string; readonly way: Way };
export type ExternalWay = Exclude<Way, { readonly to: Pool }> | { readonly to: 'external' };

/** Connections to addresses that can be reached from outside the cluster: node ports, load balancers, external addresses. */
export interface External {
  /**
   * Policy Cluster: the answer must come back through this node, so every source but this range (this node's pods) is hidden;
   * without a range every source. Absent: sources stay as they are (policy Local).
   */
  readonly hide?: { readonly except?: string };
  /** Policy Local: sources in this range (pods), and the node itself, use the Service as if by its ClusterIP. */
  readonly insiders?: string;
  /** Everybody else. */
  readonly others: Way;
}

export interface PortDecisions {
  /** `namespace/name:port`. */
  readonly id: string;
  readonly frontends: readonly Frontend[];
  /** Only pools that something leads to. A connection to pool `cluster` from outside `hideOutside` shows an address of the node. */
  readonly pools: ReadonlyMap<Pool, readonly Endpoint[]>;
  /** Answers to a source outside the pod network would not come back through this node. */
  readonly hideOutside: string;
  /** Where frontends with `to: external` lead. */
  readonly external?: External;
  /** Sorted; present when a frontend is guarded and leads somewhere. An empty list lets no source in. */
  readonly sourceRanges?: readonly string[];
  /** Endpoints of this node: a pod that is led to itself would otherwise answer itself past the node. */
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
  // An address that is both is treated as the load balancer's, whose source ranges may be narrower.
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

/** Asked only where there are endpoints somewhere. */
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
