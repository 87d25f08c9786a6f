// Counters of rules that only grow: a rule that is written again begins at zero, and its sum goes on. Pure.
import type { StoppedTraffic } from '../../controlplane/base/traffic';

export interface ReadCounter extends StoppedTraffic {
  /**
   * Its counter is that of the kernel less those of other rules. They are not read at one moment, so it may be smaller than before by what
   * came between: it has not begun again then.
   */
  readonly isDifference?: true;
}

interface Sum {
  packets: number;
  bytes: number;
  seenPackets: number;
  seenBytes: number;
  /** Readings since it was seen last. */
  missing: number;
}

/** A rule that is missing for so many readings has gone for good. */
const maxMissing = 30;
const maxSums = 2_000;

export class GrowingCounters {
  /** By the rule's words. */
  private readonly sums = new Map<string, Sum>();

  /** What was read, with sums in place of counters. */
  add(read: readonly ReadCounter[]): readonly StoppedTraffic[] {
    for (const [rule, sum] of this.sums) if (sum.missing++ >= maxMissing) this.sums.delete(rule);
    return read.map(({ isDifference, ...one }) => {
      const sum = this.sums.get(one.rule) ?? { packets: 0, bytes: 0, seenPackets: 0, seenBytes: 0, missing: 0 };
      if (isDifference) growDifference(sum, one);
      else grow(sum, one);
      sum.missing = 0;
      if (this.sums.has(one.rule) || this.sums.size < maxSums) this.sums.set(one.rule, sum);
      return { ...one, packets: sum.packets, bytes: sum.bytes };
    });
  }
}

function grow(sum: Sum, { packets, bytes }: StoppedTraffic): void {
  // One that was missing may have been in a listing that failed: it goes on from where it was.
  const isFresh = packets < sum.seenPackets;
  sum.packets += packets - (isFresh ? 0 : sum.seenPackets);
  sum.bytes += Math.max(0, bytes - (isFresh ? 0 : sum.seenBytes));
  sum.seenPackets = packets;
  sum.seenBytes = bytes;
}

/** Only what is more than ever before is new. Rules that were written again count from zero: much less than before. */
function growDifference(sum: Sum, { packets, bytes }: StoppedTraffic): void {
  if (packets < sum.seenPackets / 2 && sum.seenPackets > 1_000) {
    sum.seenPackets = 0;
    sum.seenBytes = 0;
  }
  sum.packets += Math.max(0, packets - sum.seenPackets);
  sum.bytes += Math.max(0, bytes - sum.seenBytes);
  sum.seenPackets = Math.max(sum.seenPackets, packets);
  sum.seenBytes = Math.max(sum.seenBytes, bytes);
}
