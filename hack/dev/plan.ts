// Everything about a local cluster that follows from its name, subnet and number of nodes: names, addresses, directories,
// processes. Pure: other code compares the host with this plan and never guesses.
import { createHash } from 'node:crypto';
import { cidrAddress, formatAddress, formatCidr, parseCidr } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';
import type { ProxyMode } from '../../dataplane/service/mode';

export interface NodePlan {
  readonly name: string;
  readonly ip: string;
  /** The IPv6 address; only in a dual-stack cluster. */
  readonly ip6?: string;
  /** Named network namespace; /run/netns/NAME. */
  readonly netns: string;
  /** The end of the veth pair on the host's bridge; the other end is eth0 in the namespace. */
  readonly veth: string;
  readonly dir: string;
  readonly runDir: string;
  readonly dockerSocket: string;
  readonly kubeconfigs: Readonly<Record<Agent, string>>;
  /** Only on a control node. */
  readonly control?: ControlPlan;
}
/** What a node has in addition to its agents, if it runs an API server. */
export interface ControlPlan {
  readonly pkiDir: string;
  readonly dataDir: string;
  /** The data of its etcd member; only in a cluster with etcd. */
  readonly etcdDir?: string;
}
export interface ClusterPlan {
  readonly name: string;
  /** The context in the kubeconfig: k8ts or k8ts-NAME; also the beginning of all names on the host. */
  readonly context: string;
  readonly bridge: string;
  readonly bridgeMac: string;
  readonly subnet: string;
  readonly prefixLength: number;
  /** The same for IPv6, in a dual-stack cluster. */
  readonly ipv6?: { readonly subnet: string; readonly gateway: string };
  readonly podRange: string;
  readonly serviceRange: string;
  readonly proxyMode: ProxyMode;
  readonly overlay: LocalOverlay;
  /** A process of ours that is silent for this long is killed and started again; 0: never. */
  readonly hangTimeoutSeconds: number;
  /** The option --managed-fields of the server. */
  readonly managedFields: TrackedWrites;
  readonly store: StoreKind;
  /** The host's address on the bridge, and where the registry listens. */
  readonly gateway: string;
  readonly registry: string;
  /** Each cluster has a loopback address of its own on this host, for what only users of the host may reach. */
  readonly hostLoopback: string;
  /** The address at which this host pushes to the registry. */
  readonly pushRegistry: string;
  /** Where kubectl on the host reaches the API: the only server, or the balancer on the host. */
  readonly server: string;
  /** Where the agents of each node reach it: the only server, or the balancer of their node. */
  readonly agentServer: string;
  /** The addresses for Services of type LoadBalancer: FIRST-LAST. */
  readonly loadBalancerPool: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly logDir: string;
  readonly pkiDir: string;
  readonly adminConf: string;
  readonly cgroup: string;
  readonly nodes: readonly NodePlan[];
}
/** Where the objects are. */
export const storeKinds = ['sqlite', 'etcd'] as const;
export type StoreKind = (typeof storeKinds)[number];
/** How packets reach the pods of other nodes. All nodes are on one bridge, so the kubelet's `auto` would mean host-gw. */
export const localOverlays = ['host-gw', 'vxlan'] as const;
export type LocalOverlay = (typeof localOverlays)[number];
/** Writes that give an object its managedFields. */
export type TrackedWrites = 'all' | 'applied';
export interface ClusterSpec {
  readonly name: string;
  readonly nodes: number;
  readonly subnet: string;
  readonly dualStack?: boolean;
  /** Default iptables. */
  readonly proxyMode?: ProxyMode;
  /** Default host-gw. */
  readonly overlay?: LocalOverlay;
  /** Default 60. */
  readonly hangTimeoutSeconds?: number;
  /** Default all. */
  readonly managedFields?: TrackedWrites;
  /** Default sqlite. */
  readonly store?: StoreKind;
  /** How many nodes run an API server and an etcd member, the first ones; default 1. More than 1 need etcd. */
  readonly controlPlanes?: number;
  /** Default 5000, unless a process of the host listens on this port. */
  readonly registryPort?: number;
}

