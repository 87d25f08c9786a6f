// The pace of keys that come back without an error. A key may be handed out freely for a while, as in a rollout with many
// events; one that keeps coming has to wait, so that a mistake in a controller (a reconcile that leads to itself) costs some
// work and not the whole process. Failures have a back-off of their own.

export interface PaceOptions {
  /** How often a key may come at once. */
  readonly burst: number;
  /** How often it may come in the long run. */
  readonly perSecond: number;
}
export const defaultPace: PaceOptions = { burst: 100, perSecond: 50 };

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket for each key. */
export class Pace {
  /** Keys of the present period and of the one before: what is in neither has a full bucket again. */
  private recent = new Map<string, Bucket>();
  private earlier = new Map<string, Bucket>();
  private periodMs = Number.NaN;

  constructor(private readonly options: PaceOptions) {}

  /** 0 when `key` may go, which counts; else how many ms it has to wait, which does not count. */
  take(key: string, nowMs: number): number {
    const { burst, perSecond } = this.options;
    this.turnPage(nowMs);
    const bucket = this.recent.get(key) ?? this.earlier.get(key) ?? { tokens: burst, atMs: nowMs };
    // A clock that was set back must not make keys wait for it.
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (passedMs * perSecond) / 1000);
    bucket.atMs = nowMs;
    this.recent.set(key, bucket);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / perSecond);
    bucket.tokens--;
    return 0;
  }

  /** Forgets what a whole period has not touched; no timer is needed for it. */
  private turnPage(nowMs: number): void {
    const fullAfterMs = (this.options.burst * 1000) / this.options.perSecond;
    if (Math.abs(nowMs - this.periodMs) <= fullAfterMs) return;
    this.earlier = this.recent;
    this.recent = new Map();
    this.periodMs = nowMs;
  }
}
