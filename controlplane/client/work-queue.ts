// The queue between informers and workers. Two sets carry its promises:
//   dirty       keys that need work; adding one that is there already changes nothing
//   processing  keys a worker holds; one of these that becomes dirty again waits for done()
// So no two workers ever hold the same key, and a key that is added while a worker holds it is processed once more.
// Two more rules keep a faulty controller from blocking the process: workers give way to I/O between keys, and a key that
// keeps returning has a rate limit.
import { Backoff, type BackoffOptions } from '../base/backoff';
import { type Clock, systemClock } from '../base/clock';
import { eventLoop } from '../base/event-loop';
import { defaultPace, Pace, type PaceOptions } from './pace';
import { type QueueMetrics, type QueueReport, queueMetrics } from './queue-metrics';

export interface WorkQueueOptions {
  /** In /metrics, upstream's if upstream has the queue. Absent: the queue is not counted. */
  readonly name?: string;
  readonly metrics?: QueueMetrics;
  readonly clock?: Clock;
  /** Delay between failed tries of one key. */
  readonly backoff?: BackoffOptions;
  /** How often workers may get one key. */
  readonly pace?: PaceOptions;
  /** Called with each key that a worker gets. */
  readonly onTake?: ((key: string) => void) | undefined;
  /** Called once per failed try: the place to log. */
  readonly onRetry?: (key: string, err: unknown, delayMs: number) => void;
}

/** First retry almost at once, since most failures are conflicts; then doubling up to a minute. */
export const defaultRetry: BackoffOptions = { initialMs: 5, maxMs: 60_000 };

export class WorkQueue {
  private readonly dirty = new Set<string>();
  private readonly processing = new Set<string>();
  /** Keys ready for a worker, in order; always dirty and never processing. */
  private readonly ready = new Set<string>();
  private readonly delayed = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  private readonly waiting = new Set<() => void>();
  private closed = false;
  private readonly clock: Clock;
  private readonly backoff: Backoff<string>;
  private readonly pace: Pace;
  private readonly report: QueueReport | undefined;
  private readonly onTake: (key: string) => void;
  private readonly onRetry: NonNullable<WorkQueueOptions['onRetry']>;

  constructor(options: WorkQueueOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.backoff = new Backoff(options.backoff ?? defaultRetry);
    this.pace = new Pace(options.pace ?? defaultPace);
    const { name, metrics = queueMetrics } = options;
    this.report = name === undefined ? undefined : metrics.follow(name);
    this.onTake = options.onTake ?? (() => {});
    this.onRetry = options.onRetry ?? (() => {});
  }

  /** Keys waiting for a worker, without delayed keys. */
  get length(): number {
    return this.ready.size;
  }

  /** How often `key` has failed since it last succeeded. */
  failures(key: string): number {
    return this.backoff.count(key);
  }

  add(key: string): void {
    if (this.dirty.has(key)) return;
    this.dirty.add(key);
    this.report?.added(key);
    if (this.processing.has(key)) return;
    this.ready.add(key);
    this.wakeOne();
  }

  /** Adds `key` after `ms`; of several pending times for one key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    if (this.closed) return;
    this.report?.retried();
    const at = this.clock.now() + ms;
    const pending = this.delayed.get(key);
    if (pending && pending.at <= at) return;
    pending?.cancel();
    const cancel = this.clock.after(ms, () => {
      this.delayed.delete(key);
      this.add(key);
    });
    this.delayed.set(key, { at, cancel });
  }

  /** Counts a failure of `key` and adds it after its back-off. Returns the delay in ms. */
  retry(key: string): number {
    const delay = this.backoff.next(key);
    this.addAfter(key, delay);
    return delay;
  }

  /** The worker has finished the key; with an error the key returns after its back-off, else its failures are forgotten. */
  done(key: string, err?: unknown): void {
    this.processing.delete(key);
    this.report?.done(key);
    if (this.dirty.has(key)) {
      this.ready.add(key);
      this.wakeOne();
    }
    if (err === undefined) this.backoff.forget(key);
    else this.onRetry(key, err, this.retry(key));
  }

  /**
   * Yields keys until the signal is aborted. Several workers may iterate at once; each must call done() for its key. Ends
   * without throwing, cancels pending delays and starts no new ones: no worker is left for them, and a timer would keep the
   * process alive.
   */
  async *keys(signal: AbortSignal): AsyncGenerator<string> {
    while (!signal.aborted) {
      // A reconcile that needs no I/O ends in microtasks: without this, a long queue would hold the event loop.
      const pause = eventLoop.pause();
      if (pause) {
        await pause;
        continue;
      }
      const [key] = this.ready;
      if (key === undefined) {
        await this.wait(signal);
        continue;
      }
      this.ready.delete(key);
      this.dirty.delete(key);
      const waitMs = this.pace.take(key, this.clock.now());
      if (waitMs > 0) {
        this.addAfter(key, waitMs);
        continue;
      }
      this.processing.add(key);
      this.report?.taken(key);
      this.onTake(key);
      yield key;
    }
    this.close();
  }

  /** Cancels all delays and accepts no more: for a queue whose worker never started. Any number of times. */
  close(): void {
    this.closed = true;
    for (const { cancel } of this.delayed.values()) cancel();
    this.delayed.clear();
  }

  private wakeOne(): void {
    const [wake] = this.waiting;
    wake?.();
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