export const agents = ['kubelet', 'kube-proxy', 'dns', 'ingress'] as const;
export type Agent = (typeof agents)[number];

export const defaultName = 'k8ts';
export const stateRoot = '/var/lib/k8ts';
export const runRoot = '/run/k8ts';
/** kubectl and tutorials know these. */
export const ranges = {
  pods: '10.244.0.0/16',
  services: '10.96.0.0/12',
  /** A /64 for each node, as node-ipam cuts it. */
  pods6: 'fd00:10:244::/56',
  services6: 'fd00:10:96::/112',
  kubernetesService: '10.96.0.1',
  dns: '10.96.0.10',
  domain: 'cluster.local',
} as const;
export const maxNodes = 60;
/** A member more than an odd number lets no further one fail (etcd's FAQ), and writes take longer with each. */
export const controlPlaneCounts = [1, 3] as const;
/** The port of the API server, on each control node; also of the host's balancer. */
export const apiPort = 6443;
/** The port of the balancer on each node's loopback. */
export const balancerPort = 6444;
const firstNode = 10;
/** Offsets in the subnet, both included. */
const pool = { first: 240, last: 250 } as const;
/** A link name holds 15 characters; "-59" must still fit after the bridge's name. */
const maxBridgeName = 12;

/** @throws BadRequest that describes a valid name */
export function checkName(name: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$/.test(name)) {
    throw new BadRequest('a cluster name is 1 to 30 lower-case letters, digits and dashes, like demo-2');
  }
  return name;
}

/** @throws BadRequest unless it is a private-looking IPv4 range with room for the nodes */
export function checkSubnet(text: string): string {
  const range = parseCidr(text);
  if (range.family !== 4 || range.prefix > 24 || range.prefix < 16) {
    throw new BadRequest('expected an IPv4 range from /16 to /24, like 192.168.60.0/24');
  }
  if (text !== formatCidr(range)) throw new BadRequest(`host bits are set; did you mean ${formatCidr(range)}?`);
  return text;
}

/** control, control-2, control-3, then worker-1, worker-2, ... */
function nodeName(index: number, controlPlanes: number): string {
  if (index === 0) return 'control';
  return index < controlPlanes ? `control-${index + 1}` : `worker-${index - controlPlanes + 1}`;
}

