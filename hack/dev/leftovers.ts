// Finds and removes what a stopped cluster may leave: processes and control groups. No process of the cluster has to answer.
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { systemClock } from '../../controlplane/base/clock';
import type { Exec } from '../../dataplane/exec/exec';
import { cgroupDirectories } from './host-record';
import type { ClusterPlan } from './plan';
import { startTicks } from './supervisor/proc';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly argv: string;
  /** net:[4026532...], '' when it cannot be read. */
  readonly netns: string;
}

export function listProcesses(): readonly RunningProcess[] {
  const list: RunningProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      list.push({ pid: Number(name), parent, argv, netns: readlinkSync(`/proc/${name}/ns/net`) });
    } catch {
      // The process ended meanwhile, or it is a kernel thread without a readable namespace.
    }
  }
  return list;
}

/** Directories of one cluster. */
export interface ClusterDirs {
  readonly runDir: string;
  readonly stateDir: string;
}

/**
 * The processes of the cluster, children included: container shims have its run directory in their command line; servers,
 * engines and agents have files below its state directory in theirs, even without namespaces and run directory; all others run
 * inside a node's namespace or are children of these. A user's `kubectl --kubeconfig` or `tail` is not included. Pure.
 */
export function processesOf(
  { runDir, stateDir }: ClusterDirs,
  netns: ReadonlySet<string>,
  processes: readonly RunningProcess[],
  self: number,
): readonly RunningProcess[] {
  const marks = [
    `${runDir}/`,
    `=${stateDir}/nodes/`,
    `=${stateDir}/server`,
    `=${stateDir}/pki/`,
    ` serve ${stateDir}/`,
  ];
  const found = new Set<number>();
  for (const { pid, argv, netns: inside } of processes) {
    if (marks.some((mark) => argv.includes(mark)) || argv.endsWith(runDir) || netns.has(inside)) found.add(pid);
  }
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  const kin = ancestors(self, processes);
  return processes.filter(({ pid }) => found.has(pid) && !kin.has(pid));
}

/** This process and its ancestors must survive, with any command line. */
function ancestors(self: number, processes: readonly RunningProcess[]): ReadonlySet<number> {
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const chain = new Set<number>();
  for (let pid: number | undefined = self; pid !== undefined && pid > 0 && !chain.has(pid); pid = parents.get(pid)) {
    chain.add(pid);
  }
  return chain;
}

/** The named namespaces that exist, as links under /proc spell them. */
export async function namespaceIds(exec: Exec, plan: ClusterPlan): Promise<ReadonlySet<string>> {
  const paths = plan.nodes.map((node) => `/run/netns/${node.netns}`).filter((path) => existsSync(path));
  if (paths.length === 0) return new Set();
  const { stdout } = await exec.run(['stat', '--dereference', '--format=net:[%i]', ...paths]);
  return new Set(stdout.trim().split('\n'));
}

const killTimeoutMs = 5_000;

/** Kills all processes at once and waits until they have ended. Returns the processes that still run. */
export async function killProcesses(processes: readonly RunningProcess[]): Promise<readonly RunningProcess[]> {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
    }
  }
  const deadline = systemClock.now() + killTimeoutMs;
  for (;;) {
    const left = processes.filter(({ pid }) => startTicks(pid) !== undefined);
    if (left.length === 0 || systemClock.now() > deadline) return left;
    await systemClock.sleep(30);
  }
}

/** Removes the cluster's control groups, and the common parent when no other cluster is in it. */
export function removeCgroups(plan: ClusterPlan): void {
  for (const parent of cgroupDirectories('k8ts')) {
    removeCgroup(`${parent}/${plan.name}`);
    if (subgroups(parent).length === 0) rmdirSync(parent);
  }
}

function removeCgroup(dir: string): void {
  if (!existsSync(dir)) return;
  for (const child of subgroups(dir)) removeCgroup(`${dir}/${child}`);
  try {
    rmdirSync(dir);
  } catch (err) {
    // EBUSY: a process in the group is still ending. If the group stays, the comparison with the record shows it.
    if ((err as NodeJS.ErrnoException).code !== 'EBUSY') throw err;
  }
}

const subgroups = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
