// Which Events are deleted, by age and by number.
import type { Event } from '../../api/event';

/** The default of kube-apiserver's --event-ttl. */
export const eventTtlMs = 60 * 60_000;
/** A flood of different Events must not fill the store within their hour. */
export const maxEvents = 10_000;

/**
 * When the Event was last seen, in ms since the epoch: the latest of its times. Upstream counts from the last write, so an Event whose
 * own times are old, because its sender's clock is, stays for an hour after its creation too.
 */
export function lastSeen({ lastTimestamp, eventTime, series, metadata }: Event): number {
  const times = [series?.lastObservedTime, lastTimestamp, eventTime, metadata.creationTimestamp];
  return Math.max(0, ...times.map((time) => Date.parse(time ?? '') || 0));
}

/** How long the Event still stays, in ms; 0 or less when it is to be deleted. */
export const remainingMs = (event: Event, now: number): number => lastSeen(event) + eventTtlMs - now;

/** The Events beyond the limit: those whose last occurrence is the oldest. */
export function planExcess(events: readonly Event[], limit = maxEvents): readonly Event[] {
  if (events.length <= limit) return [];
  return [...events].sort((a, b) => lastSeen(a) - lastSeen(b)).slice(0, events.length - limit);
}