export function planCluster(spec: ClusterSpec): ClusterPlan {
  const { name, controlPlanes = 1 } = spec;
  const store = spec.store ?? 'sqlite';
  const context = name === defaultName ? defaultName : `${defaultName}-${name}`;
  const digest = createHash('sha256').update(name).digest('hex');
  const bridge = context.length <= maxBridgeName ? context : `${defaultName}-${digest.slice(0, 7)}`;
  const range = parseCidr(spec.subnet);
  const address = (index: number) => formatAddress(cidrAddress(range, index));
  const ipv6 = spec.dualStack ? ipv6Subnet(spec.subnet) : undefined;
  const hostLoopback = address(1).replace(/^\d+/, '127');
  const stateDir = `${stateRoot}/${name}`;
  const runDir = `${runRoot}/${name}`;
  const nodes = Array.from({ length: spec.nodes }, (_, i): NodePlan => {
    const node = nodeName(i, controlPlanes);
    const dir = `${stateDir}/nodes/${node}`;
    const home = i === 0 ? stateDir : dir;
    const control: ControlPlan = {
      pkiDir: i === 0 ? `${home}/pki` : `${home}/server/pki`,
      dataDir: `${home}/server`,
      ...(store === 'etcd' ? { etcdDir: `${dir}/etcd` } : {}),
    };
    return {
      name: node,
      ip: address(firstNode + i),
      ...(ipv6 ? { ip6: `${ipv6.prefix}${firstNode + i}` } : {}),
      netns: `${context}-${node}`,
      veth: `${bridge}-${i}`,
      dir,
      runDir: `${runDir}/${node}`,
      dockerSocket: `${runDir}/${node}/docker.sock`,
      kubeconfigs: {
        kubelet: `${dir}/kubelet.conf`,
        'kube-proxy': `${dir}/kube-proxy.conf`,
        dns: `${dir}/dns.conf`,
        ingress: `${dir}/ingress.conf`,
      },
      ...(i < controlPlanes ? { control } : {}),
    };
  });
  return {
    name,
    context,
    bridge,
    // Fixed, locally administered: a bridge would otherwise take the smallest address of its ports, and neighbours'
    // caches would point to a node that was removed.
    bridgeMac: `02:${digest.slice(0, 10).replace(/(..)(?=.)/g, '$1:')}`,
    subnet: spec.subnet,
    prefixLength: range.prefix,
    ...(ipv6 ? { ipv6: { subnet: `${ipv6.prefix}/64`, gateway: `${ipv6.prefix}1` } } : {}),
    podRange: ipv6 ? `${ranges.pods},${ranges.pods6}` : ranges.pods,
    serviceRange: ipv6 ? `${ranges.services},${ranges.services6}` : ranges.services,
    proxyMode: spec.proxyMode ?? 'iptables',
    overlay: spec.overlay ?? 'host-gw',
    hangTimeoutSeconds: spec.hangTimeoutSeconds ?? 60,
    managedFields: spec.managedFields ?? 'all',
    store,
    gateway: address(1),
    registry: `${address(1)}:${spec.registryPort ?? 5000}`,
    hostLoopback,
    pushRegistry: `${hostLoopback}:${spec.registryPort ?? 5000}`,
    server: `https://${controlPlanes > 1 ? address(1) : nodes[0]!.ip}:${apiPort}`,
    agentServer: controlPlanes > 1 ? `https://127.0.0.1:${balancerPort}` : `https://${nodes[0]!.ip}:${apiPort}`,
    loadBalancerPool: [address, ...(ipv6 ? [(index: number) => `${ipv6.prefix}${index}`] : [])]
      .map((at) => `${at(pool.first)}-${at(pool.last)}`)
      .join(','),
    stateDir,
    runDir,
    logDir: `${stateDir}/logs`,
    pkiDir: `${stateDir}/pki`,
    adminConf: `${stateDir}/admin.conf`,
    cgroup: `k8ts/${name}`,
    nodes,
  };
}

/** Every name that a cluster can have, with any options: for the removal of one that is not recorded. */
export function planLargest(name: string): ClusterPlan {
  const spec = { name, nodes: maxNodes, subnet: '192.168.57.0/24' };
  const plans = controlPlaneCounts.map((controlPlanes) => planCluster({ ...spec, controlPlanes }));
  const nodes = new Map(plans.flatMap((plan) => plan.nodes.map((node) => [node.name, node])));
  return { ...plans[0]!, nodes: [...nodes.values()] };
}

export type ControlNode = NodePlan & { readonly control: ControlPlan };

/** The nodes that run an API server: the same objects as in the plan, so that they can be compared. */
export const controlNodes = ({ nodes }: ClusterPlan): readonly ControlNode[] =>
  nodes.filter((node): node is ControlNode => node.control !== undefined);

/** 192.168.57.0/24 is fd00:192:168:57::/64, so that both addresses of a node look alike: .10 and ::10. */
function ipv6Subnet(subnet: string): { readonly prefix: string } {
  return { prefix: `fd00:${subnet.split('.').slice(0, 3).join(':')}::` };
}

/** The first of 192.168.57.0/24, 192.168.58.0/24, ... that overlaps nothing in `taken`. @throws BadRequest when none is left */
export function chooseSubnet(taken: readonly string[], overlaps: (a: string, b: string) => boolean): string {
  for (let third = 57; third < 256; third++) {
    const subnet = `192.168.${third}.0/24`;
    if (!taken.some((other) => overlaps(subnet, other))) return subnet;
  }
  throw new BadRequest('no free subnet from 192.168.57.0/24 on; choose one with --subnet CIDR');
}
