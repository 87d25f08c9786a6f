// One running probe: the facts that are known so far, its end, and what must be closed then. The first end counts; a timeout and
// an abort are ends like all others.
import { describeError } from '../../controlplane/base/errors';
import { verdictOf } from './outcomes';
import type { ProbeRequest, ProbeResult } from './request';
import { CallFailed } from './socket';

type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type Facts = Writable<Omit<ProbeResult, 'outcome' | 'error' | 'totalMs'>>;

export class Attempt {
  readonly facts: Facts = {};
  /** What a timeout means at this moment of the probe. */
  atTimeout: { readonly outcome: ProbeResult['outcome']; readonly error?: string } = { outcome: 'timeout' };
  /** Rejects only after an abort. */
  readonly result: Promise<ProbeResult>;
  private readonly start = performance.now();
  private readonly closing: Array<() => void> = [];
  private readonly settle: { resolve(result: ProbeResult): void; reject(reason: unknown): void };
  private over = false;

  constructor({ timeoutMs }: Pick<ProbeRequest, 'timeoutMs'>, signal?: AbortSignal) {
    const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>();
    this.result = promise;
    this.settle = { resolve, reject };
    this.after(timeoutMs, () => this.finish(this.atTimeout.outcome, this.atTimeout.error));
    if (!signal) return;
    const onAbort = () => this.end(() => this.settle.reject(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    this.onEnd(() => signal.removeEventListener('abort', onAbort));
  }

  /** Milliseconds since the start of the probe. */
  elapsedMs(): number {
    return performance.now() - this.start;
  }

  /** Runs `step` at the end; at once when the probe has ended already, so that no socket is left open. */
  onEnd(step: () => void): void {
    if (this.over) step();
    else this.closing.push(step);
  }

  /** Runs `step` after a time, unless the probe ends earlier. */
  after(ms: number, step: () => void): void {
    const timer = setTimeout(step, ms);
    this.onEnd(() => clearTimeout(timer));
  }

  finish(outcome: ProbeResult['outcome'], error?: string): void {
    this.end(() =>
      this.settle.resolve({
        outcome,
        ...this.facts,
        totalMs: this.elapsedMs(),
        ...(error === undefined ? {} : { error }),
      }),
    );
  }

  /** Ends the probe by an error of a system call; an error of another kind becomes `failed` with its message. */
  fail(err: unknown): void {
    const code = err instanceof CallFailed ? err.errno : (err as NodeJS.ErrnoException).code;
    const { outcome, error } =
      code === undefined ? { outcome: 'failed' as const, error: describeError(err) } : verdictOf(code);
    this.finish(outcome, error);
  }

  /** Steps do not throw: they close descriptors and clear timers. */
  private end(settle: () => void): void {
    if (this.over) return;
    this.over = true;
    for (const step of this.closing.splice(0).reverse()) step();
    settle();
  }
}
