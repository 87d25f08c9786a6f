// Options of `k8ts kubelet`.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseNodeLabels } from '../../controlplane/api';
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
import { parseNodeIps } from './node/address';
import { argumentsOf } from './node/config-file';
import { policyOptions } from './node/policy-options';
import { parseShutdownPeriods } from './node/shutdown-plan';
import { parseSysctlPatterns } from './spec/sysctls';

const config = {
  flag: 'config',
  placeholder: 'FILE',
  default: '',
  help: 'a KubeletConfiguration of kubelet.config.k8s.io/v1beta1; options of the command line win',
  parse: parseText,
};

export const kubeletOptions = {
  config,
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
    help: 'address of this node, and of its host-network pods, or one of each family; empty: the source address towards the API server',
    parse: parseNodeIps,
  },
  overlay: {
    flag: 'overlay',
    placeholder: 'MODE',
    default: 'auto',
    help: 'how packets reach the pods of other nodes: host-gw (all nodes on one link), vxlan, or auto (VXLAN to nodes on other links)',
    parse: parseOneOf('auto', 'host-gw', 'vxlan'),
  },
  checkPodSources: {
    flag: 'check-pod-sources',
    default: 'true',
    help: 'drop packets that pods send under a foreign address or MAC, ARP and neighbour discovery too; --no-check-pod-sources for pods that route or bridge',
    parse: parseBoolean,
  },
  dockerHost: {
    flag: 'docker-host',
    placeholder: 'URL',
    default: 'unix:///var/run/docker.sock',
    help: 'address of Docker on this node',
    parse: parseText,
  },
  rootDir: {
    flag: 'root-dir',
    placeholder: 'DIR',
    default: '/var/lib/kubelet',
    help: 'folder for volumes and files of the pods',
    parse: parseText,
  },
  pkiDir: {
    flag: 'pki-dir',
    placeholder: 'DIR',
    help: 'folder with ca.crt, kubelet.crt and kubelet.key of the HTTPS server',
    parse: parseText,
  },
  rotateCertificates: {
    flag: 'rotate-certificates',
    default: 'true',
    help: 'renew the certificates before they end: in --pki-dir, in --kubeconfig, and in the kubeconfigs of kube-proxy, dns and ingress next to it',
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
    help: 'resolver configuration that pods inherit from the node; if it names only the stub of systemd-resolved, the file behind the stub',
    parse: parseText,
  },
  ...policyOptions,
  allowedUnsafeSysctls: {
    flag: 'allowed-unsafe-sysctls',
    placeholder: 'NAME,..',
    default: '',
    help: 'sysctls that pods may set in addition to the safe ones: names, or beginnings with *, such as kernel.msg*; at your own risk',
    parse: (text: string): readonly string[] => parseSysctlPatterns(parseList(text)),
  },
  parallelStarts: {
    flag: 'parallel-starts',
    placeholder: 'COUNT',
    default: '16',
    help: 'how many containers Docker starts at the same time',
    parse: parseInteger(1, 1000),
  },
  shutdownGraceSeconds: {
    flag: 'shutdown-grace-period',
    placeholder: 'DURATION',
    default: '15s',
    help: 'time for containers to end when the machine goes down; their pods stay and are started again. 0s: the kubelet does not end them',
    parse: (text: string): number => Math.round(parseDuration(text) / 1000),
  },
  nodeShutdownGracePeriod: {
    flag: 'node-shutdown-grace-period',
    placeholder: 'DURATION',
    default: '0s',
    help: 'shutdownGracePeriod of a KubeletConfiguration: when the machine goes down its pods fail within this time, and others start elsewhere; 0s: --shutdown-grace-period counts',
    parse: parseDuration,
  },
  nodeShutdownGracePeriodCriticalPods: {
    flag: 'node-shutdown-grace-period-critical-pods',
    placeholder: 'DURATION',
    default: '0s',
    help: 'the last part of this time, which is for critical pods',
    parse: parseDuration,
  },
  nodeShutdownGracePeriodByPodPriority: {
    flag: 'node-shutdown-grace-period-by-pod-priority',
    placeholder: 'PRIORITY=SECONDS,..',
    default: '',
    help: 'instead of both: the time of pods with at least this priority, one after another from the lowest priority',
    parse: parseShutdownPeriods,
  },
} satisfies OptionTable;

/** The arguments of the file that --config names come first: of two the last one counts. @throws BadRequest */
export function withConfigFile(argv: readonly string[]): readonly string[] {
  const at = argv.findLastIndex((arg) => arg === '--config' || arg.startsWith('--config='));
  const path = argv[at] === '--config' ? argv[at + 1] : argv[at]?.slice('--config='.length);
  if (!path) return argv;
  try {
    return [...argumentsOf(parse(readFileSync(path, 'utf8'))), ...argv];
  } catch (cause) {
    throw new BadRequest(`--config=${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

export type Options = Parsed<typeof kubeletOptions>;
