// Sets of completion indexes as a Job's status and its success policy write them: `1,3-5,7`. Sorted ranges, so that a Job with a million
// completions costs as much as the ranges that its indexes form.

/** Both ends belong to the range. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}
/** In increasing order, not touching each other. */
export type IndexRanges = readonly IndexRange[];

/** Indexes from `completions` on do not count: the Job may have become smaller. Parts that cannot be read are skipped. */
export function parseIndexes(text: string | undefined, completions: number): IndexRanges {
  if (!text) return [];
  const ranges: IndexRange[] = [];
  for (const part of text.split(',')) {
    const range = parseRange(part);
    if (typeof range === 'string' || range.first >= completions) continue;
    ranges.push({ first: range.first, last: Math.min(range.last, completions - 1) });
  }
  return mergeRanges(ranges, []);
}

/** Two neighbours are two numbers, as upstream: `1,2`, but `1-3`. */
export function renderIndexes(ranges: IndexRanges): string {
  return ranges
    .map(({ first, last }) => {
      if (first === last) return String(first);
      return `${first}${last === first + 1 ? ',' : '-'}${last}`;
    })
    .join(',');
}

/** The ranges of both lists, each sorted by `first`. */
export function mergeRanges(a: readonly IndexRange[], b: readonly IndexRange[]): IndexRanges {
  const merged: { first: number; last: number }[] = [];
  const add = ({ first, last }: IndexRange) => {
    const end = merged.at(-1);
    if (!end || first > end.last + 1) merged.push({ first, last });
    else end.last = Math.max(end.last, last);
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left && (!right || left.first < right.first)) {
      add(left);
      i++;
    } else {
      add(right!);
      j++;
    }
  }
  return merged;
}

export function withIndexes(ranges: IndexRanges, indexes: Iterable<number>): IndexRanges {
  const single = [...indexes].sort((x, y) => x - y).map((index) => ({ first: index, last: index }));
  return single.length === 0 ? ranges : mergeRanges(ranges, single);
}

export const countIndexes = (ranges: IndexRanges): number =>
  ranges.reduce((total, { first, last }) => total + last - first + 1, 0);

export function hasIndex(ranges: IndexRanges, index: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.last < index) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low]!.first <= index;
}

/** How many indexes both have. */
export function countCommon(a: IndexRanges, b: IndexRanges): number {
  let [i, j, common] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i]!, b[j]!];
    common += Math.max(0, Math.min(left.last, right.last) - Math.max(left.first, right.first) + 1);
    if (left.last < right.last) i++;
    else j++;
  }
  return common;
}

/** The lowest index that both have. */
export function firstCommon(a: IndexRanges, b: IndexRanges): number | undefined {
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i]!, b[j]!];
    const first = Math.max(left.first, right.first);
    if (first <= Math.min(left.last, right.last)) return first;
    if (left.last < right.last) i++;
    else j++;
  }
  return undefined;
}

/** The number of indexes in a text from a user, or what is wrong with it, in upstream's words. */
export function checkIndexes(text: string, completions: number): number | string {
  if (text === '') return 0;
  let total = 0;
  let before: number | undefined;
  for (const part of text.split(',')) {
    const range = parseRange(part);
    if (typeof range === 'string') return range;
    const { first, last } = range;
    for (const limit of [first, last]) if (limit >= completions) return `too large index: "${limit}"`;
    if (part.includes('-') && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
    if (before !== undefined && before >= first) {
      return `non-increasing order, previous: ${before}, current: ${first}`;
    }
    total += last - first + 1;
    before = last;
  }
  return total;
}

function parseRange(part: string): IndexRange | string {
  const [from = '', to, ...more] = part.split('-');
  if (more.length > 0) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'";
    return `the fragment ${JSON.stringify(part)} ${rule}`;
  }
  for (const limit of to === undefined ? [from] : [from, to]) {
    if (!/^\+?\d{1,15}$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
  }
  return { first: Number(from), last: Number(to ?? from) };
}
