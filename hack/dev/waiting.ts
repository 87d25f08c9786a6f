// What the start of a cluster waits for, and why it still waits.
import { existsSync, readFileSync } from 'node:fs';
import { Api } from './api';
import { waitUntil } from './cluster';
import { lastLines } from './logs';
import { apiPort, type ClusterPlan, controlNodes } from './plan';
import { controlProcess, logPath } from './processes';
import { processStatus } from './supervisor-control';

/** For each server: several start at the same time, and share the processors of this machine. */
const serverTimeoutMs = 30_000;
const nodesTimeoutMs = 60_000;

/** Resolves when all API servers are ready. @throws Unavailable */
export async function serversReady(plan: ClusterPlan): Promise<void> {
  const nodes = controlNodes(plan);
  await Promise.all(
    nodes.map(async (node) => {
      const api = await Api.open(plan.adminConf, undefined, `https://${node.ip}:${apiPort}`);
      await waitUntil(`the API server of ${node.name} is ready`, serverTimeoutMs * nodes.length, async () =>
        (await api.ready()) ? undefined : await whyWaiting(plan, controlProcess(plan, node, 'server')),
      );
    }),
  );
}

/** Resolves when all nodes of the plan are Ready. @throws Unavailable */
export async function nodesReady(plan: ClusterPlan, api: Api): Promise<void> {
  await waitUntil(`${plan.nodes.length} nodes are Ready`, nodesTimeoutMs, async () => {
    const nodes = await api.nodes();
    const missing = plan.nodes.filter((node) => !nodes.some(({ name, ready }) => name === node.name && ready));
    const first = missing[0];
    if (!first) return undefined;
    const reason = nodes.find(({ name }) => name === first.name)?.reason ?? 'its kubelet has not registered it';
    return `${first.name}: ${reason}; ${await whyWaiting(plan, `${first.name}/kubelet`)}`;
  });
}

/** The supervisor's state of a process that does not answer. */
export async function whyWaiting(plan: ClusterPlan, name: string): Promise<string> {
  const status = (await processStatus(plan.runDir)).find((entry) => entry.name === name);
  if (!status) return `${name} is not known to the supervisor`;
  const ended = status.restarts > 0 ? `, ended ${status.restarts} times, last with ${status.lastExit}` : '';
  return `${name} is ${status.state}${ended}; see: hack/logs${nameOption(plan)} ${name}${lastWords(logPath(plan, name))}`;
}

/** The last line of a log: the first start of a cluster that fails is undone, and its logs with it. */
function lastWords(path: string): string {
  const line = existsSync(path) ? lastLines(readFileSync(path, 'utf8'), 1).trim() : '';
  return line === '' ? '' : `\n  its last words: ${line.slice(0, 300)}`;
}

/** For commands in messages. */
export const nameOption = ({ name }: ClusterPlan): string => (name === 'k8ts' ? '' : ` --name ${name}`);
