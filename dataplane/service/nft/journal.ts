// A map that remembers the earlier values of its changed entries: a transaction needs them in addition to the plan.

export class Journal<T> {
  private readonly current = new Map<string, T>();
  private changed = new Map<string, T | undefined>();
  constructor(private readonly same: (a: T, b: T) => boolean = (a, b) => a === b) {}

  get values(): ReadonlyMap<string, T> {
    return this.current;
  }

  /** Undefined removes the entry. */
  set(key: string, value: T | undefined): void {
    const old = this.current.get(key);
    if (!this.changed.has(key)) this.changed.set(key, old);
    if (value === undefined) this.current.delete(key);
    else this.current.set(key, value);
  }

  /** The entries that changed since the last call, with their earlier value; undefined: the entry did not exist. */
  take(): ReadonlyMap<string, T | undefined> {
    const changes = this.changed;
    this.changed = new Map();
    for (const [key, old] of changes) {
      const now = this.current.get(key);
      if (old === undefined ? now === undefined : now !== undefined && this.same(old, now)) changes.delete(key);
    }
    return changes;
  }
}
