// The turns of this process's event loop. A turn is what runs between two visits of the loop to the kernel: the callbacks
// that were due and all microtasks they lead to. While it lasts, the process answers no one.
import { performance } from 'node:perf_hooks';

export interface EventLoopOptions {
  /** Milliseconds, with fractions, that only go up. */
  readonly now?: () => number;
  /** Calls `fn` once the turn is over. */
  readonly afterTurn?: (fn: () => void) => void;
}

/** How long loops that go on in microtasks may hold one turn before they give way. */
export const shareMs = 10;

export class EventLoop {
  private readonly now: () => number;
  private readonly afterTurn: (fn: () => void) => void;
  /** When the present turn began; undefined between turns and in a turn that has done no work of ours yet. */
  private beganMs: number | undefined;

  constructor(options: EventLoopOptions = {}) {
    this.now = options.now ?? (() => performance.now());
    this.afterTurn = options.afterTurn ?? ((fn) => void setImmediate(fn));
  }

  /**
   * For loops that may go on in microtasks alone, between two of their steps: undefined while the turn is short, else a
   * promise to wait for, so that sockets and timers are served first. All loops of the process share one budget.
   */
  pause(): Promise<void> | undefined {
    const now = this.now();
    if (this.beganMs === undefined) {
      this.begin(now);
      return undefined;
    }
    if (now - this.beganMs < shareMs) return undefined;
    return new Promise((resolve) => this.afterTurn(resolve));
  }

  private begin(now: number): void {
    this.beganMs = now;
    // No timer: a process without work is not woken.
    this.afterTurn(() => {
      this.beganMs = undefined;
    });
  }
}

/** The loop of this process: there is one, so all parts share this object. */
export const eventLoop = new EventLoop();
