// One line of a benchmark's table: our figure next to a peer's from the same run, and the budget as a ratio.

export interface BenchRow {
  /** What was measured: 'requests on one core'. */
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  /** The peer: 'nginx 1.22, one worker'; absent for a figure without a peer. */
  readonly peer?: string;
  readonly theirs?: number;
  /** The ratio ours / theirs must stay at or above (`min`) or at or below (`max`) this. */
  readonly budget?: { readonly min: number } | { readonly max: number };
  /** How the figure was measured: load, count, all that a reader needs to repeat it. */
  readonly note?: string;
}

export const ratioOf = ({ ours, theirs }: BenchRow): number | undefined =>
  theirs === undefined || theirs === 0 ? undefined : ours / theirs;

/** 'ok', 'misses', or '' where there is no budget. */
export function verdictOf(row: BenchRow): string {
  const ratio = ratioOf(row);
  if (ratio === undefined || !row.budget) return '';
  const ok = 'min' in row.budget ? ratio >= row.budget.min : ratio <= row.budget.max;
  return ok ? 'ok' : 'misses';
}

/** The rows as an aligned text table. */
export function renderRows(rows: readonly BenchRow[]): string {
  const head = ['what', 'ours', 'peer', 'theirs', 'ratio', 'budget', ''];
  const number = (value: number | undefined) => (value === undefined ? '' : String(Math.round(value * 100) / 100));
  const body = rows.map((row) => [
    `${row.what} (${row.unit})`,
    number(row.ours),
    row.peer ?? '',
    number(row.theirs),
    number(ratioOf(row)),
    row.budget ? ('min' in row.budget ? `>= ${row.budget.min}` : `<= ${row.budget.max}`) : '',
    verdictOf(row),
  ]);
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((cells) => cells[i]!.length)));
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return `${[head, ...body].map(line).join('\n')}\n`;
}
