// Ends Events by age: what happened an hour ago is history, and history must not fill the store.
import { type Event, events } from '../../api/event';
import { isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';

/** The default of kube-apiserver's --event-ttl. */
export const eventTtlMs = 60 * 60_000;
const workers = 4;

export class EventTtlController implements Controller {
  private readonly events: TrackedInformer<Event>;
  private readonly queue: WorkQueue;

  constructor(private readonly deps: Deps) {
    this.events = deps.informers.of(events);
    this.queue = controllerQueue(deps.log, deps.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    // Subscribed after the list: a timer set while nobody works yet would outlive a stop at that moment.
    await this.events.synced(signal);
    this.events.onChange(({ type, key, object }) => {
      if (type === 'added') this.queue.addAfter(key, this.remainingMs(object));
    });
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const event = this.events.get(key);
    if (!event) return;
    const left = this.remainingMs(event);
    // It happened again since its time was set.
    if (left > 0) {
      this.queue.addAfter(key, left);
      return;
    }
    const preconditions = { uid: event.metadata.uid };
    await this.deps.client.delete(events, key, { preconditions, signal }).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }

  private remainingMs({ lastTimestamp, eventTime, series, metadata }: Event): number {
    const last = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
    return (Date.parse(last) || 0) + eventTtlMs - this.deps.clock.now();
  }
}
