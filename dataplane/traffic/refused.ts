// Who was refused, from readings of the sets of the table that watches: what came before rules less what came out behind them. Pure. Sets are read one after the other, the first one first: a packet that passes meanwhile is missing in an earlier one, so it can
// hide a refused one until the next reading, and never looks like one.
import type { RefusedFlow, StoppedTraffic } from '../../controlplane/base/traffic';
import { Meant } from './meant';
import { flowOf } from './watch-elements';
import { stages } from './watch-table';

export const maxRefused = 500;
export const idleMs = 5 * 60_000;
/** Refused flows that are kept; of more, those that were quiet for longest go. */
export const maxKept = 4_096;
/** An element that is missing in its set after so long without a packet has gone; sooner, a listing may have missed it. */
const goneMs = 30_000;

/** Packets by the key of the element, for each of the stages (watch-table.ts) in the order in which a packet meets them. */
export type Counts = readonly ReadonlyMap<string, number>[];

/** What stands between a stage and the next one. */
const between = ['rule', 'egress', 'ingress'] as const;
type Between = (typeof between)[number];

interface Flow {
  /** By stage: as last read. */
  readonly last: number[];
  /** By stage: growth since the flow is known. An element that was made again begins at zero. */
  readonly sums: number[];
  /** By stage: when its count changed last. */
  readonly changedMs: number[];
  /** The largest difference so far. */
  readonly high: Record<Between, number>;
  readonly refused: Record<Between, number>;
  refusedMs: number;
}

export class RefusedFlows {
  private readonly flows = new Map<string, Flow>();
  /** A set behind rules was full: flows that were let through may be missing in it. */
  private wasFull = false;

  add(counts: Counts, isFull: boolean, nowMs: number): void {
    counts.forEach((set, stage) => {
      for (const [key, packets] of set) this.grow(key, stage, packets, nowMs);
    });
    // One more reading: packets between the two may have met a full set.
    const isTrusted = !isFull && !this.wasFull;
    this.wasFull = isFull;
    for (const [key, flow] of this.flows) {
      if (counts.some((set) => set.has(key))) count(flow, isTrusted, nowMs);
      else if (flow.refusedMs < nowMs - idleMs) this.flows.delete(key);
      forgetGone(flow, (stage) => counts[stage]!.has(key), nowMs);
    }
    this.bound();
  }

  /** The kernel counts from zero again. */
  restart(): void {
    for (const { last } of this.flows.values()) last.fill(0);
  }

  /** `stopped` says what is meant: rules that have stopped packets, of the same pod or to the same address. */
  report(stopped: readonly StoppedTraffic[]): readonly RefusedFlow[] {
    const meant = new Meant(stopped);
    const found: (RefusedFlow & { readonly key: string })[] = [];
    for (const [key, { refused }] of this.flows) {
      for (const place of between) {
        const ends = refused[place] === 0 ? undefined : flowOf(key);
        if (ends === undefined) continue;
        const packets = refused[place];
        found.push(
          place === 'rule'
            ? { ...ends, by: 'rule', packets, ...meant.rule(ends), key }
            : { ...ends, by: 'policy', direction: place, packets, ...meant.policies(place, ends), key },
        );
      }
    }
    return found
      .sort((a, b) => b.packets - a.packets || (a.key < b.key ? -1 : 1))
      .slice(0, maxRefused)
      .map(({ key: _, ...flow }) => flow);
  }

  private grow(key: string, stage: number, packets: number, nowMs: number): void {
    let flow = this.flows.get(key);
    if (flow === undefined) {
      flow = {
        last: stages.map(() => 0),
        sums: stages.map(() => 0),
        changedMs: stages.map(() => nowMs),
        high: { ...none },
        refused: { ...none },
        refusedMs: Number.NEGATIVE_INFINITY,
      };
      this.flows.set(key, flow);
    }
    const before = flow.last[stage]!;
    if (packets !== before) flow.changedMs[stage] = nowMs;
    flow.sums[stage]! += packets < before ? packets : packets - before;
    flow.last[stage] = packets;
  }

  private bound(): void {
    const kept = [...this.flows].filter(([, { refusedMs }]) => refusedMs > Number.NEGATIVE_INFINITY);
    if (kept.length <= maxKept) return;
    kept.sort(([, a], [, b]) => a.refusedMs - b.refusedMs);
    for (const [, flow] of kept.slice(0, kept.length - maxKept)) {
      // The sums stay while the kernel has the element: without them its count would be new.
      Object.assign(flow.refused, none);
      flow.refusedMs = Number.NEGATIVE_INFINITY;
    }
  }
}

/** An element that ended, set by set: those of the later sets end earlier where packets are refused. Made again, it begins at zero. */
function forgetGone(flow: Flow, isThere: (stage: number) => boolean, nowMs: number): void {
  for (const stage of stages.keys()) {
    if (!isThere(stage) && flow.changedMs[stage]! < nowMs - goneMs) flow.last[stage] = 0;
  }
}

function count(flow: Flow, isTrusted: boolean, nowMs: number): void {
  for (const [i, place] of between.entries()) {
    const now = flow.sums[i]! - flow.sums[i + 1]!;
    const more = now - flow.high[place];
    if (more <= 0) continue;
    flow.high[place] = now;
    if (!isTrusted) continue;
    flow.refused[place] += more;
    flow.refusedMs = nowMs;
  }
}

const none: Readonly<Record<Between, number>> = { rule: 0, egress: 0, ingress: 0 };
