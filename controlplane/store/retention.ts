// How much history a store keeps, and the loop that drops the rest. Leases and Events change all the time: a bound by age
// alone would let a busy cluster grow without end, a bound by count alone would cut off a slow client of a quiet one.
import type { Clock } from '../base/clock';
import { describeError } from '../base/errors';
import type { Logger } from '../base/logger';
import type { Store } from './store';

export interface Retention {
  /** History younger than this is kept... */
  readonly keepMs: number;
  /** ...and the newest revisions whatever their age... */
  readonly minRevisions: number;
  /** ...but never more than this many revisions, whatever their age. */
  readonly maxRevisions: number;
  readonly everyMs: number;
}
export const defaultRetention: Retention = {
  keepMs: 5 * 60_000,
  minRevisions: 1_000,
  maxRevisions: 100_000,
  everyMs: 30_000,
};

/** With a shorter age than this, fewer of the newest revisions are kept for certain. */
const fullMinimumMs = 60_000;

/** The default with another age, in milliseconds; 0: history is bounded by count alone. */
export function retentionFor(keepMs: number): Retention {
  if (keepMs === 0) return { ...defaultRetention, keepMs: Number.POSITIVE_INFINITY };
  const minRevisions = Math.ceil(defaultRetention.minRevisions * Math.min(1, keepMs / fullMinimumMs));
  return { ...defaultRetention, keepMs, minRevisions, everyMs: Math.min(keepMs, defaultRetention.everyMs) };
}

/** The newest revision at a point in time, by a clock without steps. */
export interface Sample {
  readonly at: number;
  readonly revision: number;
}

/** The revision to compact to, or 0 for nothing to do. `samples` are in time order; `step` is that of the store. */
export function planCompaction(
  samples: readonly Sample[],
  now: number,
  current: number,
  retention: Retention,
  step = 1,
): number {
  const old = samples.findLast((sample) => sample.at <= now - retention.keepMs)?.revision ?? 0;
  const byAge = Math.min(old, current - retention.minRevisions * step);
  return Math.max(0, byAge, current - retention.maxRevisions * step);
}

interface CompactionDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** The same store, whose history is compacted by the policy until it is closed. */
export function withRetention(store: Store, retention: Retention, deps: CompactionDeps): Store {
  const stop = new AbortController();
  const compaction = runCompaction(store, retention, deps, stop.signal);
  return {
    step: store.step,
    isShared: store.isShared,
    revision: () => store.revision(),
    get: (key) => store.get(key),
    range: (prefix, options) => store.range(prefix, options),
    create: (key, value, claims, together) => store.create(key, value, claims, together),
    update: (key, value, expectedRevision, claims, together) =>
      store.update(key, value, expectedRevision, claims, together),
    delete: (key, expectedRevision, together) => store.delete(key, expectedRevision, together),
    adopt: (key, claims, expectedRevision) => store.adopt(key, claims, expectedRevision),
    claims: (revision) => store.claims(revision),
    watch: (prefix, afterRevision, signal) => store.watch(prefix, afterRevision, signal),
    compact: (revision) => store.compact(revision),
    ...(store.problem ? { problem: () => store.problem?.() } : {}),
    ...(store.ended ? { ended: store.ended } : {}),
    ...(store.files ? { files: store.files } : {}),
    close: async () => {
      stop.abort();
      await compaction;
      await store.close();
    },
  };
}

/** Compacts by the policy every `everyMs`, until the signal is aborted. */
export async function runCompaction(
  store: Pick<Store, 'revision' | 'compact' | 'step'>,
  retention: Retention,
  { clock, log }: CompactionDeps,
  signal: AbortSignal,
): Promise<void> {
  let samples: Sample[] = [];
  let compacted = 0;
  let failure = '';
  while (!signal.aborted) {
    try {
      const now = clock.elapsed();
      const current = await store.revision();
      samples.push({ at: now, revision: current });
      const target = planCompaction(samples, now, current, retention, store.step);
      if (target > compacted) {
        await store.compact(target);
        compacted = target;
      }
      failure = '';
    } catch (error) {
      // A full disk can last for days: one line says it.
      const text = describeError(error);
      if (text !== failure) log.warn('the history of the store was not compacted, retrying later', { error: text });
      failure = text;
    }
    samples = samples.filter((sample) => sample.revision > compacted);
    await clock.sleep(retention.everyMs, signal).catch(() => undefined);
  }
}
