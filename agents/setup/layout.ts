// Every path, unit and user on a machine that is a node. Tools and readers rely on these names; no other file of this folder spells
// them out.

/** The programs: bin/node, k8ts.js, schemas, node_modules with the native parts, VERSION. */
export const programDir = '/usr/local/lib/k8ts';
/** The version of the program, written with it. */
export const versionPath = `${programDir}/VERSION`;
export const wrapperPath = '/usr/local/bin/k8ts';
/** With this name kubectl finds it as a plug-in: `kubectl k8ts path`. */
export const pluginPath = '/usr/local/bin/kubectl-k8ts';
export const configDir = '/etc/k8ts';
export const pkiDir = `${configDir}/pki`;
export const adminConf = `${configDir}/admin.conf`;
export const registryConfigPath = `${configDir}/registry.yml`;
/** A second instance with the same images, writable, on loopback: runs only while images are pushed. */
export const pushConfigPath = `${configDir}/registry-push.yml`;
export const pushAddress = '127.0.0.1:5001';
export const pushUnit = 'k8ts-registry-push.service';
export const stateDir = '/var/lib/k8ts';
export const serverDir = `${stateDir}/server`;
export const serverPkiDir = `${serverDir}/pki`;
/** The servers that the balancer has learned. */
export const balancerDir = `${stateDir}/balancer`;
export const etcdDir = `${stateDir}/etcd`;
export const registryDir = `${stateDir}/registry`;
export const kubeletDir = `${stateDir}/kubelet`;
/** The last state of dns or ingress: it outlives the process, and ends with the machine's uptime. */
export const keptDir = (part: 'dns' | 'ingress'): string => `/run/k8ts-${part}`;
/** The record of what the set-up changed and what was there before, for `k8ts reset`. */
export const recordPath = `${stateDir}/setup.json`;
export const unitDir = '/etc/systemd/system';
export const sysctlPath = '/etc/sysctl.d/90-k8ts.conf';
export const usersPath = '/etc/sysusers.d/k8ts.conf';
export const daemonJsonPath = '/etc/docker/daemon.json';
export const dockerSocket = '/var/run/docker.sock';

export const apiPort = 6443;
/** On loopback, where the agents of a machine reach the API if the cluster can have several servers. */
export const balancerPort = 6444;
export const registryPort = 5000;

/** The processes that are clients of the API, in the order of their start. Each has a kubeconfig. */
export const agents = ['kubelet', 'kube-proxy', 'dns', 'ingress'] as const;
export type Agent = (typeof agents)[number];
/** The other processes of a control machine, in the order of their start. */
export const controlParts = ['registry', 'etcd', 'server'] as const;
export type Part = Agent | (typeof controlParts)[number] | 'balancer';

export const target = 'k8ts.target';
export const unitOf = (part: Part): string => `k8ts-${part}.service`;
export const envPath = (part: Part): string => `${configDir}/${part}.env`;
export const kubeconfigPath = (agent: Agent): string => `${configDir}/${agent}.conf`;
/** Node.js reads compiled code from here when it starts, which halves the time on a slow machine. */
export const cacheName = (part: Part): string => `k8ts-${part}`;

/**
 * The processes that do not run as root. Each has a user that owns the files which only it may read. etcd runs as the user of the server:
 * it has all that the server keeps, and the server renews the certificates of both.
 */
export const users = {
  server: 'k8ts-server',
  registry: 'k8ts-registry',
  dns: 'k8ts-dns',
  ingress: 'k8ts-ingress',
} as const;
export type OwnUserPart = keyof typeof users;

/** What decides which processes a machine has. */
export interface Role {
  readonly role: 'control' | 'worker';
  /** Present on a control machine with a member of etcd. */
  readonly etcd?: object;
  /** On a further control machine: the first has the images. */
  readonly registryElsewhere?: true;
  readonly cluster: { readonly balancer: string };
}
/** Of the machine with the most processes. */
export const everyPart: Role = { role: 'control', etcd: {}, cluster: { balancer: 'yes' } };

/** In the order of their start. */
export const partsOf = ({ role, etcd, registryElsewhere, cluster }: Role): readonly Part[] => [
  ...(role === 'control' && !registryElsewhere ? (['registry'] as const) : []),
  ...(role === 'control' && etcd ? (['etcd'] as const) : []),
  ...(role === 'control' ? (['server'] as const) : []),
  ...(cluster.balancer === '' ? [] : (['balancer'] as const)),
  ...agents,
];

export const usersOf = (machine: Role): readonly string[] =>
  partsOf(machine).flatMap((part) => (part in users ? [users[part as OwnUserPart]] : []));
