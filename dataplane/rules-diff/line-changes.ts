// Which rules of one chain differ, where its text differs. Pure.

export interface LineChange {
  readonly kind: 'missing' | 'extra' | 'changed';
  /** Counted from 1: in the kernel, or for a missing rule in the desired chain. */
  readonly line: number;
  readonly desired?: string;
  readonly actual?: string;
}

/** Between the equal first and the equal last rules, up to this many pairs are compared; above, only which rules occur. */
const maxPairs = 250_000;

/** In order. A rule that stands in place of another is one change. Never empty for lists that differ. */
export function changedLines(desired: readonly string[], actual: readonly string[]): readonly LineChange[] {
  let from = 0;
  while (from < desired.length && from < actual.length && desired[from] === actual[from]) from++;
  let end = 0;
  const shorter = Math.min(desired.length, actual.length) - from;
  while (end < shorter && desired[desired.length - 1 - end] === actual[actual.length - 1 - end]) end++;
  const want = desired.slice(from, desired.length - end);
  const have = actual.slice(from, actual.length - end);
  const kept = want.length * have.length <= maxPairs ? common(want, have) : [];
  const changes: LineChange[] = [];
  let [i, j] = [0, 0];
  for (const [a, b] of [...kept, [want.length, have.length] as const]) {
    const both = Math.min(a - i, b - j);
    for (let n = 0; n < both; n++, i++, j++)
      changes.push({ kind: 'changed', line: from + j + 1, desired: want[i]!, actual: have[j]! });
    for (; i < a; i++) changes.push({ kind: 'missing', line: from + i + 1, desired: want[i]! });
    for (; j < b; j++) changes.push({ kind: 'extra', line: from + j + 1, actual: have[j]! });
    i = a + 1;
    j = b + 1;
  }
  return changes;
}

/** Pairs of indexes of a longest common subsequence. */
function common(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] =
        a[i] === b[j]
          ? length[(i + 1) * width + j + 1]! + 1
          : Math.max(length[(i + 1) * width + j]!, length[i * width + j + 1]!);
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (length[(i + 1) * width + j]! >= length[i * width + j + 1]!) i++;
    else j++;
  }
  return pairs;
}
