// Pods that are gone from the API: connection tracking knows their flows for some minutes more. Boxes of Jobs and single pods stay as ended
// ones; an address of a Deployment's pod stays one of the Deployment. Bounded.
import type { Box, Structure } from './boxes';
import type { FormerPlace } from './directory';

/** The kernel forgets the last connections of a pod sooner. */
const keptMs = 5 * 60_000;
const maxKept = 50;
const maxAddresses = 2_000;

/** Pods of a Deployment that are gone belong to one that is still drawn. */
const kinds: ReadonlySet<string> = new Set(['Job', 'Pod']);

export class FormerPods {
  private readonly known = new Map<string, { readonly box: Box; readonly lastMs: number }>();
  /** The last one is the newest. */
  private readonly addresses = new Map<string, { readonly box: Box; readonly node: string; readonly lastMs: number }>();

  /** The structure with the boxes that it had before, as ended ones. */
  with(structure: Structure, nowMs: number): Structure {
    const present = new Set(structure.boxes.map(({ id }) => id));
    // A running pod may have the address of one that has ended: it comes last.
    for (const box of [...structure.boxes].sort((a, b) => Number(b.isEnded ?? 0) - Number(a.isEnded ?? 0))) {
      this.remember(box, nowMs);
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

  /** Whose pods had an address before. Of a Deployment whose box is another one by now, that one: it has another revision. */
  places(structure: Structure): ReadonlyMap<string, FormerPlace> {
    const ids = new Set(structure.boxes.map(({ id }) => id));
    const byName = new Map(structure.boxes.map((box) => [nameOf(box), box.id]));
    return new Map(
      [...this.addresses].flatMap(([address, { box, node }]) => {
        const id = ids.has(box.id) ? box.id : byName.get(nameOf(box));
        return id === undefined ? [] : [[address, { box: id, node }] as const];
      }),
    );
  }

  private remember(box: Box, nowMs: number): void {
    for (const { addresses, node } of box.pods) {
      for (const address of addresses) {
        this.addresses.delete(address);
        this.addresses.set(address, { box, node, lastMs: nowMs });
      }
    }
    for (const [address, { lastMs }] of this.addresses) {
      if (this.addresses.size <= maxAddresses && nowMs - lastMs <= keptMs) break;
      this.addresses.delete(address);
    }
  }
}

const nameOf = ({ type, namespace, name }: Box): string => `${type} ${namespace}/${name}`;

const ended = (box: Box): Box => ({
  ...box,
  isEnded: true,
  pods: box.pods.map((pod) => ({ ...pod, tone: 'none', isReady: false })),
});
