// Decides when the passes of one worker run.
//   1. A request while no pass runs starts one at once; requests during a pass lead to exactly one more pass.
//   2. Passes never overlap.
//   3. A pass that fails is repeated with back-off. A pass that succeeds resets the back-off.
//   4. A pass may resolve to a time. `onDue` is called then, unless another pass has begun before.
//   5. interrupt() aborts the signal of the pass that runs. When that pass fails, the next one begins at once, without back-off.
//   6. After close() no pass begins and `onDue` is not called. The pass that runs is interrupted, and its failure is dropped.
import { Backoff } from '../../../controlplane/base/backoff';
import type { Clock } from '../../../controlplane/base/clock';

const retry = { initialMs: 500, maxMs: 60_000 };

export interface PassLoopDeps {
  readonly clock: Clock;
  /** One pass. May resolve to the time of the next one, in ms since the epoch. */
  readonly pass: (signal: AbortSignal) => Promise<number | undefined>;
  /** Called when a time has come at which the next pass is due; it requests that pass. */
  readonly onDue: () => void;
  /** Called after each failed pass; it must not throw. */
  readonly onFailure: (error: unknown, retryMs: number) => void;
}

export class PassLoop {
  private requested = false;
  private isRunning = false;
  private isClosed = false;
  private current = new AbortController();
  private cancelTimer = () => {};
  private readonly backoff = new Backoff<'pass'>(retry);

  constructor(private readonly deps: PassLoopDeps) {}

  get running(): boolean {
    return this.isRunning;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  request(): void {
    if (this.isClosed) return;
    this.requested = true;
    if (!this.isRunning) void this.run();
  }

  interrupt(reason: Error): void {
    this.current.abort(reason);
  }

  close(reason: Error): void {
    this.isClosed = true;
    this.cancelTimer();
    this.interrupt(reason);
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    while (this.requested && !this.isClosed) {
      this.requested = false;
      this.cancelTimer();
      this.current = new AbortController();
      await this.runOnce(this.current.signal);
    }
    this.isRunning = false;
  }

  private async runOnce(signal: AbortSignal): Promise<void> {
    try {
      const dueAtMs = await this.deps.pass(signal);
      this.backoff.forget('pass');
      if (dueAtMs !== undefined) this.wakeAfter(dueAtMs - this.deps.clock.now());
    } catch (error) {
      if (this.isClosed) return;
      if (signal.aborted) {
        this.requested = true;
        return;
      }
      const retryMs = this.backoff.next('pass');
      this.deps.onFailure(error, retryMs);
      this.wakeAfter(retryMs);
    }
  }

  private wakeAfter(ms: number): void {
    // A pass that is requested already comes first, and gives the next time itself.
    if (this.requested || this.isClosed) return;
    this.cancelTimer = this.deps.clock.after(Math.max(0, ms), this.deps.onDue);
  }
}
