// Keys in order. New keys stay unsorted until the next read, so that a burst of creates costs one sort.

/** Below this many, inserting one by one is cheaper than merging. */
const insertOneByOne = 16;

export class SortedKeys {
  private sorted: string[] = [];
  private fresh: string[] = [];

  /** The key must not be present. */
  add(key: string): void {
    this.fresh.push(key);
  }

  delete(key: string): void {
    const keys = this.settle();
    const at = lowerBound(keys, key);
    if (keys[at] === key) keys.splice(at, 1);
  }

  /** All keys in order; shared, and valid until the next change. */
  all(): readonly string[] {
    return this.settle();
  }

  /** The index of the first key that is not smaller. */
  indexOf(key: string): number {
    return lowerBound(this.settle(), key);
  }

  private settle(): string[] {
    if (this.fresh.length === 0) return this.sorted;
    if (this.fresh.length <= insertOneByOne) {
      for (const key of this.fresh) this.sorted.splice(lowerBound(this.sorted, key), 0, key);
    } else {
      // The engine's sort finds the sorted run and merges.
      this.sorted = this.sorted.concat(this.fresh.sort()).sort();
    }
    this.fresh = [];
    return this.sorted;
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
