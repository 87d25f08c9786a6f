// The compiled form of each policy, which a request waits for only when compiling takes longer than a turn of the event loop.
import { runInTurns } from './in-turns';

export class PolicyCompiler<P extends object, C> {
  private readonly compiled = new WeakMap<P, C>();
  private running: Promise<void> | undefined;

  /** @param compile yields between two expressions */
  constructor(
    private readonly compile: (policy: P) => Generator<undefined, C, void>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Undefined when all are compiled. Requests that come meanwhile wait for the same work. */
  prepare(policies: readonly P[]): Promise<void> | undefined {
    const missing = policies.filter((policy) => !this.compiled.has(policy));
    if (missing.length === 0) return undefined;
    if (this.running) return this.running.then(() => this.prepare(policies));
    const outcome = runInTurns(this.compileAll(missing), undefined, this.now);
    if (!(outcome instanceof Promise)) return undefined;
    this.running = outcome.finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Of a policy that is prepared. */
  get(policy: P): C {
    return this.compiled.get(policy)!;
  }

  private *compileAll(policies: readonly P[]): Generator<undefined, void, void> {
    for (const policy of policies) this.compiled.set(policy, yield* this.compile(policy));
  }
}
