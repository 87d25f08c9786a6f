// The processes of a local cluster as data for the supervisor. Pure.
import { etcdEnvironment } from '../../controlplane/process/etcd-runtime';
import { serverEnvironment, serverNodeFlags } from '../../controlplane/process/server-runtime';
import { etcdArgv, etcdNodes, storeOptions } from './etcd';
import { guarded } from './lost-members';
import {
  type Agent,
  agents,
  apiPort,
  balancerPort,
  type ClusterPlan,
  type ControlPlan,
  controlNodes,
  type NodePlan,
  ranges,
} from './plan';
import type { ProcessSpec } from './supervisor/spec';

export interface ProgramPaths {
  /** Node.js 26. */
  readonly node: string;
  /** dist/k8ts.js */
  readonly bundle: string;
  readonly compileCache: string;
  readonly dockerd: string;
  readonly dockerRegistry: string;
  /** Used by a cluster with etcd alone. */
  readonly etcd: string;
}
export interface ProcessFacts {
  readonly programs: ProgramPaths;
  /** Resolvers outside the cluster, ip:port. */
  readonly upstreams: readonly string[];
  /** Nodes whose member of etcd lost its data and joined again; absent: none. */
  readonly rejoined?: ReadonlySet<string>;
  readonly pauseImage: string;
}

export const healthPorts: Readonly<Record<Agent, number>> = {
  kubelet: 10248,
  'kube-proxy': 10256,
  dns: 10258,
  ingress: 10259,
};
/** Of the balancer of a node; that of the host has it on the cluster's own loopback address. */
export const balancerHealthPort = 10_260;

/** Start order: a process comes before the processes that need it. Stop order is the reverse. */
export function planProcesses(plan: ClusterPlan, facts: ProcessFacts): readonly ProcessSpec[] {
  return [
    ...plan.nodes.flatMap((node) => etcdProcess(plan, node, facts) ?? []),
    ...controlNodes(plan).map((node) => serverProcess(plan, node, facts)),
    ...balancers(plan, facts),
    ...registries.map((which) => registryProcess(plan, which, facts)),
    ...plan.nodes.map((node) => dockerProcess(plan, node, facts)),
    ...plan.nodes.flatMap((node) => agents.map((agent) => agentProcess(plan, node, agent, facts))),
  ];
}

/** Processes that end together when a cluster stops, lower numbers first: each still has what it needs while it ends. */
const stopOrder = { agents: 0, engines: 1, servers: 2, stores: 3 } as const;

/** The name of the server or etcd of a node: server alone where there is only one, else control-2/server. */
export const controlProcess = (plan: ClusterPlan, node: NodePlan, what: 'server' | 'etcd'): string =>
  controlNodes(plan).length === 1 ? what : `${node.name}/${what}`;

/** Whether a process is one of the agents of a node. */
export const isAgentProcess = (name: string): boolean =>
  (agents as readonly string[]).includes(name.split('/')[1] ?? '');

/** A registry that all may pull from, and one on this host's loopback for pushes; both serve the same files. */
export const registries = ['registry', 'registry-push'] as const;
export type RegistryProcess = (typeof registries)[number];

function registryProcess(plan: ClusterPlan, which: RegistryProcess, { programs }: ProcessFacts): ProcessSpec {
  return {
    name: which,
    argv: [programs.dockerRegistry, 'serve', registryConfigPath(plan, which)],
    // Without this, Debian's build warns about missing telemetry settings.
    env: { OTEL_TRACES_EXPORTER: 'none' },
    log: `${plan.logDir}/${which}.log`,
    stopOrder: stopOrder.servers,
  };
}

export const registryConfigPath = (plan: ClusterPlan, which: RegistryProcess): string =>
  `${plan.stateDir}/${which}.yml`;

