// The options of hack/up, down, status, console, store, path, rules and logs.
import { commandOptions as consoleCommandOptions } from '../../agents/console/options';
import { pathOptions as allPathOptions } from '../../agents/path/options';
import { commandOptions as rulesCommandOptions } from '../../agents/rules/options';
import { type OptionTable, parseBoolean, parseInteger, parseOneOf } from '../../controlplane/process/options';
import { type ProxyMode, proxyModes } from '../../dataplane/service/mode';
import {
  checkName,
  checkSubnet,
  controlPlaneCounts,
  defaultName,
  type LocalOverlay,
  localOverlays,
  maxNodes,
  type StoreKind,
  storeKinds,
  type TrackedWrites,
} from './plan';

const name = {
  flag: 'name',
  placeholder: 'NAME',
  default: defaultName,
  help: 'name of the cluster; several clusters can run at the same time',
  parse: checkName,
} as const;
/** For commands that change nothing: the remedies of `k8ts path` name such commands without a name. */
const nameOfOne = {
  ...name,
  default: '',
  help: `name of the cluster; absent: the only one on this machine, or of several ${defaultName}`,
  parse: (text: string) => (text === '' ? '' : checkName(text)),
} as const;
const quiet = { flag: 'quiet', default: 'false', help: 'prints only the outcome', parse: parseBoolean } as const;

export const upOptions = {
  nodes: {
    flag: 'nodes',
    placeholder: 'N',
    default: '',
    help: `nodes, the control nodes among them: 1 to ${maxNodes}; absent: 3, or as many as the cluster has`,
    parse: (text: string) => (text === '' ? undefined : parseInteger(1, maxNodes)(text)),
  },
  store: {
    flag: 'store',
    placeholder: 'STORE',
    default: '',
    help: 'where the objects are: sqlite, or etcd (installs etcd-server); absent: the store of the cluster, etcd with several control planes, or else sqlite',
    parse: (text: string): StoreKind | undefined => (text === '' ? undefined : parseOneOf(...storeKinds)(text)),
  },
  controlPlanes: {
    flag: 'control-planes',
    placeholder: 'N',
    default: '',
    help: 'nodes that run an API server and a member of etcd: 1 or 3; absent: 1, or as many as the cluster has',
    parse: (text: string) => (text === '' ? undefined : Number(parseOneOf(...controlPlaneCounts.map(String))(text))),
  },
  name,
  subnet: {
    flag: 'subnet',
    placeholder: 'CIDR',
    default: '',
    help: 'range of the node network; absent: the first free range from 192.168.57.0/24 on',
    parse: (text: string) => (text === '' ? '' : checkSubnet(text)),
  },
  dualStack: {
    flag: 'dual-stack',
    default: '',
    help: 'nodes, pods and Services have IPv6 addresses too; absent: IPv4 alone, or the families of the cluster',
    parse: (text: string) => (text === '' ? undefined : parseBoolean(text)),
  },
  proxyMode: {
    flag: 'proxy-mode',
    placeholder: 'MODE',
    default: '',
    help: 'rules that kube-proxy writes: iptables or nftables; absent: iptables, or the mode of the cluster',
    parse: (text: string): ProxyMode | undefined => (text === '' ? undefined : parseOneOf(...proxyModes)(text)),
  },
  overlay: {
    flag: 'overlay',
    placeholder: 'MODE',
    default: '',
    help: 'how packets reach the pods of other nodes: host-gw (routes) or vxlan (a tunnel); absent: host-gw, or the mode of the cluster',
    parse: (text: string): LocalOverlay | undefined => (text === '' ? undefined : parseOneOf(...localOverlays)(text)),
  },
  hangTimeout: {
    flag: 'hang-timeout',
    placeholder: 'SECONDS',
    default: '',
    help: 'a process of k8ts that is silent for this time is killed and started again; 0: never; absent: 60, or the setting of the cluster',
    parse: (text: string) => (text === '' ? undefined : parseInteger(0, 86_400)(text)),
  },
  managedFields: {
    flag: 'managed-fields',
    placeholder: 'WRITES',
    default: '',
    help: 'writes that give an object its managedFields: all, or applied; absent: all, or the setting of the cluster',
    parse: (text: string): TrackedWrites | undefined => (text === '' ? undefined : parseOneOf('all', 'applied')(text)),
  },
  demo: {
    flag: 'demo',
    default: 'true',
    help: 'deploys the demo of hack/demo; --no-demo does not',
    parse: parseBoolean,
  },
  console: {
    flag: 'console',
    default: 'false',
    help: 'prints at the end a link that logs you in to the console of the cluster, as hack/console does',
    parse: parseBoolean,
  },
  quiet,
} satisfies OptionTable;

export const storeCommandOptions = {
  name,
  force: {
    flag: 'force',
    default: 'false',
    help: 'backup: replaces the file; restore: replaces the objects, which are kept: as a file next to the store (SQLite) or to FILE (etcd)',
    parse: parseBoolean,
  },
} satisfies OptionTable;
const { kubeconfig: _, ...pathCommandOptions } = allPathOptions;
/** The kubeconfig is that of the cluster. */
export const pathOptions = { name: nameOfOne, ...pathCommandOptions } satisfies OptionTable;
export const consoleOptions = { name: nameOfOne, ...consoleCommandOptions } satisfies OptionTable;

export const rulesOptions = { name: nameOfOne, ...rulesCommandOptions } satisfies OptionTable;
export const downOptions = { name, quiet } satisfies OptionTable;
export const statusOptions = { name: nameOfOne } satisfies OptionTable;
export const logsOptions = {
  name: nameOfOne,
  follow: { flag: 'follow', default: 'false', help: 'prints new lines as they arrive; also -f', parse: parseBoolean },
  lines: {
    flag: 'lines',
    placeholder: 'N',
    default: '100',
    help: 'number of last lines to print',
    parse: parseInteger(0, 1e9),
  },
} satisfies OptionTable;
