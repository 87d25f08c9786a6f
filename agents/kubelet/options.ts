// Options of `k8ts kubelet`.
import { parseNodeLabels } from '../../controlplane/api';
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
import { parseNodeIps } from './node/address';
import { parseSysctlPatterns } from './spec/sysctls';

export const kubeletOptions = {
  kubeconfig: {
    flag: 'kubeconfig',
    placeholder: 'PATH',
    help: 'how to reach the API, as system:node:NAME',
    parse: parseText,
  },
  nodeName: { flag: 'node-name', placeholder: 'NAME', help: 'name of the Node object', parse: parseText },
  nodeIp: {
    flag: 'node-ip',
    placeholder: 'IP[,IP]',
    default: '',
    help: 'address of this node, and of its host-network pods, or one of each family; empty: the one that reaches the API server',
    parse: parseNodeIps,
  },
  overlay: {
    flag: 'overlay',
    placeholder: 'MODE',
    default: 'auto',
    help: 'ways to the pods of other nodes: host-gw (one link for all), vxlan, or auto (VXLAN to nodes on other links)',
    parse: parseOneOf('auto', 'host-gw', 'vxlan'),
  },
  checkPodSources: {
    flag: 'check-pod-sources',
    default: 'true',
    help: 'drop what pods send under the address or MAC of another, ARP and neighbour discovery too; --no-check-pod-sources for pods that route or bridge',
    parse: parseBoolean,
  },
  dockerHost: {
    flag: 'docker-host',
    placeholder: 'URL',
    default: 'unix:///var/run/docker.sock',
    help: "this node's Docker",
    parse: parseText,
  },
  rootDir: {
    flag: 'root-dir',
    placeholder: 'DIR',
    default: '/var/lib/kubelet',
    help: 'volumes and files of the pods',
    parse: parseText,
  },
  pkiDir: {
    flag: 'pki-dir',
    placeholder: 'DIR',
    help: 'ca.crt, kubelet.crt and kubelet.key of the HTTPS server',
    parse: parseText,
  },
  rotateCertificates: {
    flag: 'rotate-certificates',
    default: 'true',
    help: 'renew what lies in --pki-dir, and --kubeconfig with those of kube-proxy, dns and ingress beside it, before it ends',
    parse: parseBoolean,
  },
  clusterDns: {
    flag: 'cluster-dns',
    placeholder: 'IP',
    default: '10.96.0.10',
    help: 'name server of the pods',
    parse: parseText,
  },
  clusterDomain: {
    flag: 'cluster-domain',
    placeholder: 'NAME',
    default: 'cluster.local',
    help: 'DNS domain of the cluster',
    parse: parseText,
  },
  pauseImage: {
    flag: 'pause-image',
    placeholder: 'IMAGE',
    default: 'k8ts/pause:3.10',
    help: 'image of the container that holds the namespaces of a pod',
    parse: parseText,
  },
  port: {
    flag: 'port',
    placeholder: 'PORT',
    default: '10250',
    help: 'HTTPS port: logs, exec, pods',
    parse: parseInteger(0, 65535),
  },
  healthzPort: {
    flag: 'healthz-port',
    placeholder: 'PORT',
    default: '10248',
    help: 'port of GET /healthz on 127.0.0.1',
    parse: parseInteger(0, 65535),
  },
  nodeLabels: {
    flag: 'node-labels',
    placeholder: 'a=b,..',
    default: '',
    help: 'labels for the Node object',
    parse: parseNodeLabels,
  },
  resolvConf: {
    flag: 'resolv-conf',
    placeholder: 'PATH',
    default: '/etc/resolv.conf',
    help: 'resolver configuration that pods inherit from the node; the servers behind the stub of systemd-resolved, where that is all it names',
    parse: parseText,
  },
  maxPods: {
    flag: 'max-pods',
    placeholder: 'COUNT',
    default: '110',
    help: 'pods this node takes',
    parse: parseInteger(1, 1000),
  },
  allowedUnsafeSysctls: {
    flag: 'allowed-unsafe-sysctls',
    placeholder: 'NAME,..',
    default: '',
    help: 'sysctls that pods may set besides the safe ones: names, or beginnings with *, such as kernel.msg*; at your own risk',
    parse: (text: string): readonly string[] => parseSysctlPatterns(parseList(text)),
  },
  parallelStarts: {
    flag: 'parallel-starts',
    placeholder: 'COUNT',
    default: '16',
    help: 'containers that Docker is asked to start at the same time',
    parse: parseInteger(1, 1000),
  },
  shutdownGraceSeconds: {
    flag: 'shutdown-grace-period',
    placeholder: 'DURATION',
    default: '15s',
    help: 'what containers get at most to end when the machine goes down; their pods stay, and are started again. 0s leaves them to the machine',
    parse: (text: string): number => Math.round(parseDuration(text) / 1000),
  },
} satisfies OptionTable;

export type Options = Parsed<typeof kubeletOptions>;
