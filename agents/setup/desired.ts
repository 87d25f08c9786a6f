// The desired state of a machine: from the options of this run, then from the record of an earlier run, then from facts of the
// machine. Pure.
import {
  cidrAddress,
  cidrContains,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
} from '../../controlplane/base/cidr';
import { initialCluster } from '../../controlplane/process/etcd-runtime';
import { apiPort, balancerPort, registryPort } from './layout';
import { Refused } from './refused';

/** The settings that all nodes of a cluster must share: published by init, read by join. */
export interface ClusterSettings {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  /** host:port of the registry that the nodes' engines ask first; '' for none. */
  readonly registry: string;
  readonly overlay: string;
  readonly proxyMode: string;
  /** Each node reaches the API through a balancer of its own: yes where further servers may join, else ''. */
  readonly balancer: string;
  /** '' for none. Every server gets it, since any of them may lead. */
  readonly loadBalancerPool: string;
}
export interface Desired {
  readonly role: 'control' | 'worker';
  readonly nodeName: string;
  readonly nodeIp: string;
  /** https://192.168.56.10:6443 */
  readonly server: string;
  readonly cluster: ClusterSettings;
  /** '' for none. Only a control machine has one. */
  readonly loadBalancerPool: string;
  readonly nodeLabels: string;
  readonly resolvConf: string;
  /** Only on a control machine whose objects are in etcd: what its member read at its first start. */
  readonly etcd?: { readonly initialCluster: string; readonly state: 'new' | 'existing' };
  /** On a further control machine: the first has the images. */
  readonly registryElsewhere?: true;
}

/** The options that init and join share, and those of init alone; '' means not given. */
export interface GivenOptions {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly nodeLabels: string;
  readonly resolvConf: string;
}
export interface GivenInitOptions extends GivenOptions {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  readonly overlay: string;
  readonly proxyMode: string;
  readonly loadBalancerPool: string;
  readonly registryPort: number | undefined;
  readonly store: '' | 'sqlite' | 'etcd';
}
/** The facts that fill gaps. */
export interface NodeFacts {
  readonly hostName: string;
  /** The source address towards the server, or of the default route; undefined when there is no route. */
  readonly routeAddress: string | undefined;
  readonly addresses: readonly string[];
  /** The file that holds name servers which pods can reach. */
  readonly resolvConf: string;
}

export const defaults: ClusterSettings = {
  clusterCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/12',
  clusterDomain: 'cluster.local',
  registry: '',
  overlay: 'auto',
  proxyMode: 'iptables',
  balancer: '',
  loadBalancerPool: '',
};

/** The address that VirtualBox gives the first network card of every machine; other nodes cannot reach a node by it. */
const sharedNatRange = parseCidr('10.0.2.0/24');

export function planControl(given: GivenInitOptions, facts: NodeFacts, before: Desired | undefined): Desired {
  const node = planNode(given, facts, before);
  const had = before?.cluster;
  const store = given.store || (before?.etcd ? 'etcd' : 'sqlite');
  const loadBalancerPool =
    given.loadBalancerPool === 'none'
      ? ''
      : given.loadBalancerPool || (before ? before.loadBalancerPool : defaultPool(node.nodeIp));
  const registry = `${node.nodeIp}:${given.registryPort ?? portOf(had?.registry) ?? registryPort}`;
  const desired: Desired = {
    ...node,
    role: 'control',
    server: `https://${hostPart(node.nodeIp)}:${apiPort}`,
    cluster: {
      clusterCidr: given.clusterCidr || had?.clusterCidr || defaults.clusterCidr,
      serviceCidr: given.serviceCidr || had?.serviceCidr || defaults.serviceCidr,
      clusterDomain: given.clusterDomain || had?.clusterDomain || defaults.clusterDomain,
      registry,
      overlay: given.overlay || had?.overlay || defaults.overlay,
      proxyMode: given.proxyMode || had?.proxyMode || defaults.proxyMode,
      balancer: store === 'etcd' ? 'yes' : '',
      loadBalancerPool,
    },
    loadBalancerPool,
    ...(store === 'etcd' ? { etcd: before?.etcd ?? newEtcd(node) } : {}),
  };
  if (before) refuseChange(before, desired);
  return desired;
}

const newEtcd = ({ nodeName, nodeIp }: { readonly nodeName: string; readonly nodeIp: string }) =>
  ({ initialCluster: initialCluster([{ name: nodeName, ip: nodeIp }]), state: 'new' }) as const;

export function planWorker(
  given: GivenOptions,
  facts: NodeFacts,
  cluster: { readonly server: string; readonly settings: ClusterSettings },
  before: Desired | undefined,
): Desired {
  const desired: Desired = {
    ...planNode(given, facts, before),
    role: 'worker',
    server: cluster.server,
    cluster: cluster.settings,
    loadBalancerPool: '',
  };
  if (before) refuseChange(before, desired);
  return desired;
}

/** A further control machine: its server, its member of etcd, and the settings of the cluster. @throws Refused */
export function planFurtherControl(
  given: GivenOptions,
  facts: NodeFacts,
  cluster: {
    readonly server: string;
    readonly settings: ClusterSettings;
    readonly initialCluster: string;
  },
  before: Desired | undefined,
): Desired {
  const desired: Desired = {
    ...planNode(given, facts, before),
    role: 'control',
    server: cluster.server,
    cluster: cluster.settings,
    loadBalancerPool: cluster.settings.loadBalancerPool,
    etcd: before?.etcd ?? { initialCluster: cluster.initialCluster, state: 'existing' },
    registryElsewhere: true,
  };
  if (before) refuseChange(before, desired);
  return desired;
}

