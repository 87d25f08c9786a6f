// The difference of two texts by lines, as an editor of objects shows it before it saves. Pure.

export interface DiffLine {
  readonly sign: ' ' | '+' | '-';
  readonly text: string;
}
/** A gap of lines that are equal and not shown. */
export interface Gap {
  readonly skipped: number;
}

/** Texts that differ in more places are shown as one removal and one addition: the search grows with the square of this number. */
const maxDistance = 1_500;
/** Equal lines around a change. */
const context = 3;

/** The shortest difference: the greedy search of Myers (1986), over the lines that are not equal at both ends. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const a = before.split('\n');
  const b = after.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const same = (lines: readonly string[]) => lines.map((text): DiffLine => ({ sign: ' ', text }));
  const middle = middleOf(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [...same(a.slice(0, head)), ...middle, ...same(a.slice(a.length - tail))];
}

function middleOf(a: readonly string[], b: readonly string[]): readonly DiffLine[] {
  const trace = search(a, b);
  if (!trace) return [...marked('-', a), ...marked('+', b)];
  const lines: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d > 0; d--) {
    const reached = trace[d - 1]!;
    const k = x - y;
    const isDown = k === -d || (k !== d && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1));
    const fromK = isDown ? k + 1 : k - 1;
    const fromX = reached.get(fromK) ?? 0;
    const fromY = fromX - fromK;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      lines.push({ sign: ' ', text: a[--x]! });
      y--;
    }
    if (isDown) lines.push({ sign: '+', text: b[--y]! });
    else lines.push({ sign: '-', text: a[--x]! });
  }
  while (x > 0) lines.push({ sign: ' ', text: a[--x]! });
  return lines.reverse();
}

const marked = (sign: '+' | '-', lines: readonly string[]) => lines.map((text): DiffLine => ({ sign, text }));

/** How far each diagonal reaches after 0, 1, 2 ... changes; undefined above the limit. */
function search(a: readonly string[], b: readonly string[]): readonly ReadonlyMap<number, number>[] | undefined {
  const trace: Map<number, number>[] = [];
  for (let d = 0; d <= Math.min(a.length + b.length, maxDistance); d++) {
    const before = trace[d - 1];
    const reached = new Map<number, number>();
    trace.push(reached);
    for (let k = -d; k <= d; k += 2) {
      const fromAbove = before?.get(k + 1) ?? -1;
      const fromLeft = before?.get(k - 1) ?? -1;
      let x = d === 0 ? 0 : k === -d || (k !== d && fromLeft < fromAbove) ? fromAbove : fromLeft + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reached.set(k, x);
      if (x >= a.length && x - k >= b.length) return trace;
    }
  }
  return undefined;
}

/** Without the equal lines far from every change. */
export function foldEqual(lines: readonly DiffLine[]): readonly (DiffLine | Gap)[] {
  const isNear = new Uint8Array(lines.length);
  lines.forEach(({ sign }, i) => {
    if (sign !== ' ') isNear.fill(1, Math.max(0, i - context), i + context + 1);
  });
  const folded: (DiffLine | Gap)[] = [];
  let skipped = 0;
  lines.forEach((line, i) => {
    if (!isNear[i]) {
      skipped++;
      return;
    }
    if (skipped > 0) folded.push({ skipped });
    skipped = 0;
    folded.push(line);
  });
  if (skipped > 0) folded.push({ skipped });
  return folded;
}

export const hasChanges = (lines: readonly DiffLine[]): boolean => lines.some(({ sign }) => sign !== ' ');
