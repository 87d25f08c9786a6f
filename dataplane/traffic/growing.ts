// Counters of rules that only grow: a rule that is written again begins at zero, and its sum goes on. Pure.
import type { StoppedTraffic } from '../../controlplane/base/traffic';

interface Sum {
  packets: number;
  bytes: number;
  seenPackets: number;
  seenBytes: number;
}

export class GrowingCounters {
  /** By the rule's words. */
  private sums = new Map<string, Sum>();

  /** What was read, with sums in place of counters. A rule that has gone is forgotten. */
  add(read: readonly StoppedTraffic[]): readonly StoppedTraffic[] {
    const now = new Map<string, Sum>();
    const grown = read.map((one) => {
      const { packets, bytes, rule } = one;
      const before = this.sums.get(rule) ?? { packets: 0, bytes: 0, seenPackets: 0, seenBytes: 0 };
      const fresh = packets < before.seenPackets;
      const sum = {
        packets: before.packets + packets - (fresh ? 0 : before.seenPackets),
        bytes: before.bytes + bytes - (fresh ? 0 : before.seenBytes),
        seenPackets: packets,
        seenBytes: bytes,
      };
      now.set(rule, sum);
      return { ...one, packets: sum.packets, bytes: sum.bytes };
    });
    this.sums = now;
    return grown;
  }
}
