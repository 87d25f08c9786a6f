// Deletes Events by age and number, so that old Events do not fill the store.
import { type Event, events } from '../../api/event';
import { objectKey } from '../../api/types';
import { isNotFound } from '../../base/errors';
import type { TrackedInformer } from '../../client/informer';
import type { WorkQueue } from '../../client/work-queue';
import type { Controller, Deps } from '../shared/deps';
import { controllerQueue, runWorkers } from '../shared/worker';
import { maxEvents, planExcess, remainingMs } from './plan';

const workers = 4;
/** How far the number may exceed the limit before Events are deleted: sorting at each new Event would cost more. */
const slack = maxEvents / 20;

export class EventTtlController implements Controller {
  private readonly events: TrackedInformer<Event>;
  private readonly queue: WorkQueue;
  /** Keys of Events to delete although they are young enough. */
  private readonly excess = new Set<string>();
  private count = 0;

  constructor(private readonly deps: Deps) {
    this.events = deps.informers.of(events);
    this.queue = controllerQueue(deps);
  }

  async run(signal: AbortSignal): Promise<void> {
    // Subscribed after the list: a timer set before the workers run would stay after a stop at that moment.
    await this.events.synced(signal);
    this.events.onChange(({ type, key, object }) => {
      if (type === 'added') {
        this.count++;
        this.queue.addAfter(key, remainingMs(object, this.deps.clock.now()));
        if (this.count - this.excess.size > maxEvents + slack) this.enqueueExcess();
      } else if (type === 'deleted') {
        this.count--;
        this.excess.delete(key);
      }
    });
    await runWorkers({ queue: this.queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const event = this.events.get(key);
    if (!event) return;
    const left = remainingMs(event, this.deps.clock.now());
    // The Event happened again after the timer was set.
    if (left > 0 && !this.excess.has(key)) {
      this.queue.addAfter(key, left);
      return;
    }
    const preconditions = { uid: event.metadata.uid };
    await this.deps.client.delete(events, key, { preconditions, signal }).catch((err: unknown) => {
      if (!isNotFound(err)) throw err;
    });
  }

  private enqueueExcess(): void {
    for (const event of planExcess(this.events.list())) {
      this.excess.add(objectKey(event));
      this.queue.add(objectKey(event));
    }
  }
}
