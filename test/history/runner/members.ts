// Several real members of etcd, one in each place, with the command lines and certificates of a local cluster.
import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { etcdEnvironment, etcdPorts } from '../../../controlplane/process/etcd-runtime';
import { type Daemon, startProgram } from '../../../dataplane/exec/system-exec';
import { connectInNetns } from '../../../dataplane/netns/connect';
import { inNetns } from '../../../dataplane/netns/named';
import { namedNetns } from '../../../dataplane/netns/system-netns';
import { waitUntil } from '../../../hack/dev/cluster';
import { etcdArgv } from '../../../hack/dev/etcd';
import { etcdProblem } from '../../../hack/dev/health';
import type { ClusterPlan, NodePlan } from '../../../hack/dev/plan';

/** On a busy machine a start takes many seconds. */
const startMs = 60_000;
const metricsMs = 1_000;

export class Members {
  /** What a member did that no fault explains. */
  readonly surprises: string[] = [];
  private readonly running: (Daemon | undefined)[];
  private readonly logs: readonly WriteStream[];
  /** Ended by a fault, so not by itself. */
  private readonly killed = new Set<Daemon>();

  /** One for each node of the plan. */
  constructor(
    private readonly plan: ClusterPlan,
    private readonly folder: string,
  ) {
    this.running = plan.nodes.map(() => undefined);
    this.logs = plan.nodes.map((_, i) => createWriteStream(this.logPath(i)));
  }

  get count(): number {
    return this.plan.nodes.length;
  }

  /** Resolves when each is part of a majority. @throws NotFound when etcd is not installed */
  async startAll(): Promise<void> {
    await Promise.all(this.plan.nodes.map((_, i) => this.start(i)));
    for (const node of this.plan.nodes) await waitUntil(`${node.name} is healthy`, startMs, () => etcdProblem(node));
  }

  async start(member: number): Promise<void> {
    const node = this.plan.nodes[member]!;
    // The log then names elections and leaders.
    const argv = [...etcdArgv(this.plan, node, 'etcd')!, '--log-level=info'];
    const onOutput = (chunk: Buffer) => this.logs[member]?.write(chunk);
    const daemon = await startProgram(inNetns(namedNetns(node.netns), argv), { env: { ...etcdEnvironment }, onOutput });
    this.running[member] = daemon;
    void daemon.exited.then((status) => {
      if (!this.killed.has(daemon))
        this.surprises.push(`member ${member} of etcd ended by itself with status ${status}`);
    });
  }

  /** Resolves when the process is gone. */
  async kill(member: number): Promise<void> {
    const daemon = this.running[member];
    if (!daemon) return;
    this.killed.add(daemon);
    daemon.kill('SIGKILL');
    await daemon.exited;
  }

  signal(member: number, signal: NodeJS.Signals): void {
    this.running[member]?.kill(signal);
  }

  /** The member that says that it leads; undefined during an election. */
  async leader(): Promise<number | undefined> {
    const answers = await Promise.all(this.plan.nodes.map((node) => saysItLeads(node)));
    const found = answers.indexOf(true);
    return found < 0 ? undefined : found;
  }

  async close(): Promise<void> {
    await Promise.all(this.plan.nodes.map((_, i) => this.kill(i)));
    for (const log of this.logs) log.end();
  }

  /** What each member has logged, by its name. */
  async logTexts(): Promise<Readonly<Record<string, string>>> {
    const texts = this.plan.nodes.map(
      async (_, i) => [`member-${i}`, await readFile(this.logPath(i), 'utf8')] as const,
    );
    return Object.fromEntries(await Promise.all(texts));
  }

  private logPath(member: number): string {
    return join(this.folder, `member-${member}.log`);
  }
}

/** By its metrics, on the loopback of its place. */
async function saysItLeads({ netns }: NodePlan): Promise<boolean> {
  const signal = AbortSignal.timeout(metricsMs);
  try {
    const socket = await connectInNetns(namedNetns(netns), { host: '127.0.0.1', port: etcdPorts.health, signal });
    const metrics = await new Promise<string>((resolve, reject) => {
      const asked = get({ path: '/metrics', createConnection: () => socket, signal }, (response) => {
        text(response).then(resolve, reject);
      });
      asked.once('error', reject);
    });
    return /^etcd_server_is_leader 1$/m.test(metrics);
  } catch {
    // A member that is down or frozen does not lead.
    return false;
  }
}
