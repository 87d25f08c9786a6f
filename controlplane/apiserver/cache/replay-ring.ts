// The newest events of one kind, from which a watch resumes. Bounded by count, by bytes and by age.
import type { KubeObject } from '../../api/types';
import { Expired } from '../../base/errors';
import type { CacheEvent } from './cache';

export interface RingBounds {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Older events are dropped as new ones come; absent: none. */
  readonly maxAgeMs?: number;
  /** So many stay whatever their age; default 0. */
  readonly minEvents?: number;
}
/**
 * Five minutes, as long as the store keeps its history by default. Without an age each kind would collect events for hours, until it has
 * `maxEvents`. Upstream's watch cache keeps 75 seconds, and 100 events of a quiet kind.
 */
export const defaultRingBounds = {
  maxEvents: 4_096,
  maxBytes: 16 << 20,
  maxAgeMs: 5 * 60_000,
  minEvents: 100,
} as const satisfies RingBounds;

/** Slots of dropped events that are freed at once. */
const freedAtOnce = 512;

interface Slot<T extends KubeObject> {
  readonly event: CacheEvent<T>;
  readonly at: number;
}

export class ReplayRing<T extends KubeObject> {
  /** Undefined before `start`: a dropped event must not be kept alive. */
  private slots: (Slot<T> | undefined)[] = [];
  /** Index of the oldest kept event. */
  private start = 0;
  private bytes = 0;
  /** All events with revisions greater than this one are here. */
  private completeAfter = 0;

  /** `elapsed`: milliseconds, by a clock without steps. */
  constructor(
    private readonly bounds: RingBounds,
    private readonly elapsed: () => number,
  ) {}

  /** Starts over: nothing up to `revision` can be replayed. */
  reset(revision: number): void {
    this.slots = [];
    this.start = 0;
    this.bytes = 0;
    this.completeAfter = revision;
  }

  push(event: CacheEvent<T>): void {
    const at = this.elapsed();
    this.slots.push({ event, at });
    this.bytes += sizeOf(event);
    while (this.hasTooMuch(at)) {
      const { event: oldest } = this.slots[this.start]!;
      this.slots[this.start++] = undefined;
      this.bytes -= sizeOf(oldest);
      this.completeAfter = oldest.revision;
    }
    if (this.start < freedAtOnce) return;
    this.slots = this.slots.slice(this.start);
    this.start = 0;
  }

  private hasTooMuch(now: number): boolean {
    const { maxEvents, maxBytes, maxAgeMs = Number.POSITIVE_INFINITY, minEvents = 0 } = this.bounds;
    const kept = this.slots.length - this.start;
    if (kept <= 1) return false;
    if (kept > maxEvents || this.bytes > maxBytes) return true;
    return kept > minEvents && now - this.slots[this.start]!.at > maxAgeMs;
  }

  /** @throws Expired when some of the events were dropped. */
  after(revision: number): readonly CacheEvent<T>[] {
    if (revision < this.completeAfter) {
      throw new Expired(`too old resource version: ${revision} (${this.completeAfter})`);
    }
    let low = this.start;
    let high = this.slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.slots[middle]!.event.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.slots.slice(low).map((slot) => slot!.event);
  }
}

/** Counts `previous` too: when the event that brought it is dropped, only this event keeps it alive. */
const sizeOf = ({ current, previous }: CacheEvent): number => current.json.length + (previous?.json.length ?? 0);
