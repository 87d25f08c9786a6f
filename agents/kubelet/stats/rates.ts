// CPU time per second, from two snapshots of counters. Nothing is measured without a question: the earlier snapshot is that of an
// earlier question, so a rate is that between two questions, of ten seconds at least where questions come more often. Pure.

/** CPU time of each measured thing, by its key. */
export interface CpuSnapshot {
  readonly atMs: number;
  readonly counters: ReadonlyMap<string, CpuCounter>;
}
export interface CpuCounter {
  readonly atMs: number;
  readonly usageNanoseconds: number;
  readonly startedAtMs: number;
}

const shortestMs = 10_000;
const longestMs = 120_000;

/** The newest snapshot, and the one that rates are measured from. */
export interface Book {
  readonly base: CpuSnapshot;
  readonly newest: CpuSnapshot;
}

/** Undefined: no snapshot that is young enough for a rate of now. Then two snapshots must be made one after the other. */
export function baseFor(book: Book | undefined, atMs: number): CpuSnapshot | undefined {
  if (!book) return undefined;
  const chosen = atMs - book.newest.atMs >= shortestMs ? book.newest : book.base;
  return atMs - chosen.atMs <= longestMs ? chosen : undefined;
}

export function noted(book: Book | undefined, snapshot: CpuSnapshot): Book {
  const base = baseFor(book, snapshot.atMs) ?? snapshot;
  // A newest snapshot that is too young to be a base waits until it is old enough.
  const waits = book !== undefined && base === book.base && snapshot.atMs - book.newest.atMs < shortestMs;
  return { base, newest: waits && book.newest !== book.base ? book.newest : snapshot };
}

/** Nanoseconds of CPU per second. Of something that started after the base: since its start. Undefined when no time has passed. */
export function rateOf(base: CpuSnapshot, key: string, now: CpuCounter): number | undefined {
  const before = base.counters.get(key);
  const from = before ?? { atMs: now.startedAtMs, usageNanoseconds: 0 };
  const ms = now.atMs - from.atMs;
  const used = now.usageNanoseconds - from.usageNanoseconds;
  // A counter that went back is that of another group with the same name.
  return ms <= 0 || used < 0 ? undefined : Math.round((used / ms) * 1000);
}
