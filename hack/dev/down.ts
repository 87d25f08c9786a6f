// hack/down: stops and removes everything of a cluster in any state, then compares the host with the record.
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { describeError } from '../../controlplane/base/errors';
import type { Exec } from '../../dataplane/exec/exec';
import { SystemMounts } from '../../dataplane/mount/system-mounts';
import { type Difference, diffRecords, recordHost } from './host-record';
import { withoutHosts } from './hosts-file';
import { killProcesses, listProcesses, namespaceIds, processesOf, removeCgroups } from './leftovers';
import { removeNetwork } from './network';
import { type ClusterPlan, type NodePlan, planCluster, planLargest, runRoot, stateRoot } from './plan';
import { isAgentProcess } from './processes';
import { Progress } from './progress';
import { type ClusterState, readState, recordedClusters, releaseForwarding } from './state';
import { processStatus, shutdownSupervisor, stopProcesses, supervisorPid } from './supervisor-control';
import { requestJson } from './unix-http';
import { removeFromUserKubeconfig } from './user-kubeconfig';

export interface DownContext {
  readonly exec: Exec;
  readonly name: string;
  readonly quiet: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly tty: boolean;
}

/** Returns the exit status: 0 when nothing of the cluster is left. */
export async function down({ exec, name, quiet, env, write, tty }: DownContext): Promise<number> {
  const state = readState(name);
  // Without a record, a start was interrupted very early: remove everything that a cluster of this name can have.
  const plan = state ? planCluster(state) : planLargest(name);
  const color = tty && env['NO_COLOR'] === undefined;
  const progress = new Progress({ write, tty, color, quiet, now: Date.now, total: 3 });
  await progress.step('Stopping processes and containers', () => stopEverything(exec, plan));
  await progress.step('Removing network, mounts and files', () => removeEverything(exec, plan, state));
  if (!state) {
    write(`No cluster ${name} was recorded; anything left of it has been removed.${knownClusters()}\n`);
    return 0;
  }
  const differences = await progress.step('Comparing the host with the record', async () =>
    diffRecords(state.before, await recordHost(exec, { kubeconfigPath: state.kubeconfig.path })).filter(
      // Other clusters of this host may still need these settings: the last cluster restores them.
      ({ aspect }) => aspect !== 'sysctls' || recordedClusters().length === 0,
    ),
  );
  const processes = processesOf(plan, new Set(), listProcesses(), process.pid);
  write(
    report(
      plan,
      differences,
      processes.map(({ pid, argv }) => `${pid} ${argv.slice(0, 100)}`),
    ),
  );
  return processes.length > 0 || differences.some((difference) => isOurs(plan, difference)) ? 1 : 0;
}

function knownClusters(): string {
  const names = recordedClusters();
  return names.length === 0 ? '' : ` Clusters on this host: ${names.join(', ')}.`;
}

