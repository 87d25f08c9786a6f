// The turns of this process's event loop, and the work that holds them. A turn is what runs between two visits of the loop to
// the kernel: the callbacks that were due and all microtasks they lead to. During a turn the process answers no request.
//
// Code that starts work, or continues it after an answer, marks the work. The first mark of a turn schedules a callback
// for the end of the turn; a process without work sets no timer and is not woken. If a turn was too long, the log names the
// work between the two marks that were furthest apart. The next turn with a mark judges the turns without marks: the loop
// counts how long it was idle since then.
//
// AsyncLocalStorage would name the work of every continuation, but only running code can read its own store. When a turn is
// over, the running code is the callback that ends the turn. So marks are needed anyway, and a mark costs less than a store
// for each request.
import { performance } from 'node:perf_hooks';
import type { Fields, Logger } from './logger';
import { TurnHistogram } from './turn-histogram';

/** The label of the work in /metrics. */
export type WorkKind = 'request' | 'reconcile' | 'schedule' | 'informer' | 'timer' | 'other';

export interface Work {
  readonly kind: WorkKind;
  /** The exact work, for the log; only called for a turn that was too long. No secrets. */
  readonly describe: () => Fields;
}

export interface EventLoopOptions {
  /** Milliseconds, with fractions, that only go up. */
  readonly now?: () => number;
  /** Calls `fn` once the turn is over. */
  readonly afterTurn?: (fn: () => void) => void;
  /** How long the loop has waited for the kernel so far, and how many rounds it has made. */
  readonly rounds?: () => Rounds;
}
interface Rounds {
  readonly idleMs: number;
  readonly count: number;
}

/** A turn of this length is a fault and logged. */
export const longTurnMs = 200;
/** How long loops that continue in microtasks may hold one turn before they give way. */
export const shareMs = 10;

/** Turns without a mark are short: they read sockets and pass bytes on. */
const unmarkedMs = 50;
const unmarked: Work = { kind: 'other', describe: () => ({}) };

function readRounds(): Rounds {
  const { idleTime, uvMetricsInfo } = performance.nodeTiming;
  return { idleMs: idleTime, count: uvMetricsInfo.loopCount };
}

export class EventLoop {
  private readonly now: () => number;
  private readonly afterTurn: (fn: () => void) => void;
  private readonly rounds: () => Rounds;
  /** Of all turns that had a mark. */
  readonly turns = new TurnHistogram<WorkKind>();
  private log: Logger | undefined;
  /** When the present turn began; undefined between turns, and in a turn before its first mark. */
  private beganMs: number | undefined;
  private work = unmarked;
  private sinceMs = 0;
  private longest = { work: unmarked, ms: 0 };
  /** The idle time and the number of rounds at the end of the last turn. */
  private ended: { readonly atMs: number; readonly rounds: Rounds } | undefined;

  constructor(options: EventLoopOptions = {}) {
    this.now = options.now ?? (() => performance.now());
    this.afterTurn = options.afterTurn ?? ((fn) => void setImmediate(fn));
    this.rounds = options.rounds ?? readRounds;
  }

  /** From now on, long turns are logged. */
  logTo(log: Logger): void {
    this.log = log;
  }

  /** The present work. Code that waits for an answer keeps it, and marks it again when the answer comes. */
  get current(): Work {
    return this.work;
  }

  /** From here on, the turn belongs to `work`. */
  mark(work: Work): void {
    const now = this.now();
    if (this.beganMs === undefined) this.begin(now);
    else this.endStretch(now);
    this.work = work;
    this.sinceMs = now;
  }

  /**
   * For loops that may continue in microtasks alone, between two of their steps: undefined while the turn is short, else a
   * promise to wait for, so that sockets and timers are served first. All loops of the process share one budget.
   */
  pause(): Promise<void> | undefined {
    const now = this.now();
    if (this.beganMs === undefined) {
      this.begin(now);
      this.sinceMs = now;
      return undefined;
    }
    if (now - this.beganMs < shareMs) return undefined;
    return new Promise((resolve) => this.afterTurn(resolve));
  }

  private begin(now: number): void {
    if (this.ended) this.findUnmarked(now, this.ended);
    this.beganMs = now;
    this.longest = { work: unmarked, ms: 0 };
    this.afterTurn(() => this.end());
  }

  /**
   * Turns without a mark may have run since the last turn with a mark; only their total time is known. At least one of them was
   * long if their mean is far above the usual time of such turns. Among very many short turns, a long one is missed.
   */
  private findUnmarked(now: number, { atMs, rounds }: NonNullable<EventLoop['ended']>): void {
    const { idleMs, count } = this.rounds();
    const busyMs = now - atMs - (idleMs - rounds.idleMs);
    const turns = Math.max(1, count - rounds.count);
    if (busyMs >= longTurnMs && busyMs / turns >= unmarkedMs) this.report(unmarked, busyMs, busyMs);
  }

  private endStretch(now: number): void {
    const ms = now - this.sinceMs;
    if (ms > this.longest.ms) this.longest = { work: this.work, ms };
  }

  private end(): void {
    const now = this.now();
    this.endStretch(now);
    const turnMs = now - this.beganMs!;
    const { work, ms } = this.longest;
    this.beganMs = undefined;
    this.work = unmarked;
    this.ended = { atMs: now, rounds: this.rounds() };
    this.report(work, ms, turnMs);
  }

  private report(work: Work, stretchMs: number, turnMs: number): void {
    this.turns.observe(work.kind, turnMs);
    if (turnMs < longTurnMs) return;
    const times = { ms: Math.round(stretchMs), turnMs: Math.round(turnMs) };
    this.log?.warn('the event loop was blocked', { work: work.kind, ...times, ...work.describe() });
  }
}

/** The loop of this process: there is one, so all parts share this object. */
export const eventLoop = new EventLoop();

/**
 * For loops with many cheap steps: as pause(), but looks at the clock only after so much work, in a unit of the caller.
 */
export function pausing(each: number): (work: number) => Promise<void> | undefined {
  let done = 0;
  return (work) => {
    done += work;
    if (done < each) return undefined;
    done = 0;
    return eventLoop.pause();
  };
}

/** For queues: marks the key that a worker of `controller` starts on. */
export const markReconcile =
  (controller: string) =>
  (key: string): void =>
    eventLoop.mark({ kind: 'reconcile', describe: () => ({ controller, key }) });
