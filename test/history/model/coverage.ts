// For which revisions a history knows every write: those that lie in the range of a watch. Pure.
import { type Revision, reached, type Watch } from './history';

/** After `from`, up to and including `to`. */
interface Range {
  readonly from: Revision;
  readonly to: Revision;
}

export class Coverage {
  private readonly rangesOf = new Map<string, Range[]>();
  private readonly merged = new Map<string, readonly Range[]>();

  constructor(watches: readonly Watch[]) {
    for (const watch of watches) {
      const ranges = this.rangesOf.get(watch.scope) ?? [];
      ranges.push({ from: watch.from, to: reached(watch) });
      this.rangesOf.set(watch.scope, ranges);
    }
  }

  /** Whether all writes of the key after `from`, up to and including `to`, are known. */
  covers(key: string, from: Revision, to: Revision): boolean {
    return from >= to || this.rangesFor(key).some((range) => range.from <= from && range.to >= to);
  }

  /** Whether all writes of the key after `from` are known, to the end of the history. */
  coversToEnd(key: string, from: Revision): boolean {
    const last = this.rangesFor(key).at(-1);
    return last !== undefined && last.from <= from;
  }

  /** The ranges for a key, joined where they meet. */
  private rangesFor(key: string): readonly Range[] {
    const [resource = '', namespace = ''] = key.split('/', 2);
    const scope = `${resource}/${namespace}/`;
    const known = this.merged.get(scope);
    if (known) return known;
    const all = [...(this.rangesOf.get(`${resource}/`) ?? []), ...(this.rangesOf.get(scope) ?? [])];
    const joined: Range[] = [];
    for (const range of all.sort((a, b) => a.from - b.from)) {
      const last = joined.at(-1);
      if (last && range.from <= last.to)
        joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
      else joined.push(range);
    }
    this.merged.set(scope, joined);
    return joined;
  }
}
