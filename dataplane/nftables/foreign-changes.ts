// When to look for changes by others, and when it is worth reading every element: elements can be compared only by reading all.
import type { Generations } from './generations';

export interface ForeignChangesDeps {
  /** Without it any moment is one in which others may have changed something. */
  readonly generations?: Pick<Generations, 'others'>;
  /** Others may change something all the time: a comparison for their sake is followed by so many times its duration without one; 20. */
  readonly rest?: number;
  /** Milliseconds of any fixed origin, for durations. */
  readonly elapsed?: () => number;
}

/** Calls must not overlap. */
export class ForeignChanges {
  /** What others had done when everything was last compared. */
  private compared: number | undefined;
  /** Not before this everything is compared again for the sake of a change that may be elsewhere. */
  private next = 0;

  constructor(private readonly deps: ForeignChangesDeps) {}

  /** No other program has changed anything in this namespace since everything was last compared. */
  async none(): Promise<boolean> {
    const others = await this.othersNow();
    return others !== undefined && others === this.compared;
  }

  /** When there are some, but in no structure of ours: whether to read the elements too. Without `generations` the caller knows. */
  worthComparing(): boolean {
    return this.deps.generations !== undefined && this.now() >= this.next;
  }

  /** `compare` finds everything that others have changed until it starts. @throws what it throws */
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

  /** Where the kernel does not say, others may have changed something. */
  private async othersNow(): Promise<number | undefined> {
    return this.deps.generations?.others().catch(() => undefined);
  }

  private now(): number {
    return this.deps.elapsed?.() ?? performance.now();
  }
}
