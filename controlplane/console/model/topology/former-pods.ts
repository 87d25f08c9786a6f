// Boxes of Jobs and single pods that are gone from the API: connection tracking knows their flows for some minutes more. Bounded.
import type { Box, Structure } from './boxes';

/** The kernel forgets the last connections of a pod sooner. */
const keptMs = 5 * 60_000;
const maxKept = 50;

/** Pods of a Deployment that are gone belong to one that is still drawn. */
const kinds: ReadonlySet<string> = new Set(['Job', 'Pod']);

export class FormerPods {
  private readonly known = new Map<string, { readonly box: Box; readonly lastMs: number }>();

  /** The structure with the boxes that it had before, as ended ones. */
  with(structure: Structure, nowMs: number): Structure {
    const present = new Set(structure.boxes.map(({ id }) => id));
    for (const box of structure.boxes) {
      if (box.kind !== 'workload' || !kinds.has(box.type) || box.pods.length === 0) continue;
      // The last one is the newest.
      this.known.delete(box.id);
      this.known.set(box.id, { box, lastMs: nowMs });
    }
    for (const [id, { lastMs }] of this.known) if (nowMs - lastMs > keptMs) this.known.delete(id);
    const gone = [...this.known.values()].map(({ box }) => box).filter(({ id }) => !present.has(id));
    if (gone.length === 0) return structure;
    return { ...structure, boxes: [...structure.boxes, ...gone.slice(-maxKept).map(ended)] };
  }
}

const ended = (box: Box): Box => ({
  ...box,
  isEnded: true,
  pods: box.pods.map((pod) => ({ ...pod, tone: 'none', isReady: false })),
});
