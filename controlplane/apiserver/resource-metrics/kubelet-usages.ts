// Asks kubelets what their nodes use:
// 1. no kubelet is asked while no client reads metrics;
// 2. an answer counts for ten seconds, a failure too: a node that does not answer delays one reader, not each one;
// 3. a bounded number of kubelets is asked at once, and each has a bounded time.
import type { Clock } from '../../base/clock';
import { Limiter } from '../../base/limiter';
import type { Logger } from '../../base/logger';
import { type NodeUsage, parseUsage } from './usage';

const keptMs = 10_000;
const forgottenMs = 60_000;
const atOnce = 64;

export interface KubeletUsagesDeps {
  /** The body of /stats/summary of a node's kubelet. It rejects when the kubelet does not answer in time. */
  readonly read: (node: string) => Promise<string>;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly log: Logger;
}

interface Asked {
  readonly atMs: number;
  readonly answer: Promise<NodeUsage | undefined>;
}

export class KubeletUsages {
  private readonly asked = new Map<string, Asked>();
  private readonly limiter = new Limiter(atOnce);

  constructor(private readonly deps: KubeletUsagesDeps) {}

  /** By node. Nodes that do not answer are missing. */
  async of(nodes: Iterable<string>): Promise<ReadonlyMap<string, NodeUsage>> {
    this.forget();
    const found = new Map<string, NodeUsage>();
    await Promise.all(
      [...nodes].map(async (node) => {
        const usage = await this.ask(node);
        if (usage) found.set(node, usage);
      }),
    );
    return found;
  }

  private ask(node: string): Promise<NodeUsage | undefined> {
    const now = this.deps.clock.elapsed();
    const known = this.asked.get(node);
    if (known && now - known.atMs < keptMs) return known.answer;
    const answer = this.limiter
      .run(() => this.deps.read(node))
      .then(parseUsage)
      .catch((error: unknown) => {
        this.deps.log.info('a kubelet does not say what its node uses', { node, error });
        return undefined;
      });
    // At the end of the map: its order is that of the times.
    this.asked.delete(node);
    this.asked.set(node, { atMs: now, answer });
    return answer;
  }

  /** Answers that no client asked for again, of nodes that may be gone. */
  private forget(): void {
    const oldest = this.deps.clock.elapsed() - forgottenMs;
    for (const [node, { atMs }] of this.asked) {
      if (atMs > oldest) break;
      this.asked.delete(node);
    }
  }
}
