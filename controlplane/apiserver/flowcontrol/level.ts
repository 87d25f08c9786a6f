// The state of one priority level: how many requests run, and which wait. It decides nothing about other levels: see seat-pool.ts.
import type { PriorityLevelConfiguration } from '../../api/index';
import { FairQueues, type Queue, type QueueSettings } from './fair-queues';
import type { RefusalReason } from './limits';
import type { Seats } from './seats';

/** A request that waits for a seat. */
export interface Waiter {
  readonly level: Level;
  readonly hash: bigint;
  readonly start: () => void;
  /** The client has left. */
  readonly isGone: () => boolean;
  readonly refuse: (reason: RefusalReason) => void;
  queue?: Queue<Waiter>;
}

export class Level {
  executing = 0;
  isExempt = false;
  uid = '';
  seats: Seats = { nominal: 0, guaranteed: 0, most: 0 };
  /** Undefined: a request without a free seat is refused. */
  private queues: FairQueues<Waiter> | undefined;
  private settings: QueueSettings | undefined;

  constructor(readonly name: string) {}

  get waiting(): number {
    return this.queues?.length ?? 0;
  }

  /** Requests that wait are dealt to the new queues when the numbers of queues change. */
  configure({ metadata, spec }: PriorityLevelConfiguration, seats: Seats): void {
    this.uid = metadata?.uid ?? '';
    this.isExempt = spec?.type === 'Exempt';
    this.seats = seats;
    const { queues = 64, handSize = 8, queueLengthLimit = 50 } = spec?.limited?.limitResponse?.queuing ?? {};
    const settings =
      spec?.limited?.limitResponse?.type === 'Queue' ? { queues, handSize, queueLengthLimit } : undefined;
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
    const waiters = this.drain();
    this.settings = settings;
    this.queues = settings && new FairQueues(settings);
    for (const waiter of waiters) {
      const full = this.add(waiter);
      if (full) waiter.refuse(full);
    }
  }

  /** The reason why the request cannot wait. */
  add(waiter: Waiter): RefusalReason | undefined {
    if (!this.queues) return 'concurrency-limit';
    const queue = this.queues.add(waiter.hash, waiter);
    if (!queue) return 'queue-full';
    waiter.queue = queue;
    return undefined;
  }

  next(): Waiter | undefined {
    for (;;) {
      const waiter = this.queues?.next();
      if (!waiter?.isGone()) return waiter;
      if (waiter.queue) this.queues?.finished(waiter.queue, 0);
      waiter.refuse('cancelled');
    }
  }

  finished(queue: Queue<Waiter>, tookMs: number): void {
    this.queues?.finished(queue, tookMs);
  }

  remove(waiter: Waiter): boolean {
    return waiter.queue !== undefined && (this.queues?.remove(waiter.queue, waiter) ?? false);
  }

  private drain(): readonly Waiter[] {
    const all: Waiter[] = [];
    for (let one = this.next(); one; one = this.next()) all.push(one);
    return all;
  }
}
