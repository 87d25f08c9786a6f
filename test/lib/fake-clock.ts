// A clock that stands still until a test moves it.
import type { Clock } from '../../controlplane/base/clock';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

export class FakeClock implements Clock {
  private time: number;
  /** How far someone has set the clock of the machine. */
  private stepped = 0;
  private timers: Timer[] = [];
  private waiting: Array<() => void> = [];

  constructor(startMs = Date.parse('2026-01-01T00:00:00Z')) {
    this.time = startMs;
  }

  now(): number {
    return this.time + this.stepped;
  }

  elapsed(): number {
    return this.time;
  }

  /** Sets the clock of the machine on, or back if negative: no timer notices it. */
  step(ms: number): void {
    this.stepped += ms;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.time + ms, fn };
    this.timers.push(timer);
    for (const wake of this.waiting.splice(0)) wake();
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Moves time on and runs the timers that are due, in order of time. Timers that these set run too, if they are due. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.time = Math.max(this.time, due.at);
      due.fn();
    }
    this.time = end;
  }

  /** Moves time on without running timers: the process stands still. Those that are due run at the next advance. */
  jump(ms: number): void {
    this.time += ms;
  }

  /** The remaining time of every timer, in ms, in order. */
  pending(): number[] {
    return this.timers.map(({ at }) => at - this.time).sort((a, b) => a - b);
  }

  /** Resolves when a timer with exactly `ms` left exists; without `ms`, when any timer exists. */
  async armed(ms?: number): Promise<void> {
    const isArmed = () => (ms === undefined ? this.timers.length > 0 : this.pending().includes(ms));
    while (!isArmed()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
