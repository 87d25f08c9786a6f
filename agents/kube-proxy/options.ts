// Options of `k8ts kube-proxy`.
import { cidrContains, formatCidr, parseCidr } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';
import {
  type OptionTable,
  type Parsed,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseList,
  parseOneOf,
  parseText,
} from '../../controlplane/process/options';
import { proxyModes } from '../../dataplane/service/mode';

const port = parseInteger(0, 65535);

/** At most one range per family. */
function parseClusterCidrs(text: string): readonly string[] {
  const cidrs = parseList(text).map(parseCidr);
  const families = cidrs.map((cidr) => cidr.family);
  if (cidrs.length === 0 || new Set(families).size < families.length) {
    throw new BadRequest('expected one IPv4 range, one IPv6 range, or one of each with a comma between');
  }
  return cidrs.map(formatCidr);
}

/** As upstream: `primary` alone, or ranges. Node ports do not work on loopback, so a range there is refused. */
function parseNodePortAddresses(text: string): readonly string[] {
  const parts = parseList(text);
  if (parts.includes('primary') && parts.length > 1) throw new BadRequest('primary stands alone');
  return parts.map((part) => {
    if (part === 'primary') return part;
    const range = parseCidr(part);
    const loopback = parseCidr(range.family === 4 ? '127.0.0.0/8' : '::1/128');
    if (cidrContains(loopback, { family: range.family, value: range.base }))
      throw new BadRequest(`node ports do not work on loopback (${part})`);
    return formatCidr(range);
  });
}

export const options = {
  kubeconfig: {
    flag: 'kubeconfig',
    placeholder: 'FILE',
    default: '',
    help: 'how to reach the API server; needed unless --cleanup',
    parse: parseText,
  },
  nodeName: {
    flag: 'node-name',
    placeholder: 'NAME',
    default: '',
    help: 'the node this process serves; needed unless --cleanup',
    parse: parseText,
  },
  nodeIp: {
    flag: 'node-ip',
    placeholder: 'ADDRESS',
    default: '',
    help: 'accepted for older unit files, not used',
    parse: parseText,
  },
  clusterCidr: {
    flag: 'cluster-cidr',
    placeholder: 'CIDR',
    default: '10.244.0.0/16',
    help: 'range of all pods; a comma joins an IPv4 and an IPv6 range',
    parse: parseClusterCidrs,
  },
  serviceCidr: {
    flag: 'service-cidr',
    placeholder: 'CIDR',
    default: '',
    help: 'ranges of ClusterIPs: packets to an address in them or in further ServiceCIDRs without a Service are dropped and do not leave the node; empty: not dropped',
    parse: (text) => parseList(text).map((cidr) => formatCidr(parseCidr(cidr))),
  },
  nodePortAddresses: {
    flag: 'nodeport-addresses',
    placeholder: 'CIDR|primary',
    default: '',
    help: "node ports are open on the node's addresses in these ranges; primary: on the address of its Node; empty: on all but loopback",
    parse: parseNodePortAddresses,
  },
  proxyMode: {
    flag: 'proxy-mode',
    placeholder: 'MODE',
    default: 'iptables',
    help: 'how rules of Services are written: iptables or nftables',
    parse: parseOneOf(...proxyModes),
  },
  conntrackMaxPerCore: {
    flag: 'conntrack-max-per-core',
    placeholder: 'COUNT',
    default: '32768',
    help: 'least number of tracked connections per core; 0: keep the setting of the machine',
    parse: parseInteger(0, 2 ** 31 - 1),
  },
  conntrackMin: {
    flag: 'conntrack-min',
    placeholder: 'COUNT',
    default: '131072',
    help: 'least number of tracked connections, for any number of cores',
    parse: parseInteger(0, 2 ** 31 - 1),
  },
  conntrackEstablished: {
    flag: 'conntrack-tcp-timeout-established',
    placeholder: 'DURATION',
    default: '24h',
    help: 'least time that an idle TCP connection is tracked; 0: keep the setting of the machine',
    parse: parseDuration,
  },
  conntrackCloseWait: {
    flag: 'conntrack-tcp-timeout-close-wait',
    placeholder: 'DURATION',
    default: '1h',
    help: 'the same for a half-closed TCP connection',
    parse: parseDuration,
  },
  conntrackUdp: {
    flag: 'conntrack-udp-timeout',
    placeholder: 'DURATION',
    default: '0',
    help: 'the same for a UDP flow without an answer',
    parse: parseDuration,
  },
  conntrackUdpStream: {
    flag: 'conntrack-udp-timeout-stream',
    placeholder: 'DURATION',
    default: '0',
    help: 'the same for a UDP flow with an answer',
    parse: parseDuration,
  },
  conntrackBeLiberal: {
    flag: 'conntrack-tcp-be-liberal',
    default: 'false',
    help: 'accept TCP packets outside the window as part of their connection',
    parse: parseBoolean,
  },
  bindAddress: {
    flag: 'healthz-bind-address',
    placeholder: 'ADDRESS',
    default: '0.0.0.0',
    help: 'address of /healthz, which load balancers outside the cluster request',
    parse: parseText,
  },
  healthzPort: { flag: 'healthz-port', placeholder: 'PORT', default: '10256', help: 'port for /healthz', parse: port },
  metricsPort: {
    flag: 'metrics-port',
    placeholder: 'PORT',
    default: '10249',
    help: 'port for /metrics, on 127.0.0.1',
    parse: port,
  },
  announceLoadBalancers: {
    flag: 'announce-load-balancers',
    default: 'true',
    help: "answer ARP on the node's link for addresses of Services of type LoadBalancer; =false where another program does",
    parse: parseBoolean,
  },
  cleanup: {
    flag: 'cleanup',
    default: 'false',
    help: 'remove every rule and chain of k8ts, then end',
    parse: parseBoolean,
  },
} satisfies OptionTable;

export type Options = Parsed<typeof options>;
