// hack/status: nodes, processes, ports, unhealthy parts, and the next command.
import { describeError } from '../../controlplane/base/errors';
import { etcdPorts } from '../../controlplane/process/etcd-runtime';
import { Api } from './api';
import { openCluster } from './cluster';
import { agentProblem, etcdProblem, probeTimeoutMs } from './health';
import { type Agent, apiPort, type ClusterPlan, controlNodes, type NodePlan } from './plan';
import { balancerHealthPort, controlProcess, healthPorts } from './processes';
import type { ProcessStatus } from './supervisor/spec';
import { processStatus, supervisorPid } from './supervisor-control';
import { requestJson } from './unix-http';

/** Prints the state of one cluster; returns 0 when all is well. */
export async function status(name: string, write: (text: string) => void): Promise<number> {
  const { plan } = openCluster(name);
  const option = plan.name === 'k8ts' ? '' : ` --name ${plan.name}`;
  const problems: string[] = [];
  write(
    `cluster ${plan.name}   API ${plan.server}   store ${plan.store}   context ${plan.context}   subnet ${plan.subnet} on ${plan.bridge}\n\n`,
  );
  if (supervisorPid(plan.runDir) === undefined) {
    write(`The supervisor is not running, so a process that ends is not started again.\nNext: hack/up${option}\n`);
    return 1;
  }
  write(await nodeTable(plan, problems));
  write(await processTable(plan, problems));
  if (problems.length === 0) {
    write('\nall is well\n');
    return 0;
  }
  write(`\nunhealthy:\n${problems.map((problem) => `  ${problem}\n`).join('')}`);
  const first = problems[0]!.split(':')[0]!;
  write(`Next: hack/logs${option} ${first.includes('node ') ? `${first.replace('node ', '')}/kubelet` : first}\n`);
  return 1;
}

async function nodeTable(plan: ClusterPlan, problems: string[]): Promise<string> {
  let nodes: Awaited<ReturnType<Api['nodes']>> = [];
  try {
    nodes = await (await Api.open(plan.adminConf)).nodes();
  } catch (err) {
    problems.push(`${controlNodes(plan).length > 1 ? 'balancer' : 'server'}: ${describeError(err)}`);
  }
  const rows = plan.nodes.map(({ name, ip, netns }) => {
    const node = nodes.find((other) => other.name === name);
    if (!node?.ready && nodes.length > 0) problems.push(`node ${name}: ${node?.reason ?? 'not registered'}`);
    return [name, ip, node ? (node.ready ? 'Ready' : 'NotReady') : 'unknown', netns];
  });
  return table([['NODE', 'ADDRESS', 'STATE', 'NETWORK NAMESPACE'], ...rows]);
}

async function processTable(plan: ClusterPlan, problems: string[]): Promise<string> {
  const processes = await processStatus(plan.runDir);
  const healths = await Promise.all(processes.map((entry) => healthOf(plan, entry)));
  const rows = processes.map((entry, i) => {
    const health = healths[i]!;
    if (health.problem) problems.push(`${entry.name}: ${health.problem}`);
    const since = entry.startedAt === undefined ? '' : age(Date.now() - entry.startedAt);
    return [entry.name, String(entry.pid ?? '-'), entry.state, since, restarts(entry), health.where];
  });
  return `\n${table([['PROCESS', 'PID', 'STATE', 'SINCE', 'RESTARTS', 'ANSWERS ON'], ...rows])}`;
}

const restarts = ({ restarts: times, hangs }: ProcessStatus): string =>
  hangs > 0 ? `${times} (${hangs} hung)` : String(times);

interface Health {
  readonly where: string;
  readonly problem?: string;
}

async function healthOf(plan: ClusterPlan, entry: ProcessStatus): Promise<Health> {
  const where = addressOf(plan, entry.name);
  if (entry.state !== 'running')
    return { where, problem: `${entry.state}, last ended with ${entry.lastExit ?? 'nothing'}` };
  try {
    const answer = await probe(plan, entry.name);
    return answer === undefined ? { where } : { where, problem: answer };
  } catch (err) {
    return { where, problem: `does not answer on ${where}: ${describeError(err)}` };
  }
}

function addressOf(plan: ClusterPlan, name: string): string {
  const control = controlPart(plan, name);
  if (control?.what === 'server') return apiAddress(control.node);
  if (control?.what === 'etcd') return `https://${control.node.ip}:${etcdPorts.client}`;
  if (name === 'balancer') return plan.server;
  if (name === 'registry') return `http://${plan.registry}`;
  if (name === 'registry-push') return `http://${plan.pushRegistry}`;
  const [nodeName, part] = name.split('/');
  const node = plan.nodes.find((other) => other.name === nodeName);
  if (!node) return '';
  return part === 'docker' ? node.dockerSocket : `127.0.0.1:${healthPort(part)} in ${node.netns}`;
}

const healthPort = (part: string | undefined): number =>
  part === 'balancer' ? balancerHealthPort : healthPorts[part as Agent];

const apiAddress = ({ ip }: NodePlan): string => `https://${ip}:${apiPort}`;

/** The node of a process of the control plane; undefined for every other process. */
function controlPart(
  plan: ClusterPlan,
  name: string,
): { readonly node: NodePlan; readonly what: 'server' | 'etcd' } | undefined {
  for (const node of controlNodes(plan)) {
    for (const what of ['server', 'etcd'] as const)
      if (controlProcess(plan, node, what) === name) return { node, what };
  }
  return undefined;
}

/** Undefined for a healthy process, else the fault. */
async function probe(plan: ClusterPlan, name: string): Promise<string | undefined> {
  const control = controlPart(plan, name);
  if (control?.what === 'etcd') return etcdProblem(control.node);
  if (control) {
    const api = await Api.open(plan.adminConf, probeTimeoutMs, apiAddress(control.node));
    return api.notReady();
  }
  if (name === 'balancer') {
    const answer = await fetch(`http://${plan.hostLoopback}:${balancerHealthPort}/readyz`, {
      signal: AbortSignal.timeout(probeTimeoutMs),
    });
    return answer.ok ? undefined : `answers ${answer.status}`;
  }
  if (name.endsWith('/docker')) {
    await requestJson({ socketPath: addressOf(plan, name), path: '/_ping', timeoutMs: probeTimeoutMs });
    return undefined;
  }
  if (name === 'registry' || name === 'registry-push') {
    const answer = await fetch(`${addressOf(plan, name)}/v2/`, { signal: AbortSignal.timeout(probeTimeoutMs) });
    await answer.arrayBuffer();
    return answer.ok ? undefined : `answers ${answer.status}`;
  }
  const [nodeName, part] = name.split('/');
  const node = plan.nodes.find((other) => other.name === nodeName);
  return node ? agentProblem(node, healthPort(part)) : `belongs to no node of this cluster`;
}

function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3600)}h`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
