// Decides whether a series of values is flat within its noise. Pure.
//
// The rule: take the second half of the time, so that warming up does not count. The slope is the median of the slopes of all
// pairs of points (Theil and Sen), which single peaks do not move. The growth is slope x duration. The noise is the distance
// between the 10th and the 90th percentile of what remains when the slope is subtracted. The series is flat if the growth is at
// most the noise, or at most a share of the median that a user would not notice.

export interface Point {
  readonly at: number;
  readonly value: number;
}
export interface FlatOptions {
  /** Growth up to this share of the median is flat, whatever the noise. */
  readonly share?: number;
  /** Growth up to this much is flat, in the unit of the values. */
  readonly least?: number;
}
export interface Judgement {
  readonly first: number;
  /** Medians of both halves. */
  readonly median1: number;
  readonly median2: number;
  readonly max: number;
  /** Over the duration of the second half; negative if the values fall. */
  readonly growth: number;
  readonly noise: number;
  /** growth / duration of the second half, in units of value / units of time. */
  readonly slope: number;
  readonly verdict: 'flat' | 'grows' | 'falls' | 'too short';
}

const defaultShare = 0.03;
/** Fewer points say nothing. */
const leastPoints = 8;
/** All pairs of so many points are compared: 20,000. */
const mostPoints = 200;

/** Points in the order of time. @throws RangeError without any point */
export function judgeFlat(points: readonly Point[], { share = defaultShare, least = 0 }: FlatOptions = {}): Judgement {
  const [start, end] = [points[0], points.at(-1)];
  if (!start || !end) throw new RangeError('no values to judge');
  const middle = (start.at + end.at) / 2;
  const early = points.filter(({ at }) => at < middle);
  const late = thin(points.filter(({ at }) => at >= middle));
  const median2 = quantile(values(late), 0.5);
  const base = {
    first: start.value,
    median1: quantile(values(early.length > 0 ? early : late), 0.5),
    median2,
    max: points.reduce((most, { value }) => Math.max(most, value), start.value),
  };
  if (late.length < leastPoints) return { ...base, growth: 0, noise: 0, slope: 0, verdict: 'too short' };
  const slope = theilSen(late);
  const growth = slope * (late.at(-1)!.at - late[0]!.at);
  const rest = late.map(({ at, value }) => value - slope * (at - late[0]!.at));
  const noise = quantile(rest, 0.9) - quantile(rest, 0.1);
  const allowed = Math.max(noise, share * Math.abs(median2), least);
  const verdict = growth > allowed ? 'grows' : growth < -allowed ? 'falls' : 'flat';
  return { ...base, growth, noise, slope, verdict };
}

/** The median of neighbours, so that not too many points remain. */
function thin(points: readonly Point[]): readonly Point[] {
  const size = Math.ceil(points.length / mostPoints);
  if (size <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const group = points.slice(i * size, (i + 1) * size);
    return { at: group[0]!.at, value: quantile(values(group), 0.5) };
  });
}

const values = (list: readonly Point[]): readonly number[] => list.map(({ value }) => value);

function theilSen(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) if (b.at > a.at) slopes.push((b.value - a.value) / (b.at - a.at));
  }
  return slopes.length === 0 ? 0 : quantile(slopes, 0.5);
}

/** Interpolated between neighbours. @throws RangeError without any value */
export function quantile(list: readonly number[], share: number): number {
  if (list.length === 0) throw new RangeError('no values');
  const sorted = [...list].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  return below + (sorted[Math.ceil(position)]! - below) * (position % 1);
}
