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

/** The moments with one more, the oldest first. */
export function withMoment(moments: readonly Moment[], next: FrameInput): readonly Moment[] {
  const mark = markOf(moments.at(-1), next);
  const moment: Moment = mark === undefined ? next : { ...next, mark };
  return [...moments.slice(Math.max(0, moments.length + 1 - maxMoments)), moment];
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
