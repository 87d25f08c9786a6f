// hack/status: nodes, processes, ports, what is unhealthy, and the command that comes next.
import { describeError } from '../../controlplane/base/errors';
import { Api } from './api';
import { openCluster } from './cluster';
import { type Agent, agents, type ClusterPlan } from './plan';
import { healthPorts } from './processes';
import { processStatus, supervisorPid } from './supervisor/control';
import type { ProcessStatus } from './supervisor/spec';
import { requestJson } from './unix-http';

/** Prints the state of one cluster; returns 0 when all is well. */
export async function status(name: string, write: (text: string) => void): Promise<number> {
  const { plan } = openCluster(name);
  const option = name === 'k8ts' ? '' : ` --name ${name}`;
  const problems: string[] = [];
  write(
    `cluster ${plan.name}   API ${plan.server}   context ${plan.context}   subnet ${plan.subnet} on ${plan.bridge}\n\n`,
  );
  if (supervisorPid(plan.runDir) === undefined) {
    write(`The supervisor is not running, so nothing that ends is started again.\nNext: hack/up${option}\n`);
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
    problems.push(`server: ${describeError(err)}`);
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
    return [entry.name, String(entry.pid ?? '-'), entry.state, since, String(entry.restarts), health.where];
  });
  return `\n${table([['PROCESS', 'PID', 'STATE', 'SINCE', 'RESTARTS', 'ANSWERS ON'], ...rows])}`;
}

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
  if (name === 'server') return plan.server;
  if (name === 'registry') return `http://${plan.registry}`;
  const [nodeName, part] = name.split('/');
  const node = plan.nodes.find((other) => other.name === nodeName);
  if (!node) return '';
  return part === 'docker' ? node.dockerSocket : `${node.ip}:${healthPorts[part as Agent]}/healthz`;
}

/** undefined when it is healthy, else what is wrong. */
async function probe(plan: ClusterPlan, name: string): Promise<string | undefined> {
  if (name === 'server') return (await (await Api.open(plan.adminConf)).ready()) ? undefined : 'is not ready';
  if (name.endsWith('/docker')) {
    await requestJson({ socketPath: addressOf(plan, name), path: '/_ping', timeoutMs: 3_000 });
    return undefined;
  }
  const isAgent = agents.some((agent) => name.endsWith(`/${agent}`));
  const url = isAgent ? `http://${addressOf(plan, name)}` : `${addressOf(plan, name)}/v2/`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  const text = await answer.text();
  return answer.ok ? undefined : `${answer.status} ${text.trim().split('\n')[0]}`;
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
