// Options of `k8ts init`, `k8ts join` and `k8ts reset`. An absent option means the value of an earlier run, or one found on the machine.
import { isIP } from 'node:net';
import { parseNodeLabels } from '../../controlplane/api';
import { BadRequest } from '../../controlplane/base/errors';
import {
  type OptionTable,
  parseBoolean,
  parseInteger,
  parseOneOf,
  parseText,
} from '../../controlplane/process/options';
import { normalRange } from './desired';

function parseIp(text: string): string {
  if (text !== '' && isIP(text) === 0) throw new BadRequest('expected an IP address');
  return text;
}

/** Checked here, so that a wrong value does not keep the kubelet from starting. @throws BadRequest */
function checkNodeLabels(text: string): string {
  parseNodeLabels(text);
  return text;
}

const node = {
  nodeName: {
    flag: 'node-name',
    placeholder: 'NAME',
    default: '',
    help: 'name of this node; absent: the host name',
    parse: parseText,
  },
  nodeIp: {
    flag: 'node-ip',
    placeholder: 'IP',
    default: '',
    help: 'address at which the other nodes reach this machine; absent: the address of the route to the API server, or out of the machine',
    parse: parseIp,
  },
  nodeLabels: {
    flag: 'node-labels',
    placeholder: 'a=b,..',
    default: '',
    help: 'labels for the Node object',
    parse: checkNodeLabels,
  },
  resolvConf: {
    flag: 'resolv-conf',
    placeholder: 'PATH',
    default: '',
    help: 'name servers for pods and for names outside the cluster; absent: those of /etc/resolv.conf, or behind systemd-resolved',
    parse: parseText,
  },
  allowSwap: { flag: 'allow-swap', default: 'false', help: 'accept a machine with swap', parse: parseBoolean },
  start: {
    flag: 'start',
    default: 'true',
    help: 'start the processes; with --no-start they start at the next boot, for example of an image',
    parse: parseBoolean,
  },
  wait: {
    flag: 'wait',
    default: 'true',
    help: 'wait until this node is Ready; --no-wait: do not wait',
    parse: parseBoolean,
  },
} satisfies OptionTable;

export const initOptions = {
  ...node,
  clusterCidr: {
    flag: 'cluster-cidr',
    placeholder: 'CIDR',
    default: '',
    help: 'range of pod IPs; absent: 10.244.0.0/16',
    parse: normalRange,
  },
  serviceCidr: {
    flag: 'service-cidr',
    placeholder: 'CIDR',
    default: '',
    help: 'range of cluster IPs; absent: 10.96.0.0/12',
    parse: normalRange,
  },
  clusterDomain: {
    flag: 'cluster-domain',
    placeholder: 'NAME',
    default: '',
    help: 'DNS zone of the cluster; absent: cluster.local',
    parse: parseText,
  },
  loadBalancerPool: {
    flag: 'load-balancer-pool',
    placeholder: 'RANGES',
    default: '',
    help: "addresses for Services of type LoadBalancer, comma-joined ranges, or none; absent: .240-.250 of this node's /24",
    parse: parseText,
  },
  overlay: {
    flag: 'overlay',
    placeholder: 'MODE',
    default: '',
    help: 'auto (routes on one link, VXLAN to other subnets), host-gw or vxlan; absent: auto',
    parse: parseOneOf('', 'auto', 'host-gw', 'vxlan'),
  },
  proxyMode: {
    flag: 'proxy-mode',
    placeholder: 'MODE',
    default: '',
    help: 'how Services are programmed: iptables or nftables; absent: iptables',
    parse: parseOneOf('', 'iptables', 'nftables'),
  },
  store: {
    flag: 'store',
    placeholder: 'STORE',
    default: '',
    help: 'where the objects are: sqlite, or etcd (package etcd-server), which several control machines can share; absent: sqlite',
    parse: parseOneOf('', 'sqlite', 'etcd'),
  },
  registryPort: {
    flag: 'registry-port',
    placeholder: 'PORT',
    default: '',
    help: 'port of the image registry; absent: 5000',
    parse: (text: string) => (text === '' ? undefined : parseInteger(1, 65535)(text)),
  },
  images: {
    flag: 'images',
    placeholder: 'DIR',
    default: '',
    help: 'images for the registry: an OCI image layout, or archives of docker save; absent: those of the package',
    parse: parseText,
  },
} satisfies OptionTable;

export const joinOptions = {
  ...node,
  token: {
    flag: 'token',
    placeholder: 'ID.SECRET',
    default: '',
    help: 'printed by k8ts token create; needed only until the node has its certificates',
    parse: parseText,
  },
  caHash: {
    flag: 'ca-cert-hash',
    placeholder: 'sha256:HEX',
    default: '',
    help: "of the cluster's certificate authority; other servers are refused",
    parse: parseText,
  },
  controlPlane: {
    flag: 'control-plane',
    default: 'false',
    help: 'make this machine a further control machine: an API server and a member of etcd',
    parse: parseBoolean,
  },
  certificateKey: {
    flag: 'certificate-key',
    placeholder: 'HEX',
    default: '',
    help: 'printed by k8ts token create --control-plane; with --control-plane, until the machine has the certificates',
    parse: parseText,
  },
  registry: {
    flag: 'registry',
    placeholder: 'HOST:PORT',
    default: '',
    help: 'image registry to try before those of the Internet, or none; absent: that of the cluster',
    parse: parseText,
  },
} satisfies OptionTable;

export const resetOptions = {
  yes: {
    flag: 'yes',
    default: 'false',
    help: 'remove; without it, only print what would be removed',
    parse: parseBoolean,
  },
} satisfies OptionTable;
