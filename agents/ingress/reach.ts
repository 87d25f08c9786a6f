// The destinations that the proxy may connect to, by the objects of the cluster. Services of the machine and agents listen on a
// node's own addresses, so only pods with hostNetwork are backends there. dataplane/ingress has the ranges that are always
// refused. Pure.
import { type EndpointSlice, isTerminal, type Node, type Pod, type Service } from '../../controlplane/api';
import {
  type Cidr,
  cidrAddress,
  cidrContains,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
} from '../../controlplane/base/cidr';
import { refusedRange, unwrappedAddress } from '../../dataplane/ingress/destination';

export interface Surroundings {
  readonly nodes: () => readonly Node[];
  /** The addresses of this machine, on all its links. */
  readonly ownAddresses: () => readonly string[];
  /** Pods with hostNetwork that have this address, whatever their phase. */
  readonly hostPods: (address: string) => readonly Pod[];
  /** Services that have this cluster, external or load balancer address. */
  readonly servicesAt: (address: string) => readonly Service[];
  readonly slices: (serviceKey: string) => readonly EndpointSlice[];
  /** Further ranges that the node's administrator excludes (--refused-backends). */
  readonly refusedRanges: readonly Cidr[];
}

/** Ports of the node's own processes: DNS, API server, etcd, kubelet, kube-proxy, controllers, agents. */
const isSystemPort = (port: number): boolean =>
  port === 53 || port === 6443 || (port >= 2379 && port <= 2381) || (port >= 10_248 && port <= 10_259);

/**
 * Why an endpoint of a Service in `namespace` is refused; undefined when it is allowed. At a node's address a pod of the
 * namespace with hostNetwork must run. The pod must declare the port only when it is a port of the node's own processes.
 */
export function refusedEndpoint(
  around: Surroundings,
  namespace: string,
  address: string,
  port: number,
): string | undefined {
  const found = unwrappedAddress(address);
  const general = refusedEverywhere(around, found);
  if (found === undefined || general) return general;
  if (isNodeAddress(around, found)) {
    const pods = runningAt(around, found).filter(({ metadata }) => metadata?.namespace === namespace);
    const mayUse = pods.some((pod) => !isSystemPort(port) || declares(pod, port));
    return mayUse ? undefined : `node-local: no pod of namespace ${namespace} with hostNetwork has ${found}:${port}`;
  }
  return refusedService(around, found);
}

/**
 * The same for an address that a name resolved to. The address has no namespace, so a pod of any namespace must declare the
 * port.
 */
export function refusedByName(around: Surroundings, address: string, port: number): string | undefined {
  const found = unwrappedAddress(address);
  const general = refusedEverywhere(around, found);
  if (found === undefined || general) return general;
  if (isNodeAddress(around, found)) {
    const mayUse = runningAt(around, found).some((pod) => declares(pod, port));
    return mayUse ? undefined : `node-local: no pod with hostNetwork declares ${found}:${port}`;
  }
  return refusedService(around, found);
}

function refusedEverywhere(around: Surroundings, address: string | undefined): string | undefined {
  if (address === undefined) return 'not an IP address';
  const excluded = around.refusedRanges.find((range) => cidrContains(range, parseAddress(address)));
  return refusedRange(address) ?? (excluded && `in ${formatCidr(excluded)}, which --refused-backends excludes`);
}

/** A Service's address leads to its endpoints: the node's rules translate packets of this process like those of pods. */
function refusedService(around: Surroundings, address: string): string | undefined {
  for (const { metadata } of around.servicesAt(address)) {
    const namespace = metadata?.namespace ?? 'default';
    for (const { endpoints, ports } of around.slices(`${namespace}/${metadata?.name}`)) {
      for (const target of (endpoints ?? []).flatMap(({ addresses }) => addresses)) {
        for (const { port } of ports ?? []) {
          // kube-proxy translates once only: an endpoint that is another Service's address leads nowhere.
          const reason = port === undefined ? undefined : refusedTarget(around, namespace, target, port);
          if (reason) return `Service ${namespace}/${metadata?.name} has endpoint ${target}:${port}: ${reason}`;
        }
      }
    }
  }
  return undefined;
}

function refusedTarget(around: Surroundings, namespace: string, address: string, port: number): string | undefined {
  const alone: Surroundings = { ...around, servicesAt: () => [] };
  return refusedEndpoint(alone, namespace, address, port);
}

const runningAt = (around: Surroundings, address: string): readonly Pod[] =>
  around.hostPods(address).filter((pod) => pod.spec?.hostNetwork && !isTerminal(pod));

const declares = ({ spec }: Pod, port: number): boolean =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(({ ports }) =>
    ports?.some(({ containerPort }) => containerPort === port),
  );

function isNodeAddress({ nodes, ownAddresses }: Surroundings, address: string): boolean {
  return ownAddresses().includes(address) || nodes().some((node) => addressesOfNode(node).has(address));
}

const known = new WeakMap<Node, ReadonlySet<string>>();

/** The addresses in the Node's status, and the gateways of its pods: the first address of each pod range, on the node's bridge. */
function addressesOfNode(node: Node): ReadonlySet<string> {
  const before = known.get(node);
  if (before) return before;
  const { spec, status } = node;
  const given = (status?.addresses ?? []).flatMap(({ address }) => unwrappedAddress(address) ?? []);
  const ranges = spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
  const addresses = new Set([...given, ...ranges.flatMap(gatewayOf)]);
  known.set(node, addresses);
  return addresses;
}

function gatewayOf(range: string): string[] {
  try {
    return [formatAddress(cidrAddress(parseCidr(range), 1))];
  } catch {
    return [];
  }
}

/** Index values: the addresses of a Service itself. */
export function addressesOfService({ spec, status }: Service): string[] {
  const shown = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const all = [...(spec?.clusterIPs ?? []), spec?.clusterIP ?? '', ...(spec?.externalIPs ?? []), ...shown];
  return [...new Set(all.flatMap((address) => unwrappedAddress(address) ?? []))];
}

/** Index values: the node addresses of a pod with hostNetwork. */
export function addressesOfHostPod({ spec, status }: Pod): string[] {
  if (!spec?.hostNetwork) return [];
  const all = [status?.hostIP ?? '', ...(status?.podIPs ?? []).map(({ ip }) => ip), status?.podIP ?? ''];
  return [...new Set(all.flatMap((address) => unwrappedAddress(address) ?? []))];
}
