// Keys in order. Changes wait until the next read, so that a burst of creates costs one sort, and a burst of deletes one pass.

/** Up to this many changes, moving the rest of the array for each is cheaper than a pass over all keys. */
const oneByOne = 16;

export class SortedKeys {
  private sorted: string[] = [];
  private fresh: string[] = [];
  /** Deleted since the last read; still in one of the arrays. */
  private readonly gone = new Set<string>();

  /** The key must not be present. */
  add(key: string): void {
    if (!this.gone.delete(key)) this.fresh.push(key);
  }

  /** The key must be present. */
  delete(key: string): void {
    this.gone.add(key);
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
    if (this.fresh.length > 0) this.insert();
    if (this.gone.size > 0) this.remove();
    return this.sorted;
  }

  private insert(): void {
    if (this.fresh.length <= oneByOne) {
      for (const key of this.fresh) this.sorted.splice(lowerBound(this.sorted, key), 0, key);
    } else {
      // The engine's sort finds the sorted run and merges.
      this.sorted = this.sorted.concat(this.fresh.sort()).sort();
    }
    this.fresh = [];
  }

  private remove(): void {
    if (this.gone.size <= oneByOne) {
      for (const key of this.gone) {
        const at = lowerBound(this.sorted, key);
        if (this.sorted[at] === key) this.sorted.splice(at, 1);
      }
    } else {
      this.sorted = this.sorted.filter((key) => !this.gone.has(key));
    }
    this.gone.clear();
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
