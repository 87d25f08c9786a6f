// The moments of the last minutes, so that a reader can go back to what has just happened. Bounded.
import { type Lasting, type Seen, seenAt } from './changes';
import type { FrameInput } from './frame';

export interface Moment extends FrameInput {
  readonly seen: Seen;
}

/** Ten minutes, one moment every two seconds. */
export const maxMoments = 300;

/** The moments with one more, the oldest first. What is older than ten minutes goes, so that a long sleep does not fill the line. */
export function withMoment(moments: readonly Moment[], next: FrameInput): readonly Moment[] {
  const moment: Moment = { ...next, seen: seenAt(moments.at(-1), next) };
  const kept = stillShown(moments, next.atMs);
  return [...kept.slice(Math.max(0, kept.length + 1 - maxMoments)), moment];
}

/** Moments of this age are not kept while the view is not shown. */
const oldMs = maxMoments * 2_000;

/** Those of the last ten minutes. */
export const stillShown = (moments: readonly Moment[], nowMs: number): readonly Moment[] =>
  moments.filter(({ atMs }) => nowMs - atMs < oldMs);

/** A part of the line, from 0 to 1. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly what: Lasting['what'];
}

/** A moment is this long on the line: until the next one. */
const momentMs = 2_000;

/** The place of a time on a line that is proportional to time, from 0 to 1. */
export const placeOf = (ms: number, fromMs: number, toMs: number): number =>
  Math.min(1, Math.max(0, (ms - fromMs) / Math.max(1, toMs - fromMs)));

/** Where on the line something lasts. A gap is as long as nothing was measured; all else has half a moment at its ends. */
export const spansOf = (lasting: readonly Lasting[], fromMs: number, toMs: number): readonly Span[] =>
  lasting.map(({ what, fromMs: begin, toMs: end }) => {
    const half = momentMs / 2;
    return {
      from: placeOf(what === 'gap' ? begin : begin - half, fromMs, toMs),
      to: placeOf(end + half, fromMs, toMs),
      what,
    };
  });
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
