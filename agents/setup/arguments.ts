// The command line of every process of a node, kept in /etc/k8ts/NAME.env. Pure.
import { BadRequest } from '../../controlplane/base/errors';
import { etcdFiles } from '../../controlplane/pki/etcd';
import { etcdArguments, etcdPorts } from '../../controlplane/process/etcd-runtime';
import { clusterDns, type Desired, defaults, hostPart } from './desired';
import {
  apiPort,
  balancerDir,
  balancerPort,
  dockerSocket,
  envPath,
  etcdDir,
  keptDir,
  kubeconfigPath,
  kubeletDir,
  type Part,
  partsOf,
  pkiDir,
  pushAddress,
  registryDir,
  serverDir,
  serverPkiDir,
} from './layout';

/** Options of the processes of k8ts. The registry has a configuration file instead. */
export function partArguments(part: Exclude<Part, 'registry'>, desired: Desired): readonly string[] {
  const { cluster, nodeName, nodeIp } = desired;
  const common = (kubeconfig: string) => [
    `--kubeconfig=${kubeconfig}`,
    `--node-name=${nodeName}`,
    `--node-ip=${nodeIp}`,
  ];
  switch (part) {
    case 'server':
      return [
        `--data-dir=${serverDir}`,
        `--pki-dir=${serverPkiDir}`,
        '--bind-address=0.0.0.0',
        '--secure-port=6443',
        `--advertise-address=${nodeIp}`,
        `--service-cidr=${cluster.serviceCidr}`,
        `--cluster-cidr=${cluster.clusterCidr}`,
        `--cluster-domain=${cluster.clusterDomain}`,
        `--load-balancer-pool=${desired.loadBalancerPool}`,
        ...storeArguments(desired),
      ];
    case 'etcd':
      return etcdArguments({
        name: nodeName,
        ip: nodeIp,
        dataDir: etcdDir,
        files: etcdFiles(serverPkiDir),
        initial: {
          cluster: desired.etcd?.initialCluster ?? '',
          state: desired.etcd?.state ?? 'new',
          token: 'k8ts',
        },
      });
    case 'balancer':
      return [
        `--listen=127.0.0.1:${balancerPort}`,
        `--servers=${[...new Set([...(desired.role === 'control' ? [`${hostPart(nodeIp)}:${apiPort}`] : []), new URL(desired.server).host])].join(',')}`,
        // It learns the others through itself, and remembers them.
        `--kubeconfig=${kubeconfigPath('dns')}`,
        `--state-file=${balancerDir}/servers.json`,
      ];
    case 'kubelet':
      return [
        ...common(kubeconfigPath('kubelet')),
        `--docker-host=unix://${dockerSocket}`,
        `--root-dir=${kubeletDir}`,
        `--pki-dir=${pkiDir}`,
        `--cluster-dns=${clusterDns(cluster)}`,
        `--cluster-domain=${cluster.clusterDomain}`,
        `--resolv-conf=${desired.resolvConf}`,
        `--overlay=${cluster.overlay}`,
        `--node-labels=${desired.nodeLabels}`,
      ];
    case 'kube-proxy':
      return [
        ...common(kubeconfigPath('kube-proxy')),
        `--cluster-cidr=${cluster.clusterCidr}`,
        `--service-cidr=${cluster.serviceCidr}`,
        // Upstream's kube-proxy does the same by default.
        ...(cluster.proxyMode === defaults.proxyMode ? [] : [`--proxy-mode=${cluster.proxyMode}`]),
      ];
    case 'dns':
      return [
        ...common(kubeconfigPath('dns')),
        `--state-dir=${keptDir('dns')}`,
        `--cluster-domain=${cluster.clusterDomain}`,
        `--resolv-conf=${desired.resolvConf}`,
      ];
    case 'ingress':
      return [
        ...common(kubeconfigPath('ingress')),
        `--state-dir=${keptDir('ingress')}`,
        `--cluster-domain=${cluster.clusterDomain}`,
        `--resolv-conf=${desired.resolvConf}`,
      ];
  }
}

function storeArguments({ etcd, nodeName }: Desired): readonly string[] {
  if (!etcd) return ['--store=sqlite'];
  const files = etcdFiles(serverPkiDir);
  return [
    // The member of this machine alone, as kubeadm does: without it this server is not ready, and clients go to another.
    `--store=etcd://127.0.0.1:${etcdPorts.client}`,
    `--etcd-cafile=${files.ca}`,
    `--etcd-certfile=${files.clientCert}`,
    `--etcd-keyfile=${files.clientKey}`,
    // With a name it competes for the Leases of controllers and scheduler: a second server may join at any time.
    `--node-name=${nodeName}`,
  ];
}

/** Path → text of the .env files of this machine. @throws BadRequest for a value that a unit could not pass on */
export function envFiles(desired: Desired): ReadonlyMap<string, string> {
  const own = partsOf(desired).filter((part) => part !== 'registry');
  return new Map(own.map((part) => [envPath(part), renderEnv(partArguments(part, desired))]));
}

/** systemd splits the value at blanks, and interprets quotes and backslashes. */
export function renderEnv(args: readonly string[]): string {
  const bad = args.find((arg) => /[\s"'\\$`%]/.test(arg));
  if (bad !== undefined)
    throw new BadRequest(`${bad}: blanks, quotes, backticks, backslashes, $ and % are not possible in it`);
  return `# Written by k8ts; changes are overwritten. Yours belong into /etc/default/k8ts-NAME as K8TS_EXTRA_ARGS.\nK8TS_ARGS="${args.join(' ')}"\n`;
}

/**
 * Configuration of docker-registry 2.x: plain HTTP for the engines of the cluster, read only. A client that could write, a pod among
 * others, would choose what the nodes run. Images are pushed to the instance on loopback.
 */
export const registryConfig = (desired: Desired): string => renderRegistry(desired.cluster.registry, true);
export const pushConfig = (): string => renderRegistry(pushAddress, false);

function renderRegistry(address: string, readOnly: boolean): string {
  return [
    '# Written by k8ts; changes are overwritten.',
    'version: 0.1',
    'log:',
    '  level: error',
    '  accesslog:',
    '    disabled: true',
    'storage:',
    '  filesystem:',
    `    rootdirectory: ${registryDir}`,
    '  maintenance:',
    '    readonly:',
    `      enabled: ${readOnly}`,
    'http:',
    `  addr: ${address}`,
    '',
  ].join('\n');
}
