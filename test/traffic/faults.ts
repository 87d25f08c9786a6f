// Does the faults of a schedule to a cluster, each until all is well again.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Deployment, deployments, isReady, nodes, type Pod, pods } from '../../controlplane/api';
import type { Client } from '../../controlplane/client/client';
import type { Exec } from '../../dataplane/exec/exec';
import type { ClusterPlan, NodePlan } from '../../hack/dev/plan';
import { requestJson } from '../../hack/dev/unix-http';
import type { EndedPod, Fault } from './accounts';
import { Processes } from './processes';
import { events, type Step } from './schedule';
import { namespace, replicas } from './workload';

export interface FaultDeps {
  readonly plan: ClusterPlan;
  readonly client: Client;
  readonly exec: Exec;
  /** Milliseconds since the run began. */
  readonly now: () => number;
  readonly downMs: number;
  readonly lossMs: number;
  /** Processes of the API servers. */
  readonly servers: readonly string[];
  readonly onChange: (fault: Fault) => void;
  /** From 0 to below 1, of the seed. */
  readonly random: () => number;
}

/** Longer than anything takes on a busy machine; then the run fails. */
const recoveryTimeoutMs = 300_000;

export class Faults {
  /** All faults so far; the running ones have no end. */
  readonly list: Fault[] = [];
  private readonly processes: Processes;
  private readonly lost = new Set<string>();
  private serversAreDown = false;
  /** What mends the faults that last now. */
  private readonly undo = new Set<() => Promise<void>>();

  constructor(private readonly deps: FaultDeps) {
    this.processes = new Processes(deps.plan);
  }

  /** Does one step. Kills on a node that is lost, and of servers that are down, are left out. @throws when all is not well in time */
  async run(step: Step): Promise<void> {
    if (!events.includes(step.kind)) {
      if (!this.lost.has(step.node)) await this.kill(step);
      return;
    }
    if (step.kind === 'api-down') await this.apiDown(step);
    else if (step.kind === 'rollout') await this.rollout(step);
    else if (step.kind === 'drain') await this.drain(step);
    else if (step.kind === 'node-loss') await this.loseNode(step);
    else await this.killPod(step);
  }

  /** Mends what an aborted run leaves behind: servers that are down, a node that is lost. */
  async restore(): Promise<void> {
    for (const undo of this.undo) {
      this.undo.delete(undo);
      await undo();
    }
  }

  /** Resolves when every pod of the workload is ready and every node is. */
  async settled(): Promise<void> {
    const { client } = this.deps;
    const signal = AbortSignal.timeout(recoveryTimeoutMs);
    await this.processes.poll(signal, async () => {
      const { items } = await client.list(nodes);
      return items.every(isReady) && isComplete(await client.get(deployments, `${namespace}/web`));
    });
  }

  private async kill({ kind, node }: Step): Promise<void> {
    const name = `${node}/${kind}`;
    await this.during({ kind, node }, async () => {
      const pid = await this.processes.kill(name);
      await this.processes.back(name, pid, AbortSignal.timeout(recoveryTimeoutMs + this.deps.downMs), {
        // Without an API server it may be alive but not ready.
        isAnswerEnough: () => this.serversAreDown,
        isPointless: () => this.lost.has(node),
      });
    });
  }

  private async apiDown(step: Step): Promise<void> {
    const { servers, downMs } = this.deps;
    await this.during(step, async () => {
      const start = await this.processes.keepDown(servers);
      this.serversAreDown = true;
      await this.lasting(downMs, async () => {
        await start();
        this.serversAreDown = false;
      });
      for (const name of servers) await this.processes.back(name, undefined, AbortSignal.timeout(recoveryTimeoutMs));
      await this.settled();
    });
  }

  private async rollout(step: Step): Promise<void> {
    await this.during(step, async () => {
      await this.kubectl('-n', namespace, 'rollout', 'restart', 'deployment/web');
      await this.kubectl('-n', namespace, 'rollout', 'status', 'deployment/web', '--timeout=280s');
      await this.settled();
    });
  }

  private async drain(step: Step): Promise<void> {
    await this.during(step, async () => {
      await this.kubectl('drain', step.node, '--ignore-daemonsets', '--timeout=280s');
      await this.kubectl('uncordon', step.node);
      await this.settled();
    });
  }

