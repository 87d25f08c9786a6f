// What the work queues of this process do, with client-go's names: how many keys were added, how long they waited,
// how long they were worked on. One record for all queues, as eventLoop is: queues are made in many places.
import { Counter, exponentialBuckets, Histogram, type Observer, renderGauge } from '../base/metric';

/** From 10 ns to 10 s, as upstream. */
const durations = exponentialBuckets(1e-8, 10, 10);

/** What one queue reports. A key that is added twice before a worker takes it is reported once. */
export interface QueueReport {
  added(key: string): void;
  taken(key: string): void;
  done(key: string): void;
  retried(): void;
}

interface Followed {
  /** When the keys were added, and when their work began; in milliseconds. */
  readonly waiting: Map<string, number>;
  readonly working: Map<string, number>;
}

export class QueueMetrics {
  private readonly queues = new Map<string, Followed>();
  private readonly adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Keys that were added to a work queue.',
  });
  private readonly retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys that were added again after a failure.',
  });
  private readonly waits = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Seconds that a key waited for a worker.',
    buckets: durations,
  });
  private readonly works = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'Seconds that a worker needed for a key.',
    buckets: durations,
  });

  /** `now`: milliseconds, with fractions, that only go up. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A queue with the name of another replaces it in the values of the moment. Names contain no quote. */
  follow(name: string): QueueReport {
    const labels = `name="${name}"`;
    const queue: Followed = { waiting: new Map(), working: new Map() };
    this.queues.set(name, queue);
    this.adds.add(labels, 0);
    this.retries.add(labels, 0);
    const moved = (from: Map<string, number>, key: string, into: Observer): void => {
      const since = from.get(key);
      if (since === undefined) return;
      from.delete(key);
      into.observe((this.now() - since) / 1000);
    };
    const waits = this.waits.at(labels);
    const works = this.works.at(labels);
    return {
      added: (key) => {
        this.adds.add(labels);
        queue.waiting.set(key, this.now());
      },
      taken: (key) => {
        moved(queue.waiting, key, waits);
        queue.working.set(key, this.now());
      },
      done: (key) => moved(queue.working, key, works),
      retried: () => this.retries.add(labels),
    };
  }

  render(): readonly string[] {
    const now = this.now();
    const gauge = (value: (queue: Followed) => number) =>
      [...this.queues].map(([name, queue]) => [`name="${name}"`, value(queue)] as const);
    const ages = ({ working }: Followed) => [...working.values()].map((since) => (now - since) / 1000);
    return [
      ...this.adds.render(),
      ...renderGauge(
        { name: 'workqueue_depth', help: 'Keys that wait for a worker.' },
        gauge(({ waiting }) => waiting.size),
      ),
      ...renderGauge(
        {
          name: 'workqueue_longest_running_processor_seconds',
          help: 'Seconds that the slowest worker has been at its key.',
        },
        gauge((queue) => Math.max(0, ...ages(queue))),
      ),
      ...this.waits.render(),
      ...this.retries.render(),
      ...renderGauge(
        {
          name: 'workqueue_unfinished_work_seconds',
          help: 'Seconds that all workers together have been at their present keys.',
        },
        gauge((queue) => ages(queue).reduce((sum, one) => sum + one, 0)),
      ),
      ...this.works.render(),
    ];
  }
}

/** Of this process. */
export const queueMetrics = new QueueMetrics();
