// Who was refused, from readings of the sets of the table that watches: what came before the rules of policies less what came out behind
// them. Pure. Sets are read one after the other, the first one first: a packet that passes meanwhile is missing in an earlier one, so it can
// hide a refused one until the next reading, and never looks like one.
import type { RefusedFlow, StoppedTraffic } from '../../controlplane/base/traffic';
import { flowOf } from './watch-elements';

export const maxRefused = 500;
export const idleMs = 5 * 60_000;
/** Refused flows that are kept; of more, those that were quiet for longest go. */
export const maxKept = 4_096;
/** An element that is missing in its set after so long without a packet has gone; sooner, a listing may have missed it. */
const goneMs = 30_000;

/** Packets by the key of the element, for each of the three sets in the order in which a packet meets them. */
export type Counts = readonly [ReadonlyMap<string, number>, ReadonlyMap<string, number>, ReadonlyMap<string, number>];

interface Flow {
  /** As last read. */
  readonly last: [number, number, number];
  /** Growth since the flow is known: an element that was made again begins at zero. */
  readonly sums: [number, number, number];
  /** The largest difference so far, at each side. */
  readonly high: { egress: number; ingress: number };
  readonly refused: { egress: number; ingress: number };
  /** Of each set: when its count changed last. */
  readonly changedMs: [number, number, number];
  refusedMs: number;
}

const directions = ['egress', 'ingress'] as const;

export class RefusedFlows {
  private readonly flows = new Map<string, Flow>();
  /** A set behind the policies was full: flows that were let through may be missing in it. */
  private wasFull = false;

  add(counts: Counts, isFull: boolean, nowMs: number): void {
    counts.forEach((set, stage) => {
      for (const [key, packets] of set) this.grow(key, stage as 0 | 1 | 2, packets, nowMs);
    });
    // One more reading: packets between the two may have met a full set.
    const isTrusted = !isFull && !this.wasFull;
    this.wasFull = isFull;
    for (const [key, flow] of this.flows) {
      if (counts.some((set) => set.has(key))) count(flow, isTrusted, nowMs);
      else if (flow.refusedMs < nowMs - idleMs) this.flows.delete(key);
      forgetGone(flow, (stage) => counts[stage].has(key), nowMs);
    }
    this.bound();
  }

  /** The kernel counts from zero again. */
  restart(): void {
    for (const { last } of this.flows.values()) last.fill(0);
  }

  /** `stopped` says which policies are meant: those whose rules have stopped packets of the same pod. */
  report(stopped: readonly StoppedTraffic[]): readonly RefusedFlow[] {
    const byPod = new Map<string, readonly string[]>();
    for (const { cause, direction, pods, objects } of stopped) {
      if (cause !== 'policy' || direction === undefined || objects.length === 0) continue;
      for (const pod of pods) byPod.set(`${direction} ${pod}`, objects);
    }
    const found: (RefusedFlow & { readonly key: string })[] = [];
    for (const [key, { refused }] of this.flows) {
      for (const direction of directions) {
        const ends = refused[direction] === 0 ? undefined : flowOf(key);
        if (ends === undefined) continue;
        const policies = byPod.get(
          `${direction} ${direction === 'egress' ? ends.source : (ends.backend ?? ends.destination)}`,
        );
        found.push({
          ...ends,
          by: 'policy',
          direction,
          packets: refused[direction],
          ...(policies ? { policies } : {}),
          key,
        });
      }
    }
    return found
      .sort((a, b) => b.packets - a.packets || (a.key < b.key ? -1 : 1))
      .slice(0, maxRefused)
      .map(({ key: _, ...flow }) => flow);
  }

  private grow(key: string, stage: 0 | 1 | 2, packets: number, nowMs: number): void {
    let flow = this.flows.get(key);
    if (flow === undefined) {
      flow = {
        last: [0, 0, 0],
        sums: [0, 0, 0],
        high: { egress: 0, ingress: 0 },
        refused: { egress: 0, ingress: 0 },
        changedMs: [nowMs, nowMs, nowMs],
        refusedMs: Number.NEGATIVE_INFINITY,
      };
      this.flows.set(key, flow);
    }
    const before = flow.last[stage];
    if (packets !== before) flow.changedMs[stage] = nowMs;
    flow.sums[stage] += packets < before ? packets : packets - before;
    flow.last[stage] = packets;
  }

  private bound(): void {
    const kept = [...this.flows].filter(([, { refusedMs }]) => refusedMs > Number.NEGATIVE_INFINITY);
    if (kept.length <= maxKept) return;
    kept.sort(([, a], [, b]) => a.refusedMs - b.refusedMs);
    for (const [, flow] of kept.slice(0, kept.length - maxKept)) {
      // The sums stay while the kernel has the element: without them its count would be new.
      flow.refused.egress = 0;
      flow.refused.ingress = 0;
      flow.refusedMs = Number.NEGATIVE_INFINITY;
    }
  }
}

/** An element that ended, set by set: those of the later sets end earlier where packets are refused. Made again, it begins at zero. */
function forgetGone(flow: Flow, isThere: (stage: 0 | 1 | 2) => boolean, nowMs: number): void {
  for (const stage of [0, 1, 2] as const) {
    if (!isThere(stage) && flow.changedMs[stage] < nowMs - goneMs) flow.last[stage] = 0;
  }
}

function count(flow: Flow, isTrusted: boolean, nowMs: number): void {
  const [seen, left, entered] = flow.sums;
  const now = { egress: seen - left, ingress: left - entered };
  for (const direction of directions) {
    const more = now[direction] - flow.high[direction];
    if (more <= 0) continue;
    flow.high[direction] = now[direction];
    if (!isTrusted) continue;
    flow.refused[direction] += more;
    flow.refusedMs = nowMs;
  }
}
