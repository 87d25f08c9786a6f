// Which programs and policies are called again in the second pass of the mutating rules: those that ask for it and were called before a
// change that they have not seen. Upstream's webhooks and policies follow the same rule.
import type { KubeObject } from '../../api/types';

export class Reinvocation {
  /** Called, and saw all changes since. */
  private readonly current = new Set<string>();
  /** Called before another change. */
  private readonly outdated = new Set<string>();
  private output = '';
  private second = false;

  /** @param wants the one that was called asks to be called again */
  called(id: string, wants: boolean, changed: boolean): void {
    if (changed) {
      for (const one of this.current) this.outdated.add(one);
      // In the second pass those that come later in the list are called once more.
      if (!this.second) this.current.clear();
    }
    if (wants && !this.second) this.current.add(id);
  }

  /** The first pass is over. @param all true: also those that saw all changes are outdated, as upstream treats policies */
  endFirst(object: KubeObject | undefined, all = false): void {
    this.output = textOf(object);
    if (all) for (const one of this.current) this.outdated.add(one);
  }

  /** @param object what the other rules left in the meantime */
  beginSecond(object: KubeObject | undefined): void {
    this.second = true;
    if (this.current.size === 0 || textOf(object) === this.output) return;
    for (const one of this.current) this.outdated.add(one);
  }

  isDue(id: string): boolean {
    return !this.second || this.outdated.has(id);
  }
}

const textOf = (object: KubeObject | undefined): string => JSON.stringify(object ?? null);