/** Whether this cluster caused a difference, and not another change on the host meanwhile. Pure. */
export function isOurs(plan: ClusterPlan, { aspect, entry }: Difference): boolean {
  if (aspect === 'sysctls') return true;
  const marks = [plan.context, plan.bridge, plan.stateDir, plan.runDir, plan.cgroup];
  const words = entry.split(/[\s"]+/);
  const nodeNames = plan.nodes.flatMap((node) => [node.netns, node.veth]);
  return (
    words.some((word) => marks.includes(word) || nodeNames.includes(word) || word.startsWith(`${plan.gateway}/`)) ||
    [plan.stateDir, plan.runDir].some((dir) => entry.includes(`${dir}/`)) ||
    entry.endsWith(`/${plan.cgroup}`) ||
    entry.includes(plan.subnet)
  );
}

/** Prints only a count beyond this number of lines of one kind: a busy host creates hundreds of mounts. */
const maxLinesPerAspect = 5;

function report(plan: ClusterPlan, differences: readonly Difference[], processes: readonly string[]): string {
  if (differences.length === 0 && processes.length === 0) return 'host as found\n';
  const line = ({ aspect, change, entry }: Difference) => `  ${change === 'added' ? '+' : '-'} ${aspect}: ${entry}\n`;
  const ours = differences.filter((difference) => isOurs(plan, difference));
  const others = differences.filter((difference) => !isOurs(plan, difference));
  const left = [...ours.map(line), ...processes.map((text) => `  + process: ${text}\n`)].join('');
  const meanwhile = [...Map.groupBy(others, ({ aspect }) => aspect)]
    .map(([aspect, list]) => {
      const more = list.length - maxLinesPerAspect;
      return `${list.slice(0, maxLinesPerAspect).map(line).join('')}${more > 0 ? `    ${aspect}: and ${more} more\n` : ''}`;
    })
    .join('');
  return [
    left === '' ? '' : `Differs from the record taken before hack/up (+ is new, - is gone):\n${left}`,
    meanwhile === '' ? '' : `Changed on this host since hack/up, and not by this cluster:\n${meanwhile}`,
    left === '' ? 'host as found, apart from these\n' : '',
  ].join('');
}

/** Undoes a failed first start, and does all the work of hack/down except its report. */
export async function teardown(exec: Exec, plan: ClusterPlan, state: ClusterState | undefined): Promise<void> {
  await stopEverything(exec, plan);
  await removeEverything(exec, plan, state);
}

async function stopEverything(exec: Exec, plan: ClusterPlan): Promise<void> {
  if (supervisorPid(plan.runDir) !== undefined) {
    try {
      const names = (await processStatus(plan.runDir)).map(({ name }) => name);
      // The kubelets first: they would start removed containers again.
      await stopProcesses(plan.runDir, names.filter(isAgentProcess));
      await Promise.all(plan.nodes.map((node) => removeContainers(node)));
      await shutdownSupervisor(plan.runDir);
    } catch (err) {
      process.stderr.write(
        `  the supervisor could not stop the cluster (${describeError(err)}); killing its processes\n`,
      );
    }
  }
  const supervisor = supervisorPid(plan.runDir);
  if (supervisor !== undefined) process.kill(supervisor, 'SIGKILL');
  const ids = await namespaceIds(exec, plan);
  await killProcesses(processesOf(plan, ids, listProcesses(), process.pid));
}

async function removeContainers({ dockerSocket }: NodePlan): Promise<void> {
  if (!existsSync(dockerSocket)) return;
  try {
    const containers = await requestJson<{ Id: string }[]>({
      socketPath: dockerSocket,
      path: '/containers/json?all=1',
    });
    await Promise.all(
      containers.map(({ Id }) =>
        requestJson({ socketPath: dockerSocket, method: 'DELETE', path: `/containers/${Id}?force=1&v=1` }),
      ),
    );
  } catch {
    // The engine does not answer, or the container is already stopping: stopEverything() ends its processes anyway.
  }
}

async function removeEverything(exec: Exec, plan: ClusterPlan, state: ClusterState | undefined): Promise<void> {
  await removeNetwork(exec, plan);
  // Throws if a mount remains: the removal below must not reach the mounted folder, which may belong to the host.
  for (const dir of [plan.stateDir, plan.runDir]) await new SystemMounts().detachBelow(dir);
  removeCgroups(plan);
  if (existsSync('/etc/hosts')) {
    const text = readFileSync('/etc/hosts', 'utf8');
    const rest = withoutHosts(text, plan.context);
    if (rest !== text) writeFileSync('/etc/hosts', rest);
  }
  if (state) await removeFromUserKubeconfig(state.kubeconfig, plan.context);
  const forwarding = await releaseForwarding(plan.name);
  if (forwarding !== undefined) writeFileSync('/proc/sys/net/ipv4/ip_forward', forwarding);
  for (const dir of [plan.runDir, plan.stateDir]) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  for (const root of [runRoot, stateRoot]) if (existsSync(root) && readdirSync(root).length === 0) rmdirSync(root);
}
