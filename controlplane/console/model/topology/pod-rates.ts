// What goes in and out of each pod, by the counters of its link: also what no connection tells, since all of its packets count.
import type { PacketsAndBytes } from '../../../base/traffic';
import type { NodeReading } from './traffic';

export interface PodRates {
  readonly receivedPerSecond: number;
  readonly sentPerSecond: number;
  /** Packets that the link itself has dropped, both ways, since it was made. */
  readonly dropped: number;
}

/** By NAMESPACE/NAME, in bytes a second; without pods that have been read once alone. */
export function podRatesOf(readings: readonly NodeReading[]): ReadonlyMap<string, PodRates> {
  return new Map(
    readings.flatMap(({ before: { pods: before }, now }) => {
      if (before?.collector !== now.collector) return [];
      const seconds = (Date.parse(now.readAt.pods) - Date.parse(before.readAt.pods)) / 1000;
      const earlier = new Map(before.pods.map((pod) => [pod.pod, pod]));
      return now.pods.flatMap(({ pod, received, sent }) => {
        const old = earlier.get(pod);
        if (!old || seconds <= 0) return [];
        // Fewer than before: another pod of this name.
        const rate = (was: PacketsAndBytes, is: PacketsAndBytes) => Math.max(0, is.bytes - was.bytes) / seconds;
        const rates = {
          receivedPerSecond: rate(old.received, received),
          sentPerSecond: rate(old.sent, sent),
          dropped: received.dropped + sent.dropped,
        };
        return [[pod, rates] as const];
      });
    }),
  );
}