/** Configuration of docker-registry 2.x: plain HTTP without passwords, so the registry that nodes and pods reach is read only. */
export function registryConfig(plan: ClusterPlan, which: RegistryProcess): Record<string, unknown> {
  const forPushes = which === 'registry-push';
  const access = forPushes ? { delete: { enabled: true } } : { maintenance: { readonly: { enabled: true } } };
  return {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${plan.stateDir}/registry` }, ...access },
    http: { addr: forPushes ? plan.pushRegistry : plan.registry },
  };
}

function etcdProcess(plan: ClusterPlan, node: NodePlan, { programs, rejoined }: ProcessFacts): ProcessSpec | undefined {
  const argv = etcdArgv(plan, node, programs.etcd, rejoined?.has(node.name));
  if (!argv) return undefined;
  const name = controlProcess(plan, node, 'etcd');
  return {
    name,
    argv: [...enter(node), ...(etcdNodes(plan).length > 1 ? guarded(node.control!.etcdDir!, argv) : argv)],
    env: etcdEnvironment,
    log: logPath(plan, name),
    stopOrder: stopOrder.stores,
  };
}

function serverProcess(
  plan: ClusterPlan,
  node: NodePlan & { readonly control: ControlPlan },
  facts: ProcessFacts,
): ProcessSpec {
  const several = controlNodes(plan).length > 1;
  return k8tsProcess(plan, node, facts, 'server', [
    `--data-dir=${node.control.dataDir}`,
    `--pki-dir=${node.control.pkiDir}`,
    '--bind-address=0.0.0.0',
    `--secure-port=${apiPort}`,
    `--advertise-address=${node.ip}`,
    `--service-cidr=${plan.serviceRange}`,
    `--cluster-cidr=${plan.podRange}`,
    `--load-balancer-pool=${plan.loadBalancerPool}`,
    ...storeOptions(plan, node, node.control),
    `--managed-fields=${plan.managedFields}`,
    '--parts=apiserver,controllers,scheduler',
    // With a name it competes for the Leases of controllers and scheduler.
    ...(several ? [`--node-name=${node.name}`] : []),
  ]);
}

/** With several servers: one balancer on each node for its agents, and one on the host for kubectl. */
function balancers(plan: ClusterPlan, facts: ProcessFacts): readonly ProcessSpec[] {
  const servers = controlNodes(plan).map(({ ip }) => `${ip}:${apiPort}`);
  if (servers.length === 1) return [];
  // The servers of a local cluster do not change, so the balancers need not follow their list.
  const common = [
    `--servers=${servers.join(',')}`,
    `--ca=${plan.pkiDir}/ca.crt`,
    `--healthz-port=${balancerHealthPort}`,
  ];
  return [
    k8tsProcess(plan, undefined, facts, 'balancer', [
      `--listen=${plan.gateway}:${apiPort}`,
      `--healthz-bind-address=${plan.hostLoopback}`,
      ...common,
    ]),
    ...plan.nodes.map((node) =>
      k8tsProcess(plan, node, facts, 'balancer', [`--listen=127.0.0.1:${balancerPort}`, ...common]),
    ),
  ];
}

/**
 * All nodes share the developer's disk, which may be nearly full for other reasons: upstream's thresholds of 10 and 15 percent would evict
 * every pod, and the removal of images would not help.
 */
const ofSharedDisk = [
  '--eviction-hard=memory.available<100Mi,nodefs.available<2%,nodefs.inodesFree<2%,imagefs.available<2%,imagefs.inodesFree<2%',
  '--image-gc-high-threshold=100',
];

function agentProcess(plan: ClusterPlan, node: NodePlan, agent: Agent, facts: ProcessFacts): ProcessSpec {
  const common = [`--kubeconfig=${node.kubeconfigs[agent]}`, `--node-name=${node.name}`];
  const nodeIp = `--node-ip=${node.ip}`;
  const state = `--state-dir=${node.dir}/${agent}`;
  const own: Readonly<Record<Agent, readonly string[]>> = {
    kubelet: [
      node.ip6 ? `${nodeIp},${node.ip6}` : nodeIp,
      `--docker-host=unix://${node.dockerSocket}`,
      `--root-dir=${node.dir}/kubelet`,
      `--cgroup-root=${cgroupOf(plan, node)}`,
      ...ofSharedDisk,
      `--pki-dir=${node.dir}/pki`,
      `--cluster-dns=${ranges.dns}`,
      `--cluster-domain=${ranges.domain}`,
      `--pause-image=${facts.pauseImage}`,
      `--overlay=${plan.overlay}`,
      '--port=10250',
      `--healthz-port=${healthPorts.kubelet}`,
    ],
    'kube-proxy': [
      nodeIp,
      `--proxy-mode=${plan.proxyMode}`,
      `--cluster-cidr=${plan.podRange}`,
      `--service-cidr=${plan.serviceRange}`,
      `--healthz-port=${healthPorts['kube-proxy']}`,
      '--metrics-port=10249',
    ],
    dns: [nodeIp, state, `--cluster-domain=${ranges.domain}`, `--upstream=${facts.upstreams.join(',')}`],
    ingress: [nodeIp, state, `--cluster-domain=${ranges.domain}`, '--http-port=80', '--https-port=443'],
  };
  return k8tsProcess(plan, node, facts, agent, [...common, ...own[agent]]);
}

