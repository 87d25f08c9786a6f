// The processes of the run's cluster: killed, kept down, started again, and waited for until they work.
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../controlplane/base/clock';
import { connectInNetns } from '../../dataplane/netns/connect';
import { namedNetns } from '../../dataplane/netns/system-netns';
import { Api } from '../../hack/dev/api';
import type { Agent, ClusterPlan } from '../../hack/dev/plan';
import { healthPorts } from '../../hack/dev/processes';
import { type ProcessSpec, type ProcessStatus, specsFile } from '../../hack/dev/supervisor/spec';
import { applyProcesses, processStatus, stopProcesses } from '../../hack/dev/supervisor-control';
import { requestJson } from '../../hack/dev/unix-http';

const pollMs = 100;
const probeTimeoutMs = 2_000;

export interface BackOptions {
  /** Any answer is enough, also that it is not ready. */
  readonly isAnswerEnough?: () => boolean;
  /** It cannot come back, because its node was lost meanwhile: the wait ends. */
  readonly isPointless?: () => boolean;
}

export class Processes {
  constructor(private readonly plan: ClusterPlan) {}

  async status(name: string): Promise<ProcessStatus> {
    const found = (await processStatus(this.plan.runDir)).find((entry) => entry.name === name);
    if (!found) throw new Error(`the supervisor has no process ${name}`);
    return found;
  }

  /** The names of all processes of a node. */
  async of(node: string): Promise<readonly string[]> {
    const all = await processStatus(this.plan.runDir);
    return all.map(({ name }) => name).filter((name) => name.startsWith(`${node}/`));
  }

  /** SIGKILL; the supervisor starts it again. Returns the pid that ended; undefined if it was not running. */
  async kill(name: string): Promise<number | undefined> {
    const { pid } = await this.status(name);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    return pid;
  }

  /** Resolves when another process than `pid` runs under this name and says that it is ready. @throws the signal's reason */
  async back(
    name: string,
    pid: number | undefined,
    signal: AbortSignal,
    { isAnswerEnough = () => false, isPointless = () => false }: BackOptions = {},
  ): Promise<void> {
    await this.poll(signal, async () => {
      if (isPointless()) return true;
      const now = await this.status(name);
      return now.state === 'running' && now.pid !== pid && (await this.isReady(name, isAnswerEnough()));
    });
  }

  /**
   * Ends all these processes as a power cut does, and keeps them down: they are frozen first, so that none of them answers the
   * supervisor's SIGTERM. Returns what starts them again.
   */
  async keepDown(names: readonly string[]): Promise<() => Promise<void>> {
    const specs = (JSON.parse(readFileSync(specsFile(this.plan.runDir), 'utf8')) as ProcessSpec[]).filter(({ name }) =>
      names.includes(name),
    );
    const running = (await processStatus(this.plan.runDir)).filter(({ name }) => names.includes(name));
    for (const { pid } of running) if (pid !== undefined) process.kill(pid, 'SIGSTOP');
    const stopped = stopProcesses(this.plan.runDir, names);
    // The supervisor must know that they are to stop before they end: otherwise it starts them again. It stops groups of processes
    // one after the other, so each process is killed as soon as it is stopping.
    const left = new Map(running.map(({ name, pid }) => [name, pid]));
    while (left.size > 0) {
      const now = await processStatus(this.plan.runDir);
      for (const [name, pid] of left) {
        const state = now.find((entry) => entry.name === name)?.state;
        if (state === 'running' || state === 'waiting') continue;
        if (pid !== undefined && state === 'stopping') process.kill(pid, 'SIGKILL');
        left.delete(name);
      }
      if (left.size > 0) await sleep(20);
    }
    await stopped;
    return async () => {
      await applyProcesses(this.plan.runDir, specs);
    };
  }

  async isReady(name: string, isAnswerEnough = false): Promise<boolean> {
    try {
      const [nodeName, part] = name.split('/');
      const node = this.plan.nodes.find((other) => other.name === nodeName);
      if (part === undefined || part === 'server' || !node) return await (await Api.open(this.plan.adminConf)).ready();
      if (part === 'docker') {
        await requestJson({ socketPath: node.dockerSocket, path: '/_ping', timeoutMs: probeTimeoutMs });
        return true;
      }
      // Others, such as etcd, only have to run.
      if (!Object.hasOwn(healthPorts, part)) return true;
      const status = await readyz(node.netns, healthPorts[part as Agent]);
      return isAnswerEnough || status === 200;
    } catch {
      return false; // It does not listen yet.
    }
  }

  async poll(signal: AbortSignal, isDone: () => Promise<boolean>): Promise<void> {
    while (!(await isDone().catch(() => false))) await systemClock.sleep(pollMs, signal);
  }
}

async function readyz(netns: string, port: number): Promise<number> {
  const socket = await connectInNetns(namedNetns(netns), {
    host: '127.0.0.1',
    port,
    signal: AbortSignal.timeout(probeTimeoutMs),
  });
  return new Promise((resolve, reject) => {
    socket.setTimeout(probeTimeoutMs, () => socket.destroy(new Error('no answer in time')));
    const call = request({ path: '/readyz', createConnection: () => socket }, (response) => {
      response.resume();
      response.once('end', () => {
        socket.destroy();
        resolve(response.statusCode ?? 0);
      });
    });
    call.once('error', reject);
    call.end();
  });
}