  /** The node's link is cut; its processes and containers end at once, and start again when the link is back. */
  private async loseNode(step: Step): Promise<void> {
    const { plan, exec, lossMs, now } = this.deps;
    const node = plan.nodes.find(({ name }) => name === step.node)!;
    const containers = await containerPids(node);
    const killed = await this.podsOn(step.node);
    this.lost.add(step.node);
    const at = now();
    await this.during(
      {
        kind: step.kind,
        node: step.node,
        killed: killed.map((pod) => ({ ...pod, at })),
      },
      async () => {
        await exec.run(['ip', 'link', 'set', node.veth, 'down']);
        const parts = await this.processes.of(step.node);
        const start = await this.processes.keepDown(parts);
        for (const pid of containers) killIfThere(pid);
        await this.lasting(lossMs, async () => {
          await exec.run(['ip', 'link', 'set', node.veth, 'up']);
          await start();
          this.lost.delete(step.node);
        });
        const signal = AbortSignal.timeout(recoveryTimeoutMs);
        for (const name of parts) await this.processes.back(name, undefined, signal);
        await this.settled();
      },
    );
  }

  /** SIGKILL to the server in a pod: the kubelet starts its container again. */
  private async killPod(step: Step): Promise<void> {
    const { client, plan, random, now } = this.deps;
    const ready = (await this.pods()).filter((pod) => isReady(pod) && !pod.metadata?.deletionTimestamp);
    const chosen = ready[Math.floor(random() * ready.length)];
    const node = plan.nodes.find(({ name }) => name === chosen?.spec?.nodeName);
    const id = chosen?.status?.containerStatuses?.[0]?.containerID?.replace(/^docker:\/\//, '');
    if (!chosen || !node || id === undefined) return;
    const pid = await pidOf(node, id);
    const restarts = restartsOf(chosen);
    const key = `${namespace}/${chosen.metadata!.name}`;
    await this.during({ ...step, killed: [{ ...endedPod(chosen), at: now() }] }, async () => {
      killIfThere(pid);
      const signal = AbortSignal.timeout(recoveryTimeoutMs);
      await this.processes.poll(signal, async () => {
        const pod = await client.get(pods, key).catch(() => undefined);
        return !pod || (isReady(pod) && restartsOf(pod) > restarts);
      });
      await this.settled();
    });
  }

  /** Waits, then does `undo`; restore() does it earlier. */
  private async lasting(ms: number, undo: () => Promise<void>): Promise<void> {
    this.undo.add(undo);
    await sleep(ms);
    if (this.undo.delete(undo)) await undo();
  }

  private async during(fault: Omit<Fault, 'from' | 'until'>, work: () => Promise<void>): Promise<void> {
    const { kind, node, killed } = fault;
    const begun: Fault = {
      kind,
      node,
      from: this.deps.now(),
      ...(killed === undefined ? {} : { killed }),
    };
    const index = this.list.push(begun) - 1;
    this.deps.onChange(begun);
    await work();
    const ended = { ...begun, until: this.deps.now() };
    this.list[index] = ended;
    this.deps.onChange(ended);
  }

  private async pods(): Promise<readonly Pod[]> {
    const { items } = await this.deps.client.list(pods, { namespace, labelSelector: 'app=web' });
    return items;
  }

  private async podsOn(node: string): Promise<readonly Omit<EndedPod, 'at'>[]> {
    return (await this.pods()).filter(({ spec }) => spec?.nodeName === node).map(endedPod);
  }

  private async kubectl(...args: readonly string[]): Promise<void> {
    const { exec, plan } = this.deps;
    await exec.run(['kubectl', '--kubeconfig', plan.adminConf, ...args], { timeoutMs: recoveryTimeoutMs });
  }
}

const endedPod = ({ metadata, status }: Pod): Omit<EndedPod, 'at'> => ({
  name: metadata?.name ?? '',
  address: status?.podIP ?? '',
});

const restartsOf = ({ status }: Pod): number => status?.containerStatuses?.[0]?.restartCount ?? 0;

const isComplete = ({ metadata, spec, status }: Deployment): boolean =>
  status?.observedGeneration === metadata?.generation &&
  spec?.replicas === replicas &&
  status?.readyReplicas === replicas &&
  status?.updatedReplicas === replicas &&
  status?.replicas === replicas;

async function containerPids(node: NodePlan): Promise<readonly number[]> {
  const list = await requestJson<{ Id: string }[]>({ socketPath: node.dockerSocket, path: '/containers/json' });
  return Promise.all(list.map(({ Id }) => pidOf(node, Id)));
}

/** The first process of a container as the host sees it. */
export async function pidOf(node: NodePlan, id: string): Promise<number> {
  const path = `/containers/${id}/json`;
  return (await requestJson<{ State: { Pid: number } }>({ socketPath: node.dockerSocket, path })).State.Pid;
}

function killIfThere(pid: number): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
  }
}
