// The revision that a cache has applied, and those who wait for a greater one.
import type { Clock } from '../../base/clock';
import { AppError } from '../../base/errors';

interface Waiter {
  readonly revision: number;
  readonly settle: (error?: unknown) => void;
}

export class AppliedRevision {
  /** Set it first, then call settle() when its events have been delivered. */
  value = 0;
  private waiters: Waiter[] = [];

  constructor(
    private readonly clock: Pick<Clock, 'after'>,
    /** How long reached() waits. */
    private readonly waitMs: number,
  ) {}

  /** Ends the waiting for this revision and older ones. */
  settle(): void {
    if (this.waiters.length === 0) return;
    const waiting = this.waiters;
    this.waiters = [];
    for (const waiter of waiting) {
      if (waiter.revision <= this.value) waiter.settle();
      else this.waiters.push(waiter);
    }
  }

  /** Ends all waiting with an error. */
  fail(reason: unknown): void {
    const waiting = this.waiters;
    this.waiters = [];
    for (const waiter of waiting) waiter.settle(reason);
  }

  /** For a committed revision: its event will arrive. @throws the reason of fail() */
  upTo(revision: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error));
      this.waiters.push({ revision, settle });
    });
  }

  /** For a revision that a client requested: it may never come, so the wait has a limit. Undefined: it is there. @throws Timeout */
  reached(revision: number): Promise<void> | undefined {
    if (revision <= this.value) return undefined;
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(this.waitMs, () => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        const details = { retryAfterSeconds: 1 };
        const message = `Too large resource version: ${revision}, current: ${this.value}`;
        reject(new AppError('Timeout', message, { details }));
      });
      const settle = (error?: unknown) => {
        cancel();
        if (error === undefined) resolve();
        else reject(error);
      };
      const waiter = { revision, settle };
      this.waiters.push(waiter);
    });
  }
}
