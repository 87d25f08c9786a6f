// The queues of one priority level, served by start-time fair queuing. Pure: the caller says how long a request took.
//   (1) A queue that has waited is served before one that has got more time since both have requests.
//   (2) A queue collects no rights while it is empty.
//   (3) A request that is dispatched costs its queue an estimate at once, and the rest when its real time is known. So a queue of slow
//       requests is not served again and again before the first one ends.
import { deal } from './hand';

export interface QueueSettings {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/** Created by add(); the caller passes it back. */
export interface Queue<T> {
  readonly items: Set<T>;
  /** Virtual milliseconds: the time that the queue has got, or when it came. */
  start: number;
  executing: number;
}

/** Near the time of a write. */
export const estimateMs = 3;

export class FairQueues<T> {
  private readonly used = new Map<number, Queue<T>>();
  /** The start of the queue that was served last. */
  private virtualTime = 0;
  private waiting = 0;

  constructor(private readonly settings: QueueSettings) {}

  get length(): number {
    return this.waiting;
  }

  /** Adds to the shortest queue of the flow's hand. Undefined: that queue is full. */
  add(hash: bigint, item: T): Queue<T> | undefined {
    const { queues, handSize, queueLengthLimit } = this.settings;
    const load = (index: number) => {
      const queue = this.used.get(index);
      return queue ? queue.items.size + queue.executing : 0;
    };
    const index = deal(hash, queues, handSize).reduce((best, other) => (load(other) < load(best) ? other : best));
    const queue = this.used.get(index) ?? { items: new Set<T>(), start: 0, executing: 0 };
    if (queue.items.size >= queueLengthLimit) return undefined;
    if (queue.items.size === 0) queue.start = Math.max(queue.start, this.virtualTime);
    this.used.set(index, queue);
    queue.items.add(item);
    this.waiting++;
    return queue;
  }

  /** Takes the next request. */
  next(): T | undefined {
    let best: Queue<T> | undefined;
    for (const [index, queue] of this.used) {
      if (queue.items.size > 0) {
        if (!best || queue.start < best.start) best = queue;
      } else if (queue.executing === 0 && queue.start <= this.virtualTime) this.used.delete(index);
    }
    const [item] = best?.items ?? [];
    if (!best || item === undefined) return undefined;
    this.remove(best, item);
    best.executing++;
    this.virtualTime = best.start;
    best.start += estimateMs;
    return item;
  }

  /** A request that next() returned has ended. */
  finished(queue: Queue<T>, tookMs: number): void {
    queue.executing--;
    queue.start += tookMs - estimateMs;
    if (this.waiting === 0 && [...this.used.values()].every(({ executing }) => executing === 0)) this.used.clear();
  }

  /** A request waits no more. False when it had left already. */
  remove(queue: Queue<T>, item: T): boolean {
    if (!queue.items.delete(item)) return false;
    this.waiting--;
    return true;
  }
}
