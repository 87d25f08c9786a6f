// Locks by key, within this process. A caller that needs several takes them in one order, so no two wait for each other.

export class KeyLocks {
  /** The last holder or waiter of each key. */
  private readonly tails = new Map<string, Promise<void>>();

  /** Resolves when all keys are free of earlier callers, with the function that frees them. */
  async acquire(keys: readonly string[]): Promise<() => void> {
    const held: (() => void)[] = [];
    for (const key of [...new Set(keys)].sort()) held.push(await this.acquireOne(key));
    return () => {
      for (const free of held) free();
    };
  }

  private async acquireOne(key: string): Promise<() => void> {
    const before = this.tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.tails.set(key, promise);
    await before;
    return () => {
      if (this.tails.get(key) === promise) this.tails.delete(key);
      resolve();
    };
  }
}
