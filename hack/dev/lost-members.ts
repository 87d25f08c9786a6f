// Members of etcd whose data is gone. Under its old membership such a member must never start again: it would forget votes and writes that
// it has acknowledged. So it leaves the cluster and joins it as a new one. Source: etcd 3.4, "Runtime reconfiguration" (replace a failed
// machine). Most times etcd itself sees that and ends, but not when the other members are slow to answer.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addLearner, type EtcdConnection, promoteMember, removeMember } from '../../agents/setup/control-plane/members';
import { etcdFiles } from '../../controlplane/pki/etcd';
import { etcdNodes } from './etcd';
import type { ClusterPlan, NodePlan } from './plan';

/**
 * The nodes whose member must join again. None when a majority has no data: the cluster starts for the first time, or only a backup helps.
 * @param hasData whether a member has joined with the data of this folder; one that cannot join leaves a folder without a log
 */
export function lostMembers(
  plan: ClusterPlan,
  hasData: (etcdDir: string) => boolean = (dir) => existsSync(join(dir, 'member/wal')),
): readonly NodePlan[] {
  const members = etcdNodes(plan);
  const lost = members.filter(({ control }) => !hasData(control!.etcdDir!));
  return lost.length * 2 < members.length ? lost : [];
}

/** Next to the data. */
const rejoinedMark = (node: NodePlan): string => `${node.control!.etcdDir}.rejoined`;
/** Exists once the member has started: from then on it needs its data. */
const startedMark = (etcdDir: string): string => `${etcdDir}.started`;

const guard = `if [ -e "$1" ] && [ ! -d "$2/member/wal" ]; then
  echo "etcd has lost its data in $2: hack/up lets it join again while a majority of the members has theirs; else restore a backup" >&2
  exit 1
fi
shift 2
exec "$@"`;

/** The command line of one of several members, which is refused once the data is gone. */
export const guarded = (etcdDir: string, argv: readonly string[]): readonly string[] => [
  ...['/bin/sh', '-c', guard, 'etcd', startedMark(etcdDir), etcdDir],
  ...argv,
];

/** After all members have started. */
export function markStarted(plan: ClusterPlan): void {
  for (const { control } of etcdNodes(plan)) writeFileSync(startedMark(control!.etcdDir!), '');
}

export interface ReplacedMembers {
  /** Their members have no data. */
  readonly lost: readonly NodePlan[];
  /** Names of the nodes whose member has joined, or will join, a cluster that was there. */
  readonly rejoined: ReadonlySet<string>;
}

export function replacedMembers(plan: ClusterPlan): ReplacedMembers {
  const lost = lostMembers(plan);
  const before = etcdNodes(plan).filter((node) => existsSync(rejoinedMark(node)));
  return { lost, rejoined: new Set([...before, ...lost].map(({ name }) => name)) };
}

/** Announces the member again; its process must be stopped, and the others must answer. @throws Unavailable */
export async function announceAgain(plan: ClusterPlan, node: NodePlan): Promise<void> {
  const etcd = connectionBeside(plan, node);
  await removeMember(etcd, node.ip);
  rmSync(node.control!.etcdDir!, { recursive: true, force: true });
  rmSync(startedMark(node.control!.etcdDir!), { force: true });
  writeFileSync(rejoinedMark(node), '');
  await addLearner(etcd, node.ip);
}

/** Gives the member its vote once it has caught up. Undefined on success, also for one that has it; else why it must be tried again. */
export const voteProblem = (plan: ClusterPlan, node: NodePlan): Promise<string | undefined> =>
  promoteMember(connectionBeside(plan, node), node.ip);

/** To another member than that of the node. */
function connectionBeside(plan: ClusterPlan, node: NodePlan): EtcdConnection {
  const { ip, control } = etcdNodes(plan).find(({ name }) => name !== node.name)!;
  const files = etcdFiles(control!.pkiDir);
  const [ca, cert, key] = [files.ca, files.clientCert, files.clientKey].map((path) => readFileSync(path, 'utf8'));
  return { ip, ca: ca!, client: { cert: cert!, key: key! } };
}
