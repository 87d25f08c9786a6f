// Exponential back-off per key, as client-go's rate limiter and the kubelet's crash-loop use it.

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor?: number;
}

/** Delays grow by `factor` (default 2) per failure of the same key up to `maxMs`; forget() starts over. */
export class Backoff<K> {
  private readonly failures = new Map<K, number>();
  constructor(private readonly options: BackoffOptions) {}

  /** Counts one more failure of `key` and returns the delay before the next try, in ms. */
  next(key: K): number {
    const n = this.failures.get(key) ?? 0;
    this.failures.set(key, n + 1);
    const { initialMs, maxMs, factor = 2 } = this.options;
    return Math.min(maxMs, initialMs * factor ** n);
  }

  count(key: K): number {
    return this.failures.get(key) ?? 0;
  }

  forget(key: K): void {
    this.failures.delete(key);
  }
}