/** Where the agents of the machine reach the API. */
export const agentServer = ({ server, cluster }: Desired): string =>
  cluster.balancer === '' ? server : `https://127.0.0.1:${balancerPort}`;

/** Name and address of the node: as given, as in an earlier run, or as found on the machine. @throws Refused */
export function planNode(
  given: GivenOptions,
  facts: NodeFacts,
  before: Desired | undefined,
): Pick<Desired, 'nodeName' | 'nodeIp' | 'nodeLabels' | 'resolvConf'> {
  const nodeName = given.nodeName || before?.nodeName || facts.hostName.toLowerCase();
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(nodeName) || nodeName.length > 63) {
    throw new Refused(
      `${JSON.stringify(nodeName)} cannot name a node: a DNS name of lower-case letters, digits, dashes and dots can.`,
      'Choose one: --node-name=worker-1',
    );
  }
  return {
    nodeName,
    nodeIp: chooseNodeIp(given, facts, before),
    nodeLabels: given.nodeLabels || before?.nodeLabels || '',
    resolvConf: given.resolvConf || before?.resolvConf || facts.resolvConf,
  };
}

function chooseNodeIp(given: GivenOptions, facts: NodeFacts, before: Desired | undefined): string {
  const chosen = given.nodeIp || before?.nodeIp;
  if (chosen) {
    if (facts.addresses.includes(chosen)) return chosen;
    throw new Refused(
      `this machine does not have the address ${chosen}; it has ${facts.addresses.join(', ') || 'none'}.`,
      before && !given.nodeIp
        ? 'The node was set up with it. Give the machine that address again, or start over: k8ts reset'
        : 'Give one of them as --node-ip: the one at which the other nodes reach this machine.',
    );
  }
  const { routeAddress } = facts;
  if (routeAddress === undefined) {
    throw new Refused(
      'this machine has no route to the server and no default route, so it has no address that other nodes could reach.',
      'Say at which one the other nodes reach it: --node-ip=IP',
    );
  }
  if (isSharedNat(routeAddress)) {
    throw new Refused(
      `the address of the default route, ${routeAddress}, is the one that VirtualBox gives to every machine: no other node can reach this one by it.`,
      `Say which one the nodes share: --node-ip=${facts.addresses.find((address) => !isSharedNat(address)) ?? 'IP'}`,
    );
  }
  return routeAddress;
}

function isSharedNat(text: string): boolean {
  return cidrContains(sharedNatRange, parseAddress(text));
}

/** .240-.250 of the node's /24, as hack/up does; none for an address of the other family. */
export function defaultPool(nodeIp: string): string {
  const { family } = parseAddress(nodeIp);
  if (family !== 4) return '';
  const range = parseCidr(`${nodeIp}/24`);
  return [240, 250].map((index) => formatAddress(cidrAddress(range, index))).join('-');
}

/** The address of the DNS Service: the tenth of the Service range, as is usual. */
export const clusterDns = (settings: ClusterSettings): string =>
  formatAddress(cidrAddress(parseCidr(settings.serviceCidr), 10));
/** The address at which pods reach the API: the first of the Service range. */
export const kubernetesService = (settings: ClusterSettings): string =>
  formatAddress(cidrAddress(parseCidr(settings.serviceCidr), 1));

const portOf = (address: string | undefined): number | undefined =>
  address ? Number(address.slice(address.lastIndexOf(':') + 1)) : undefined;
export const hostPart = (ip: string): string => (parseAddress(ip).family === 6 ? `[${ip}]` : ip);

/** Refuses changes of settings on which existing objects, certificates and addresses depend. */
function refuseChange(before: Desired, now: Desired): void {
  const role = ({ role: kind, server, registryElsewhere }: Desired) =>
    kind === 'worker'
      ? `a worker of ${server}`
      : registryElsewhere
        ? 'a further control machine'
        : 'the control machine';
  const store = ({ etcd }: Desired) => (etcd ? 'in etcd' : 'in SQLite');
  const fixed: readonly (readonly [string, string, string, string])[] = [
    ['this machine is', role(before), role(now), 'its state and certificates are those of the other role or cluster'],
    ['the node is called', before.nodeName, now.nodeName, 'its certificates and its Node object carry the name'],
    ['the node has the address', before.nodeIp, now.nodeIp, 'its certificates and the other nodes go by it'],
    ...(now.role === 'control'
      ? ([
          [
            'the pods have the range',
            before.cluster.clusterCidr,
            now.cluster.clusterCidr,
            'nodes have their parts of it',
          ],
          [
            'Services have the range',
            before.cluster.serviceCidr,
            now.cluster.serviceCidr,
            'Services have addresses of it',
          ],
          [
            'the DNS zone is',
            before.cluster.clusterDomain,
            now.cluster.clusterDomain,
            'running pods look names up in it',
          ],
          ['the objects are', store(before), store(now), 'with an empty store the cluster would lose them all'],
        ] as const)
      : []),
  ];
  for (const [what, old, given, reason] of fixed) {
    if (old === given) continue;
    throw new Refused(
      `${what} ${old}, not ${given}, and that cannot change: ${reason}.`,
      'Leave the option out to keep it, or start over: k8ts reset',
    );
  }
}

/** As `10.244.0.0/16`, host bits cleared; '' stays. @throws BadRequest */
export const normalRange = (text: string): string => (text === '' ? '' : formatCidr(parseCidr(text)));
