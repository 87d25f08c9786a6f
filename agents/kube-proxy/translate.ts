// Translates one Service and its EndpointSlices to the compiler's record of one address family. Pure.
import { isIP } from 'node:net';
import {
  defaultAffinitySeconds,
  type EndpointSlice,
  endpointState,
  type Node,
  type Service,
} from '../../controlplane/api';
import { formatCidr, parseCidr } from '../../controlplane/base/cidr';
import type { Family, Protocol } from '../../dataplane/netfilter/model';
import type { ServiceInput, ServicePort } from '../../dataplane/service/input';
import { type Here, type Hinted, markElsewhere } from './topology';

/** Labels of Services and EndpointSlices that are not for this program: another proxy serves them, or clients reach the pods directly. */
const foreignLabels = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless'];

const isForeign = ({ metadata }: Service | EndpointSlice): boolean =>
  foreignLabels.some((label) => metadata?.labels?.[label] !== undefined);

/**
 * 4 or 6; 0 for text that rules cannot hold, such as an address with a zone (%eth0): the kernel would refuse the complete
 * write.
 */
const familyOf = (address: string): number => (address.includes('%') ? 0 : isIP(address));

/** Undefined when the Service needs no rules of this family: headless, ExternalName, other family, other proxy. */
export function translateService(
  service: Service,
  slices: readonly EndpointSlice[],
  family: Family,
  here: Here,
): ServiceInput | undefined {
  const { metadata, spec, status } = service;
  if (!spec || spec.type === 'ExternalName' || isForeign(service)) return undefined;
  const clusterIp = (spec.clusterIPs ?? [spec.clusterIP ?? '']).find((ip) => familyOf(ip) === family);
  if (clusterIp === undefined) return undefined;
  const ofFamily = (ips: readonly string[]) => [...new Set(ips.filter((ip) => familyOf(ip) === family))].sort();
  const isLoadBalancer = spec.type === 'LoadBalancer';
  // ipMode Proxy: the load balancer terminates connections itself, so pods must connect through it (KEP-1860).
  const ingress = isLoadBalancer ? (status?.loadBalancer?.ingress ?? []) : [];
  const loadBalancerIps = ingress.filter((one) => one.ipMode !== 'Proxy').map((one) => one.ip ?? '');
  const ranges = rangesOf(spec.loadBalancerSourceRanges, family);
  const affinity = spec.sessionAffinity === 'ClientIP';
  const healthCheckPort =
    isLoadBalancer && spec.externalTrafficPolicy === 'Local' ? spec.healthCheckNodePort : undefined;
  return {
    key: `${metadata?.namespace}/${metadata?.name}`,
    clusterIp,
    externalIps: ofFamily(spec.externalIPs ?? []),
    loadBalancerIps: ofFamily(loadBalancerIps),
    ...(isLoadBalancer && ranges ? { sourceRanges: ranges } : {}),
    ...(affinity
      ? { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds }
      : {}),
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    ...(healthCheckPort ? { healthCheckPort } : {}),
    ports: translatePorts(
      spec,
      slices.filter((slice) => !isForeign(slice)),
      family,
      here,
    ),
  };
}

/** Undefined: no restriction. If all ranges are of the other family, no client of this family is admitted. */
function rangesOf(ranges: readonly string[] | undefined, family: Family): readonly string[] | undefined {
  if (!ranges || ranges.length === 0) return undefined;
  const parsed = ranges.map((range) => parseCidr(range.trim()));
  return parsed.filter((range) => range.family === family).map(formatCidr);
}

function translatePorts(
  spec: NonNullable<Service['spec']>,
  slices: readonly EndpointSlice[],
  family: Family,
  here: Here,
): ServicePort[] {
  const hasNodePorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  return (spec.ports ?? []).map((port) => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as Protocol;
    const endpoints = slices
      .filter((slice) => slice.addressType === (family === 4 ? 'IPv4' : 'IPv6'))
      .flatMap((slice) => translateEndpoints(slice, port.name ?? '', protocol, { family, nodeName: here.nodeName }));
    return {
      name: port.name ?? '',
      protocol,
      port: port.port,
      ...(hasNodePorts && port.nodePort ? { nodePort: port.nodePort } : {}),
      endpoints: markElsewhere(endpoints, here),
    };
  });
}

function translateEndpoints(
  slice: EndpointSlice,
  portName: string,
  protocol: Protocol,
  { family, nodeName }: { readonly family: Family; readonly nodeName: string },
): Hinted[] {
  const port = slice.ports?.find(
    (one) => (one.name ?? '') === portName && (one.protocol ?? 'TCP').toLowerCase() === protocol,
  )?.port;
  if (port === undefined) return [];
  return (slice.endpoints ?? []).flatMap(({ addresses, conditions, hints, nodeName: on }) => {
    const address = addresses[0];
    if (address === undefined || familyOf(address) !== family) return [];
    return [{ endpoint: { address, port, ...endpointState(conditions), local: on === nodeName }, hints }];
  });
}

/** The node's pod range of a family, once it is assigned. */
export function podCidrOf(node: Node | undefined, family: Family): string | undefined {
  const { podCIDR, podCIDRs } = node?.spec ?? {};
  const ranges = (podCIDRs ?? (podCIDR ? [podCIDR] : [])).map(parseCidr);
  const found = ranges.find((range) => range.family === family);
  return found && formatCidr(found);
}

/** The node's InternalIPs of a family. */
export function addressesOf(node: Node | undefined, family: Family): readonly string[] {
  const internal = (node?.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return internal.map(({ address }) => address).filter((address) => familyOf(address) === family);
}