/** @param node undefined for a process of the host */
function k8tsProcess(
  plan: ClusterPlan,
  node: NodePlan | undefined,
  { programs }: ProcessFacts,
  subcommand: string,
  options: readonly string[],
): ProcessSpec {
  const isServer = subcommand === 'server';
  const name = nameOf(plan, node, subcommand);
  return {
    name,
    argv: [
      ...(node ? enter(node) : []),
      programs.node,
      ...(isServer ? serverNodeFlags : []),
      programs.bundle,
      subcommand,
      ...options,
    ],
    env: { NODE_COMPILE_CACHE: programs.compileCache, ...(isServer ? serverEnvironment : {}) },
    ...(plan.hangTimeoutSeconds > 0 ? { silentTimeoutMs: plan.hangTimeoutSeconds * 1000 } : {}),
    log: logPath(plan, name),
    stopOrder: isAgentProcess(name) ? stopOrder.agents : stopOrder.servers,
  };
}

function nameOf(plan: ClusterPlan, node: NodePlan | undefined, subcommand: string): string {
  if (!node) return subcommand;
  return subcommand === 'server' ? controlProcess(plan, node, 'server') : `${node.name}/${subcommand}`;
}

/** nsenter, not `ip netns exec`: that would mount another /sys and hide the cgroups from dockerd. */
const enter = (node: NodePlan): readonly string[] => ['nsenter', `--net=/run/netns/${node.netns}`, '--'];

export const logPath = (plan: ClusterPlan, name: string): string => `${plan.logDir}/${name.replace('/', '-')}.log`;
export const dockerConfigPath = (node: NodePlan): string => `${node.dir}/docker.json`;
const dockerPidFile = (node: NodePlan): string => `${node.runDir}/docker.pid`;

function dockerProcess(plan: ClusterPlan, node: NodePlan, { programs }: ProcessFacts): ProcessSpec {
  const name = `${node.name}/docker`;
  return {
    name,
    argv: [...enter(node), programs.dockerd, `--config-file=${dockerConfigPath(node)}`],
    log: logPath(plan, name),
    // After a kill -9 the pid in this file may belong to another process, and dockerd would refuse to start.
    removeFirst: [dockerPidFile(node), `${node.runDir}/exec/containerd/containerd.pid`],
    stopTimeoutMs: 20_000,
    stopOrder: stopOrder.engines,
  };
}

/** The cgroup of a node, below which its containers run. The kubelets of all nodes share the machine. */
const cgroupOf = (plan: ClusterPlan, node: NodePlan): string => `/${plan.cgroup}/${node.name}`;

/** daemon.json of a node's engine. Docker adds no bridge and no rule of its own: pods are wired by the kubelet. */
export function dockerConfig(plan: ClusterPlan, node: NodePlan): Record<string, unknown> {
  return {
    'data-root': `${node.dir}/docker`,
    'exec-root': `${node.runDir}/exec`,
    pidfile: dockerPidFile(node),
    hosts: [`unix://${node.dockerSocket}`],
    bridge: 'none',
    iptables: false,
    ip6tables: false,
    'ip-forward': false,
    'ip-masq': false,
    'userland-proxy': false,
    // A restart of dockerd leaves containers running.
    'live-restore': true,
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': cgroupOf(plan, node),
    // Docker requests names without a registry (busybox:1.35) from the local registry first.
    'registry-mirrors': [`http://${plan.registry}`],
    'insecure-registries': [plan.registry],
    'max-concurrent-downloads': 6,
    'log-level': 'warn',
    'shutdown-timeout': 5,
  };
}
