// Options of `k8ts ingress`.
import { parseCidr } from '../../controlplane/base/cidr';
import { type OptionTable, type Parsed, parseInteger, parseList, parseText } from '../../controlplane/process/options';

const port = parseInteger(0, 65535);

export const options = {
  kubeconfig: { flag: 'kubeconfig', placeholder: 'FILE', help: 'how to reach the API server', parse: parseText },
  stateDir: {
    flag: 'state-dir',
    placeholder: 'DIR',
    default: '',
    help: 'keeps the last state for a start while no API server can be reached; absent: nothing is kept',
    parse: parseText,
  },
  nodeName: { flag: 'node-name', placeholder: 'NAME', help: 'the node this process serves', parse: parseText },
  nodeIp: { flag: 'node-ip', placeholder: 'ADDRESS', help: "the node's address", parse: parseText },
  bindAddress: {
    flag: 'bind-address',
    placeholder: 'ADDRESS',
    default: '0.0.0.0',
    help: 'address the HTTP and HTTPS ports listen on',
    parse: parseText,
  },
  httpPort: { flag: 'http-port', placeholder: 'PORT', default: '80', help: 'port for HTTP', parse: port },
  httpsPort: { flag: 'https-port', placeholder: 'PORT', default: '443', help: 'port for HTTPS', parse: port },
  healthzPort: {
    flag: 'healthz-port',
    placeholder: 'PORT',
    default: '10259',
    help: 'port for /healthz and /metrics',
    parse: port,
  },
  ingressClass: {
    flag: 'ingress-class',
    placeholder: 'NAME',
    default: 'k8ts',
    help: 'the IngressClass this controller serves',
    parse: parseText,
  },
  maxHeaderBytes: {
    flag: 'max-header-bytes',
    placeholder: 'BYTES',
    default: '16384',
    help: 'longest head of a request or an answer; a longer request gets 431, a longer answer of a backend becomes 502',
    parse: parseInteger(1_024, 1_048_576),
  },
  maxConnections: {
    flag: 'max-connections',
    placeholder: 'COUNT',
    default: '10000',
    help: 'connections of clients at once, on each of the two ports',
    parse: parseInteger(1, 1_000_000),
  },
  clusterDomain: {
    flag: 'cluster-domain',
    placeholder: 'DOMAIN',
    default: 'cluster.local',
    help: "the cluster's zone: the servers of --cluster-dns resolve ExternalNames in it",
    parse: (text: string) => text.toLowerCase().replace(/\.$/, ''),
  },
  clusterDns: {
    flag: 'cluster-dns',
    placeholder: 'IP:PORT,..',
    default: '',
    help: "name servers of the cluster's zone; by default the one of this node, at --node-ip",
    parse: parseList,
  },
  resolvConf: {
    flag: 'resolv-conf',
    placeholder: 'FILE',
    default: '/etc/resolv.conf',
    help: 'name servers for all other ExternalNames',
    parse: parseText,
  },
  refusedRanges: {
    flag: 'refused-backends',
    placeholder: 'CIDR,..',
    default: '',
    help: 'more ranges that no backend may be in: loopback, link-local, multicast and addresses of nodes are always refused',
    parse: (text: string) => parseList(text).map(parseCidr),
  },
} satisfies OptionTable;

export type Options = Parsed<typeof options>;
