// Whose packets a receiver refuses at once, because nothing listens at the port: connection tracking forgets a connection of TCP with a reset as
// its only answer, so no reading of its table has it. From readings of a set that counts these answers. Pure.
import type { RefusedFlow } from '../../controlplane/base/traffic';
import { flowOf } from './watch-elements';

export const maxKept = 1_024;
export const idleMs = 5 * 60_000;

interface Flow {
  last: number;
  packets: number;
  changedMs: number;
}

export class ClosedFlows {
  private readonly flows = new Map<string, Flow>();

  /** @param counts answers by the key of the element: client, receiver, the address that the client wrote, protocol, port of the receiver */
  add(counts: ReadonlyMap<string, number>, nowMs: number): void {
    for (const [key, packets] of counts) {
      const flow = this.flows.get(key) ?? { last: 0, packets: 0, changedMs: nowMs };
      // Fewer than before: the element had ended, and was made again.
      const more = packets < flow.last ? packets : packets - flow.last;
      flow.last = packets;
      flow.packets += more;
      if (more > 0) flow.changedMs = nowMs;
      this.flows.set(key, flow);
    }
    for (const [key, flow] of this.flows) {
      if (!counts.has(key)) flow.last = 0;
      if (!counts.has(key) && flow.changedMs < nowMs - idleMs) this.flows.delete(key);
    }
    if (this.flows.size <= maxKept) return;
    const quiet = [...this.flows].sort(([, a], [, b]) => a.changedMs - b.changedMs).slice(0, this.flows.size - maxKept);
    for (const [key] of quiet) this.flows.delete(key);
  }

  /** The kernel counts from zero again. */
  restart(): void {
    for (const flow of this.flows.values()) flow.last = 0;
  }

  /** The most packets first. */
  report(): readonly RefusedFlow[] {
    return [...this.flows]
      .sort(([a, one], [b, other]) => other.packets - one.packets || (a < b ? -1 : 1))
      .flatMap(([key, { packets }]) => {
        const ends = flowOf(key);
        return ends ? [{ ...ends, by: 'receiver' as const, packets }] : [];
      });
  }
}
