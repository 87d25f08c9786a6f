// Decides when to look for changes by other programs, and when to look thoroughly: elements can be compared only by reading all of them.
import type { Generations } from './generations';

export interface ForeignChangesDeps {
  /** Without it, another program may have changed something at any moment. */
  readonly generations?: Pick<Generations, 'others'>;
  /** Other programs may write all the time: after a comparison, none follows for `rest` times its duration; default 20. */
  readonly rest?: number;
  /** A monotonic clock in milliseconds, for durations. */
  readonly elapsed?: () => number;
}

/** Calls must not overlap. */
export class ForeignChanges {
  /** The number of transactions by other programs at the last comparison of everything. */
  private compared: number | undefined;
  /** The earliest time of the next comparison of everything. */
  private next = 0;

  constructor(private readonly deps: ForeignChangesDeps) {}

  /** True when no other program has changed anything in this namespace since the last comparison of everything. */
  async none(): Promise<boolean> {
    const others = await this.othersNow();
    return others !== undefined && others === this.compared;
  }

  /**
   * Whether to read the elements too, after a foreign change that touched no structure of ours. Without `generations` the
   * caller decides.
   */
  worthComparing(): boolean {
    return this.deps.generations !== undefined && this.now() >= this.next;
  }

  /** `compare` finds every change that other programs made before it started. @throws the errors of `compare` */
  async comparing<T>(compare: () => Promise<T>): Promise<T> {
    const start = this.now();
    const others = await this.othersNow();
    try {
      const found = await compare();
      this.compared = others;
      return found;
    } finally {
      const end = this.now();
      this.next = end + (end - start) * (this.deps.rest ?? 20);
    }
  }

  /** Undefined when the kernel does not answer: then other programs may have changed something. */
  private async othersNow(): Promise<number | undefined> {
    return this.deps.generations?.others().catch(() => undefined);
  }

  private now(): number {
    return this.deps.elapsed?.() ?? performance.now();
  }
}
