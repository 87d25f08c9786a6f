// How a member of etcd is run for a cluster: every way to start one uses these. Pure. Source of the options: etcd 3.4, Debian 12 and later.

export const etcdPorts = {
  client: 2379,
  peer: 2380,
  /** Health and metrics, plain HTTP on the machine's loopback. */
  health: 2381,
} as const;

/** Objects that many pods and Services add up to; etcd's default is 2 GiB, and at the limit it refuses every write. */
const quotaBytes = 8 * 1024 ** 3;
/** The API server writes an object with its claims and the addresses of a Service in one transaction; etcd's default is 128. */
const maxTxnOps = 10_000;
/** A body of the API may have 3 MB, and its object grows by managedFields; etcd's default is 1.5 MB. */
const maxRequestBytes = 8 * 1024 ** 2;
/** etcd keeps this many entries in memory before it writes a snapshot; its default is 100,000. */
const snapshotCount = 10_000;

export interface EtcdMember {
  readonly name: string;
  /** The address at which servers and other members reach it. */
  readonly ip: string;
}
/** Paths, as etcdFiles() of controlplane/pki/etcd.ts names them. */
export interface MemberFiles {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly peerCert: string;
  readonly peerKey: string;
}
export interface MemberOptions extends EtcdMember {
  readonly dataDir: string;
  readonly files: MemberFiles;
  /** Read at the first start alone; later the data says which members there are. */
  readonly initial: {
    /** NAME=URL, comma-joined, with the new member in it. */
    readonly cluster: string;
    /** existing: another member has announced this one. */
    readonly state: 'new' | 'existing';
    /** Members with another token do not mix with these, even at the same addresses. */
    readonly token: string;
  };
}

export function etcdArguments({ name, ip, dataDir, files, initial }: MemberOptions): readonly string[] {
  const client = `https://${hostPart(ip)}:${etcdPorts.client}`;
  return [
    `--name=${name}`,
    `--data-dir=${dataDir}`,
    `--listen-client-urls=https://127.0.0.1:${etcdPorts.client},${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peerUrl(ip)}`,
    `--initial-advertise-peer-urls=${peerUrl(ip)}`,
    `--initial-cluster=${initial.cluster}`,
    `--initial-cluster-state=${initial.state}`,
    `--initial-cluster-token=${initial.token}`,
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
    `--max-request-bytes=${maxRequestBytes}`,
    `--quota-backend-bytes=${quotaBytes}`,
    `--snapshot-count=${snapshotCount}`,
    // A member that comes back after a cut asks first whether it could win an election. Without this (etcd 3.4) it makes the others elect a
    // leader again, and writes wait for seconds.
    '--pre-vote',
    '--logger=zap',
    '--log-outputs=stderr',
    '--log-level=warn',
  ];
}

/** The members of a new cluster, as `initial.cluster` names them. */
export const initialCluster = (members: readonly EtcdMember[]): string =>
  members.map(({ name, ip }) => `${name}=${peerUrl(ip)}`).join(',');

export const peerUrl = (ip: string): string => `https://${hostPart(ip)}:${etcdPorts.peer}`;

const hostPart = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip);

/** etcd 3.4 starts on arm64 only with this; elsewhere it causes one line of warning. */
export const etcdEnvironment: Readonly<Record<string, string>> = { ETCD_UNSUPPORTED_ARCH: 'arm64' };
