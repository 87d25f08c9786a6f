// The order of the operations of a soak, from a seed: objects are made, changed and deleted, watches opened and closed, requests
// sent. The number of objects and watches that exist at the same time is bounded, so a flat cluster stays flat. Pure.

/** Kinds whose objects come and go. */
export const kinds = ['ConfigMap', 'Secret', 'Service', 'Ingress'] as const;
export type SoakKind = (typeof kinds)[number];

export type Operation =
  | { readonly action: 'create' | 'delete'; readonly kind: SoakKind; readonly name: string }
  | { readonly action: 'change'; readonly kind: SoakKind; readonly name: string; readonly version: number }
  | { readonly action: 'open watch'; readonly kind: SoakKind; readonly name: string }
  | { readonly action: 'close watch'; readonly name: string }
  | { readonly action: 'list'; readonly kind: SoakKind }
  | { readonly action: 'request'; readonly way: 'ingress' | 'dns' | 'node port' };

/** So many objects of one kind exist after the first minutes: between the two numbers. */
const objects = { least: 10, most: 30 } as const;
const watches = { least: 5, most: 15 } as const;

export class Operations {
  private serial = 0;
  /** Oldest first. */
  private readonly living = new Map<SoakKind, string[]>(kinds.map((kind) => [kind, []]));
  private readonly open: string[] = [];

  /** `random` yields numbers from 0 to below 1. */
  constructor(private readonly random: () => number) {}

  next(): Operation {
    const turn = this.random();
    if (turn < 0.6) return this.ofObject(this.pick(kinds));
    if (turn < 0.75) return this.ofWatch();
    if (turn < 0.8) return { action: 'list', kind: this.pick(kinds) };
    return { action: 'request', way: this.pick(['ingress', 'dns', 'node port'] as const) };
  }

  /** What ends everything that exists. */
  rest(): readonly Operation[] {
    const closed = this.open.splice(0).map((name): Operation => ({ action: 'close watch', name }));
    const deleted = kinds.flatMap((kind) =>
      this.living
        .get(kind)!
        .splice(0)
        .map((name): Operation => ({ action: 'delete', kind, name })),
    );
    return [...closed, ...deleted];
  }

  private ofObject(kind: SoakKind): Operation {
    const living = this.living.get(kind)!;
    const action = this.direction(living.length, objects);
    if (action === 'more') {
      const name = `${kind.toLowerCase()}-${this.serial++}`;
      living.push(name);
      return { action: 'create', kind, name };
    }
    if (action === 'fewer') return { action: 'delete', kind, name: living.shift()! };
    return { action: 'change', kind, name: this.pick(living), version: this.serial++ };
  }

  private ofWatch(): Operation {
    if (this.direction(this.open.length, watches) === 'fewer') {
      return { action: 'close watch', name: this.open.shift()! };
    }
    if (this.open.length >= watches.most) return { action: 'list', kind: this.pick(kinds) };
    const name = `watch-${this.serial++}`;
    this.open.push(name);
    return { action: 'open watch', kind: this.pick(kinds), name };
  }

  private direction(
    count: number,
    { least, most }: { readonly least: number; readonly most: number },
  ): 'more' | 'fewer' | 'same' {
    if (count < least) return 'more';
    if (count >= most) return 'fewer';
    const turn = this.random();
    return turn < 1 / 3 ? 'more' : turn < 2 / 3 ? 'fewer' : 'same';
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)]!;
  }
}
