// What a node reports of its traffic: reads each part at its pace, and keeps the sums. One reading at a time.
import { type Clock, formatMicroTime } from '../../controlplane/base/clock';
import type { IngressRequests, NodeTrafficStatus } from '../../controlplane/base/traffic';
import type { Exec } from '../exec/exec';
import type { Netns } from '../netns/netns';
import { Accounting } from './accounting';
import { connectionCount, readConnections } from './connections';
import { GrowingCounters } from './growing';
import { Ledger, type LedgerReport } from './ledger';
import { Paced, type Reading } from './pace';
import { PodCounters, type PodReading, type TrafficPod } from './pods';
import { type RefusalReading, RefusalWatch } from './refusal-watch';
import { StoppedReader, type StoppedReading } from './stopped-reader';

export interface CollectorDeps {
  /** Another one for each collector. */
  readonly id: string;
  readonly netns: Netns;
  /** Runs programs in that namespace. */
  readonly exec: Exec;
  readonly clock: Pick<Clock, 'now' | 'elapsed'>;
  readonly cpuMs: () => number;
  /** What the Ingress proxy of the node has forwarded. */
  readonly requests: () => Promise<readonly IngressRequests[]>;
  /** When the process began, on the clock without steps. */
  readonly startedMs: number;
}

export class TrafficCollector {
  private readonly ledger = new Ledger();
  private readonly accounting: Accounting;
  private readonly podCounters: PodCounters;
  private readonly rules: StoppedReader;
  private readonly watch: RefusalWatch;
  private readonly sums = new GrowingCounters();
  private readonly paces: {
    readonly connections: Paced<LedgerReport>;
    readonly pods: Paced<PodReading>;
    readonly stopped: Paced<StoppedReading>;
    readonly refused: Paced<RefusalReading>;
    readonly requests: Paced<readonly IngressRequests[]>;
  };

  /** close() undoes what it has changed in the kernel. @throws NotFound when the namespace is gone */
  constructor(private readonly deps: CollectorDeps) {
    const { netns, exec, cpuMs, clock } = deps;
    const pace = { cpuMs, elapsed: () => clock.elapsed() };
    this.paces = {
      connections: new Paced(pace),
      pods: new Paced(pace),
      stopped: new Paced(pace),
      refused: new Paced(pace),
      requests: new Paced(pace),
    };
    this.accounting = new Accounting(netns);
    this.rules = new StoppedReader(exec);
    this.watch = new RefusalWatch(netns, exec);
    this.podCounters = new PodCounters(netns);
    // Only connections that begin after it are counted.
    this.accounting.ensure();
  }

  /** What fails is a problem in the answer, not an error. */
  async read(pods: readonly TrafficPod[]): Promise<NodeTrafficStatus> {
    const { id, netns, clock, cpuMs, startedMs } = this.deps;
    const accounting = this.accounting.ensure();
    const connections = await this.paces.connections.get(() => this.readConnections(), clock.now());
    const counters = await this.paces.pods.get(() => this.podCounters.read(pods), clock.now());
    const stopped = await this.paces.stopped.get(() => this.readStopped(), clock.now());
    const refused = await this.paces.refused.get(() => this.watch.read(clock.elapsed()), clock.now());
    const requests = await this.paces.requests.get(this.deps.requests, clock.now());
    const { unremembered } = this.ledger;
    const problems = [
      accounting.problem,
      connections.problem,
      unremembered === 0
        ? undefined
        : `${unremembered} connections are not counted: the table has more than fit in memory`,
      counters.problem,
      ...(counters.value?.problems ?? []),
      stopped.problem,
      ...(stopped.value?.problems ?? []),
      refused.problem,
      refused.value?.problem,
      requests.problem,
    ].filter((problem) => problem !== undefined);
    const timeOf = ({ atMs = clock.now() }: Reading<unknown>) => formatMicroTime(atMs);
    return {
      collector: id,
      time: formatMicroTime(clock.now()),
      readAt: {
        connections: timeOf(connections),
        pods: timeOf(counters),
        stopped: timeOf(stopped),
        refused: timeOf(refused),
        requests: timeOf(requests),
      },
      accounting: accounting.on,
      connections: connectionCount(netns),
      edges: connections.value?.edges ?? [],
      omittedEdges: connections.value?.omittedEdges ?? 0,
      pods: counters.value?.pods ?? [],
      stopped: stopped.value?.stopped ?? [],
      refused: this.watch.report(stopped.value?.stopped ?? []),
      requests: requests.value ?? [],
      problems: problems.slice(0, maxProblems).map((problem) => problem.slice(0, maxProblemText)),
      cost: { cpuMs: Math.round(cpuMs()), ageMs: Math.round(clock.elapsed() - startedMs) },
    };
  }

  async close(): Promise<void> {
    this.podCounters.close();
    try {
      this.accounting.restore();
    } finally {
      await this.watch.close();
    }
  }

  private async readConnections(): Promise<LedgerReport> {
    await readConnections(this.deps.netns, this.ledger, this.deps.clock.elapsed());
    return this.ledger.report();
  }

  private async readStopped(): Promise<StoppedReading> {
    const { stopped, problems } = await this.rules.read();
    return { stopped: this.sums.add(stopped), problems };
  }
}

const maxProblems = 20;
const maxProblemText = 500;
