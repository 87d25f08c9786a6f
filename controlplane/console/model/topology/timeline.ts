// The moments of the last minutes, so that a reader can go back to what has just happened. Bounded.
import type { Structure } from './boxes';
import type { FrameInput } from './frame';
import { isGap } from './remarks';

export interface Moment extends FrameInput {
  /**
   * What a reader would look for: nothing was measured here or just before, packets were stopped, or pods came, went or changed.
   */
  readonly mark?: 'gap' | 'stopped' | 'changed';
}

/** Ten minutes, one moment every two seconds. */
export const maxMoments = 300;

/** The moments with one more, the oldest first. What is older than ten minutes goes, so that a long sleep does not fill the line. */
export function withMoment(moments: readonly Moment[], next: FrameInput): readonly Moment[] {
  const mark = markOf(moments.at(-1), next);
  const moment: Moment = mark === undefined ? next : { ...next, mark };
  const kept = stillShown(moments, next.atMs);
  return [...kept.slice(Math.max(0, kept.length + 1 - maxMoments)), moment];
}

/** Moments of this age are not kept while the view is not shown. */
const oldMs = maxMoments * 2_000;

/** Those of the last ten minutes. */
export const stillShown = (moments: readonly Moment[], nowMs: number): readonly Moment[] =>
  moments.filter(({ atMs }) => nowMs - atMs < oldMs);

/** Moments that are further apart: the page was hidden, or the server gone. */
const gapMs = 10_000;

function markOf(last: Moment | undefined, { atMs, structure, stops, remarks }: FrameInput): Moment['mark'] {
  if (remarks.some(isGap) || (last && atMs - last.atMs > gapMs)) return 'gap';
  if (stops.some(({ packetsPerSecond }) => packetsPerSecond > 0)) return 'stopped';
  const before = last?.structure;
  if (!before || before === structure || podsOf(before) === podsOf(structure)) return undefined;
  return 'changed';
}

const podsOf = ({ boxes }: Structure): string =>
  boxes.flatMap(({ pods }) => pods.map(({ key, isReady }) => `${key} ${isReady}`)).join();

/** A part of the line, from 0 to 1. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly mark: NonNullable<Moment['mark']>;
}

/** A moment is this long on the line: until the next one. */
const momentMs = 2_000;

/** Where marks stand on a line that is proportional to time. A gap is as long as nothing was measured. */
export function spansOf(moments: readonly Pick<Moment, 'atMs' | 'mark'>[]): readonly Span[] {
  const from = moments[0]?.atMs ?? 0;
  const length = Math.max(1, (moments.at(-1)?.atMs ?? 0) - from);
  const place = (ms: number) => Math.min(1, Math.max(0, (ms - from) / length));
  return moments.flatMap(({ atMs, mark }, i) => {
    if (mark === undefined) return [];
    const half = momentMs / 2;
    const begin = mark === 'gap' ? (moments[i - 1]?.atMs ?? atMs) : atMs - half;
    return [{ from: place(begin), to: place(atMs + half), mark }];
  });
}

const tickSteps = [5, 10, 15, 30, 60, 120, 300, 600].map((seconds) => seconds * 1000);

/** Round times between two: at most so many. */
export function ticksOf(
  fromMs: number,
  toMs: number,
  most: number,
): readonly { readonly atMs: number; readonly at: number }[] {
  const length = toMs - fromMs;
  if (length <= 0) return [];
  const stepMs = tickSteps.find((step) => length / step <= most) ?? length;
  const first = Math.ceil(fromMs / stepMs) * stepMs;
  const count = Math.floor((toMs - first) / stepMs) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => first + i * stepMs).map((atMs) => ({
    atMs,
    at: (atMs - fromMs) / length,
  }));
}

/** The moment that is the nearest to a time. */
export const nearestTo = <T extends { readonly atMs: number }>(moments: readonly T[], ms: number): T | undefined =>
  moments.reduce<T | undefined>(
    (best, one) => (best && Math.abs(best.atMs - ms) <= Math.abs(one.atMs - ms) ? best : one),
    undefined,
  );
