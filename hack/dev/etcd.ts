// The etcd members of a local cluster, as data: command lines, addresses, and what the API server needs to reach them. Pure.
import { etcdFiles } from '../../controlplane/pki/etcd';
import { type ClusterPlan, type ControlPlan, controlNodes, type NodePlan } from './plan';

export const etcdPorts = {
  client: 2379,
  peer: 2380,
  /** Health and metrics, plain HTTP on the node's loopback. */
  health: 2381,
} as const;

/** Objects that many pods and Services add up to; etcd's default is 2 GiB, and at the limit it refuses every write. */
const quotaBytes = 8 * 1024 ** 3;
/** The API server writes an object with its claims and the addresses of a Service in one transaction; etcd's default is 128. */
const maxTxnOps = 10_000;
/** etcd keeps this many entries in memory before it writes a snapshot; its default is 100,000. */
const snapshotCount = 10_000;

/** Undefined on a node that keeps no data of etcd. @param program the path of etcd, 3.4 or later */
export function etcdArgv(plan: ClusterPlan, node: NodePlan, program: string): readonly string[] | undefined {
  const dataDir = node.control?.etcdDir;
  if (!node.control || dataDir === undefined) return undefined;
  const files = etcdFiles(node.control.pkiDir);
  const client = `https://${node.ip}:${etcdPorts.client}`;
  return [
    program,
    `--name=${node.name}`,
    `--data-dir=${dataDir}`,
    `--listen-client-urls=https://127.0.0.1:${etcdPorts.client},${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peerUrl(node)}`,
    `--initial-advertise-peer-urls=${peerUrl(node)}`,
    `--initial-cluster=${etcdNodes(plan)
      .map((member) => `${member.name}=${peerUrl(member)}`)
      .join(',')}`,
    '--initial-cluster-state=new',
    // Members of another cluster with the same addresses, made after this one was removed, do not mix with these.
    `--initial-cluster-token=${plan.context}`,
    `--listen-metrics-urls=http://127.0.0.1:${etcdPorts.health}`,
    `--trusted-ca-file=${files.ca}`,
    `--cert-file=${files.serverCert}`,
    `--key-file=${files.serverKey}`,
    '--client-cert-auth',
    `--peer-trusted-ca-file=${files.ca}`,
    `--peer-cert-file=${files.peerCert}`,
    `--peer-key-file=${files.peerKey}`,
    '--peer-client-cert-auth',
    // The API server compacts: it knows how old the watches are that it promises to go on with.
    '--auto-compaction-retention=0',
    `--max-txn-ops=${maxTxnOps}`,
    `--quota-backend-bytes=${quotaBytes}`,
    `--snapshot-count=${snapshotCount}`,
    '--logger=zap',
    '--log-outputs=stderr',
    '--log-level=warn',
  ];
}

const peerUrl = ({ ip }: NodePlan): string => `https://${ip}:${etcdPorts.peer}`;

/** The nodes that run a member of etcd. */
export const etcdNodes = (plan: ClusterPlan): readonly NodePlan[] =>
  controlNodes(plan).filter(({ control }) => control.etcdDir !== undefined);

/** The options of `k8ts server` for its store. A server asks the member of its own node first. */
export function storeOptions(plan: ClusterPlan, node: NodePlan, { pkiDir }: ControlPlan): readonly string[] {
  if (plan.store !== 'etcd') return [`--store=${plan.store}`];
  const files = etcdFiles(pkiDir);
  const members = etcdNodes(plan);
  const inOrder = [
    ...members.filter(({ name }) => name === node.name),
    ...members.filter(({ name }) => name !== node.name),
  ];
  return [
    `--store=etcd://${inOrder.map(({ ip }) => `${ip}:${etcdPorts.client}`).join(',')}`,
    `--etcd-cafile=${files.ca}`,
    `--etcd-certfile=${files.clientCert}`,
    `--etcd-keyfile=${files.clientKey}`,
  ];
}

/** etcd 3.4 starts on arm64 only with this; later versions ignore it. */
export const etcdEnvironment = (arch: string): Readonly<Record<string, string>> =>
  arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {};
