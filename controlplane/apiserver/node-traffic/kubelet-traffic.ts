// Asks kubelets what their nodes carry:
// 1. no kubelet is asked while no client reads;
// 2. an answer counts for a second, a failure too;
// 3. a bounded number of kubelets is asked at once, and a reader waits a bounded time for each.
import type { Clock } from '../../base/clock';
import { describeError } from '../../base/errors';
import { Limiter } from '../../base/limiter';
import type { NodeTrafficStatus } from '../../base/traffic';

/** What a node says, or why it says nothing. */
export type TrafficAnswer = { readonly status: NodeTrafficStatus } | { readonly error: string };

/** Then it is forgotten: answers are long, and a cluster has many nodes. */
export const keptMs = 1_000;
const atOnce = 16;
/** A kubelet has its own, longer limit: its answer may still count for the next reader. */
const waitMs = 5_000;

export interface KubeletTrafficDeps {
  /** The answer of a node's kubelet at /path/traffic. It rejects when the kubelet does not answer in time. */
  readonly read: (node: string) => Promise<string>;
  readonly clock: Pick<Clock, 'after'>;
}

export class KubeletTraffic {
  /** By node: the answer that counts now, or is on its way. */
  private readonly asked = new Map<string, Promise<TrafficAnswer>>();
  private readonly limiter = new Limiter(atOnce);

  constructor(private readonly deps: KubeletTrafficDeps) {}

  /** One for each node. Never rejects. */
  async of(nodes: readonly string[]): Promise<ReadonlyMap<string, TrafficAnswer>> {
    const answers = await Promise.all(
      nodes.map(async (node) => [node, await this.soon(node, this.ask(node))] as const),
    );
    return new Map(answers);
  }

  private ask(node: string): Promise<TrafficAnswer> {
    const known = this.asked.get(node);
    if (known) return known;
    const answer = this.limiter
      .run(() => this.deps.read(node))
      .then((text) => parsed(text, node))
      .catch((error: unknown) => ({ error: describeError(error) }))
      .finally(() => void this.deps.clock.after(keptMs, () => this.asked.delete(node)));
    this.asked.set(node, answer);
    return answer;
  }

  private soon(node: string, answer: Promise<TrafficAnswer>): Promise<TrafficAnswer> {
    return new Promise((resolve) => {
      const error = `the kubelet of node ${node} has not answered within ${waitMs / 1000} s`;
      const cancel = this.deps.clock.after(waitMs, () => resolve({ error }));
      void answer.then((one) => {
        cancel();
        resolve(one);
      });
    });
  }
}

function parsed(text: string, node: string): TrafficAnswer {
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch (error) {
    return { error: `the kubelet of node ${node} answered with something else than JSON: ${describeError(error)}` };
  }
  return isStatus(status) ? { status } : { error: `the kubelet of node ${node} did not answer with its traffic` };
}

/** What this server and its readers take for granted: one node that answers something else may not spoil the others. */
function isStatus(value: unknown): value is NodeTrafficStatus {
  const { readAt, connections, edges, pods, stopped, refused, requests, problems, cost } = (value ??
    {}) as Partial<NodeTrafficStatus>;
  const lists = [edges, pods, stopped, refused, requests].every((list) => Array.isArray(list) && list.every(isObject));
  return lists && Array.isArray(problems) && [readAt, connections, cost].every(isObject);
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
