// Limits what reading costs: a part of the answer that took CPU time is not read again before a multiple of that time has gone.
import { describeError } from '../../controlplane/base/errors';

/** 50: two percent of a core. */
export const restFactor = 50;

export interface PaceDeps {
  /** CPU time of this process and of the commands that it has run, in ms. */
  readonly cpuMs: () => number;
  /** A clock without steps, in ms. */
  readonly elapsed: () => number;
}

export interface Reading<T> {
  /** The last one that succeeded. */
  readonly value?: T;
  /** Of that, in ms since the epoch. */
  readonly atMs?: number;
  /** Why the last attempt failed. */
  readonly problem?: string;
}

export class Paced<T> {
  private last: Reading<T> = {};
  private restsUntil = Number.NEGATIVE_INFINITY;

  constructor(private readonly deps: PaceDeps) {}

  /** Reads, or answers the last reading. One at a time: the CPU time of another part would count here, too. Never rejects. */
  async get(read: () => Promise<T>, nowMs: number): Promise<Reading<T>> {
    const { cpuMs, elapsed } = this.deps;
    if (elapsed() < this.restsUntil) return this.last;
    const before = cpuMs();
    try {
      this.last = { value: await read(), atMs: nowMs };
    } catch (error) {
      const { problem: _, ...kept } = this.last;
      this.last = { ...kept, problem: describeError(error) };
    }
    this.restsUntil = elapsed() + restFactor * (cpuMs() - before);
    return this.last;
  }
}
