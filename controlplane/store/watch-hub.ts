// Watches over a store with history: the hub sends live events to queues, and reads from the history what a queue lacks
// (events before it was opened, or after an overflow). Every backend shares this hub, so that one place decides the order,
// the absence of gaps and the absence of repeats.
import type { StoreEvent, WatchBatch } from './store';

export interface HistoryPage {
  readonly events: readonly StoreEvent[];
  /** The page is complete for all revisions up to and including this one. */
  readonly upTo: number;
  readonly more: boolean;
}

/** Events with revisions greater than `afterRevision`, oldest first. @throws Expired when a compaction removed them. */
export type ReadHistory = (prefix: string, afterRevision: number, limit: number) => HistoryPage | Promise<HistoryPage>;

/** Events read from the history in one go. */
const historyPageSize = 500;
/** A watcher that lags further behind than this reads the history instead, so that memory stays bounded. */
const maxQueuedEvents = 20_000;

interface Watcher {
  readonly prefix: string;
  queue: StoreEvent[];
  /** The watcher has received all events up to this revision. */
  delivered: number;
  /** All events up to this revision are in `queue` or were received; meaningless while `behind`. */
  seen: number;
  /** The queue has a gap before it: read the history first. */
  behind: boolean;
  wake: (() => void) | undefined;
}

export class WatchHub {
  private readonly watchers = new Set<Watcher>();
  constructor(
    private readonly readHistory: ReadHistory,
    private readonly maxQueued = maxQueuedEvents,
  ) {}

  /** Passes on durable events, in revision order, without a gap between two calls. */
  publish(events: readonly StoreEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    for (const watcher of this.watchers) {
      watcher.seen = last.revision;
      if (watcher.behind) continue;
      for (const event of events) if (event.key.startsWith(watcher.prefix)) watcher.queue.push(event);
      if (watcher.queue.length > this.maxQueued) {
        watcher.queue = [];
        watcher.behind = true;
      }
      watcher.wake?.();
    }
  }

  /** Subscribes at once; the history is read when the iteration starts. */
  watch(prefix: string, afterRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const watcher: Watcher = {
      prefix,
      queue: [],
      delivered: afterRevision,
      seen: afterRevision,
      behind: true,
      wake: undefined,
    };
    const onAbort = () => {
      this.watchers.delete(watcher);
      watcher.wake?.();
    };
    if (!signal.aborted) {
      this.watchers.add(watcher);
      signal.addEventListener('abort', onAbort, { once: true });
    }
    return {
      [Symbol.asyncIterator]: () =>
        this.iterate(watcher, signal, () => {
          signal.removeEventListener('abort', onAbort);
          this.watchers.delete(watcher);
        }),
    };
  }

  private async *iterate(watcher: Watcher, signal: AbortSignal, release: () => void): AsyncGenerator<WatchBatch> {
    try {
      while (!signal.aborted) {
        if (watcher.behind) yield* this.catchUp(watcher, signal);
        else if (watcher.queue.length === 0) await this.nextPublish(watcher);
        else {
          const events = watcher.queue;
          watcher.queue = [];
          const fresh = events[0]!.revision > watcher.delivered ? events : dropDelivered(events, watcher.delivered);
          watcher.delivered = watcher.seen;
          if (fresh.length > 0) yield { events: fresh, revision: watcher.delivered };
        }
      }
    } finally {
      release();
    }
  }

  /** From here on the queue collects again, so it receives the events that the history read does not show yet. */
  private async *catchUp(watcher: Watcher, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    watcher.behind = false;
    watcher.queue = [];
    let more = true;
    while (more && !watcher.behind && !signal.aborted) {
      const page = await this.readHistory(watcher.prefix, watcher.delivered, historyPageSize);
      watcher.delivered = Math.max(watcher.delivered, page.upTo);
      more = page.more;
      if (page.events.length > 0) yield { events: page.events, revision: watcher.delivered };
    }
  }

  private async nextPublish(watcher: Watcher): Promise<void> {
    await new Promise<void>((resolve) => {
      watcher.wake = resolve;
    });
    watcher.wake = undefined;
  }
}

const dropDelivered = (events: readonly StoreEvent[], delivered: number) =>
  events.filter((event) => event.revision > delivered);
