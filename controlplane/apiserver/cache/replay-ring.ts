// The newest events of one kind, from which a watch resumes. Bounded by count and by bytes.
import type { KubeObject } from '../../api/types';
import { Expired } from '../../base/errors';
import type { CacheEvent } from './cache';

export interface RingBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
}
export const defaultRingBounds: RingBounds = { maxEvents: 4_096, maxBytes: 16 << 20 };

export class ReplayRing<T extends KubeObject> {
  private events: CacheEvent<T>[] = [];
  /** Index of the oldest kept event; the space before it is freed from time to time. */
  private start = 0;
  private bytes = 0;
  /** All events with revisions greater than this one are here. */
  private completeAfter = 0;
  constructor(private readonly bounds: RingBounds) {}

  /** Starts over: nothing up to `revision` can be replayed. */
  reset(revision: number): void {
    this.events = [];
    this.start = 0;
    this.bytes = 0;
    this.completeAfter = revision;
  }

  push(event: CacheEvent<T>): void {
    this.events.push(event);
    this.bytes += sizeOf(event);
    const { maxEvents, maxBytes } = this.bounds;
    while (
      this.events.length - this.start > maxEvents ||
      (this.bytes > maxBytes && this.start < this.events.length - 1)
    ) {
      const oldest = this.events[this.start++]!;
      this.bytes -= sizeOf(oldest);
      this.completeAfter = oldest.revision;
    }
    if (this.start > maxEvents) {
      this.events = this.events.slice(this.start);
      this.start = 0;
    }
  }

  /** @throws Expired when some of the events were dropped. */
  after(revision: number): readonly CacheEvent<T>[] {
    if (revision < this.completeAfter) {
      throw new Expired(`too old resource version: ${revision} (${this.completeAfter})`);
    }
    let low = this.start;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.events.slice(low);
  }
}

/** Counts `previous` too: when the event that brought it is dropped, only this event keeps it alive. */
const sizeOf = ({ current, previous }: CacheEvent): number => current.json.length + (previous?.json.length ?? 0);
