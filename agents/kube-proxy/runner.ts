// Decides when to synchronise.
//   1. A request after a quiet time starts a run at once; a request that can wait starts it after `lazyMs`.
//   2. Requests during a run lead to exactly one more run.
//   3. Up to `burst` runs may follow each other directly; then each waits as long as the last one took, at most `maxGapMs`, so
//      that a flood of changes is written in large portions and takes at most half a core.
//   4. A run that fails is repeated with back-off, also without a request.
//   5. Runs never overlap, and nothing runs after the signal is aborted.
import { Backoff } from '../../controlplane/base/backoff';
import type { Clock } from '../../controlplane/base/clock';

export const lazyMs = 20;
export const burst = 3;
export const maxGapMs = 1_000;
const retry = { initialMs: 100, maxMs: 10_000 };

export interface RunnerDeps {
  readonly clock: Clock;
  readonly work: () => Promise<void>;
  /** Called for every failed run. It must not throw. */
  readonly onFailure: (err: unknown) => void;
}

export class Runner {
  private due: 'no' | 'soon' | 'now' = 'no';
  private wake: (() => void) | undefined;
  private readonly backoff = new Backoff<'work'>(retry);
  constructor(private readonly deps: RunnerDeps) {}

  request(urgency: 'soon' | 'now' = 'now'): void {
    if (this.due === 'now' || this.due === urgency) return;
    this.due = urgency;
    this.wake?.();
  }

  /** Resolves when the signal is aborted and the last run has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, work, onFailure } = this.deps;
    let streak = 0;
    while (!signal.aborted) {
      if (this.due === 'no') {
        streak = 0;
        await this.requested(signal);
      }
      if (this.due === 'soon') await this.requested(signal, lazyMs);
      if (signal.aborted) return;
      this.due = 'no';
      const start = clock.now();
      let gap = 0;
      try {
        await work();
        this.backoff.forget('work');
        streak++;
        if (streak >= burst) gap = Math.min(maxGapMs, clock.now() - start);
      } catch (err) {
        onFailure(err);
        this.due = 'now';
        gap = this.backoff.next('work');
      }
      if (gap > 0) await clock.sleep(gap, signal).catch(() => undefined);
    }
  }

  /** Waits for a more urgent request than the present one, at most `ms`. */
  private requested(signal: AbortSignal, ms?: number): Promise<void> {
    return new Promise((resolve) => {
      let cancel = () => {};
      const done = () => {
        cancel();
        signal.removeEventListener('abort', done);
        this.wake = undefined;
        resolve();
      };
      if (ms !== undefined) cancel = this.deps.clock.after(ms, done);
      signal.addEventListener('abort', done, { once: true });
      this.wake = done;
    });
  }
}
