// The moments of the last minutes, so that a reader can go back to what has just happened. Bounded.
import type { Structure } from './boxes';
import type { FrameInput } from './frame';

export interface Moment extends FrameInput {
  /** What a reader would look for: packets were stopped, or pods came, went or changed. */
  readonly mark?: 'stopped' | 'changed';
}

/** Ten minutes, one moment every two seconds. */
export const maxMoments = 300;

/** The moments with one more, the oldest first. */
export function withMoment(moments: readonly Moment[], next: FrameInput): readonly Moment[] {
  const mark = markOf(moments.at(-1)?.structure, next);
  const moment: Moment = mark === undefined ? next : { ...next, mark };
  return [...moments.slice(Math.max(0, moments.length + 1 - maxMoments)), moment];
}

function markOf(before: Structure | undefined, { structure, stops }: FrameInput): Moment['mark'] {
  if (stops.some(({ packetsPerSecond }) => packetsPerSecond > 0)) return 'stopped';
  if (!before || before === structure || podsOf(before) === podsOf(structure)) return undefined;
  return 'changed';
}

const podsOf = ({ boxes }: Structure): string =>
  boxes.flatMap(({ pods }) => pods.map(({ key, isReady }) => `${key} ${isReady}`)).join();
