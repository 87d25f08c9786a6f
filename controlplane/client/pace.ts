// The rate limit of keys that return without an error. Workers get a key without delay for a while, as in a rollout with many
// events. A key that keeps returning has to wait, so that a fault in a controller (a reconcile that triggers itself) costs some
// work but does not block the process. Failures have a back-off of their own.

export interface PaceOptions {
  /** How often workers get one key without delay. */
  readonly burst: number;
  /** How often workers get one key in the long run. */
  readonly perSecond: number;
}
export const defaultPace: PaceOptions = { burst: 100, perSecond: 50 };

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket for each key. */
export class Pace {
  /** Keys of the present period and of the one before: a key that is in neither has a full bucket again. */
  private recent = new Map<string, Bucket>();
  private earlier = new Map<string, Bucket>();
  private periodMs = Number.NaN;

  constructor(private readonly options: PaceOptions) {}

  /** 0 when a worker may get `key` now, and counts it; else how many ms it has to wait, and counts nothing. */
  take(key: string, nowMs: number): number {
    const { burst, perSecond } = this.options;
    this.turnPage(nowMs);
    const bucket = this.recent.get(key) ?? this.earlier.get(key) ?? { tokens: burst, atMs: nowMs };
    // A clock that was set back must not delay keys.
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (passedMs * perSecond) / 1000);
    bucket.atMs = nowMs;
    this.recent.set(key, bucket);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / perSecond);
    bucket.tokens--;
    return 0;
  }

  /** Forgets keys that a full period has not used; needs no timer. */
  private turnPage(nowMs: number): void {
    const fullAfterMs = (this.options.burst * 1000) / this.options.perSecond;
    if (Math.abs(nowMs - this.periodMs) <= fullAfterMs) return;
    this.earlier = this.recent;
    this.recent = new Map();
    this.periodMs = nowMs;
  }
}
