// The options of hack/up, down, status and logs.
import { type OptionTable, parseBoolean, parseInteger, parseOneOf } from '../../controlplane/process/options';
import { type ProxyMode, proxyModes } from '../../dataplane/service/mode';
import { checkName, checkSubnet, defaultName, maxNodes } from './plan';

const name = {
  flag: 'name',
  placeholder: 'NAME',
  default: defaultName,
  help: 'which cluster; several can run side by side',
  parse: checkName,
} as const;
const quiet = { flag: 'quiet', default: 'false', help: 'only the outcome', parse: parseBoolean } as const;

export const upOptions = {
  nodes: {
    flag: 'nodes',
    placeholder: 'N',
    default: '',
    help: `nodes, the control node among them: 1 to ${maxNodes}; absent: 3, or as many as the cluster has`,
    parse: (text: string) => (text === '' ? undefined : parseInteger(1, maxNodes)(text)),
  },
  name,
  subnet: {
    flag: 'subnet',
    placeholder: 'CIDR',
    default: '',
    help: 'range of the node network; absent: the first free one from 192.168.57.0/24 on',
    parse: (text: string) => (text === '' ? '' : checkSubnet(text)),
  },
  dualStack: {
    flag: 'dual-stack',
    default: '',
    help: 'nodes, pods and Services have IPv6 addresses too; absent: IPv4 alone, or as the cluster is',
    parse: (text: string) => (text === '' ? undefined : parseBoolean(text)),
  },
  proxyMode: {
    flag: 'proxy-mode',
    placeholder: 'MODE',
    default: '',
    help: 'what kube-proxy writes: iptables or nftables; absent: iptables, or as the cluster has it',
    parse: (text: string): ProxyMode | undefined => (text === '' ? undefined : parseOneOf(...proxyModes)(text)),
  },
  hangTimeout: {
    flag: 'hang-timeout',
    placeholder: 'SECONDS',
    default: '',
    help: 'a process of k8ts that gives no sign of life for so long is killed and started again; 0: never; absent: 60, or as the cluster has it',
    parse: (text: string) => (text === '' ? undefined : parseInteger(0, 86_400)(text)),
  },
  demo: {
    flag: 'demo',
    default: 'true',
    help: 'deploy the demo of hack/demo; --no-demo leaves it out',
    parse: parseBoolean,
  },
  quiet,
} satisfies OptionTable;

export const downOptions = { name, quiet } satisfies OptionTable;
export const statusOptions = { name } satisfies OptionTable;
export const logsOptions = {
  name,
  follow: { flag: 'follow', default: 'false', help: 'go on printing what is added; also -f', parse: parseBoolean },
  lines: {
    flag: 'lines',
    placeholder: 'N',
    default: '100',
    help: 'how many of the last lines',
    parse: parseInteger(0, 1e9),
  },
} satisfies OptionTable;
