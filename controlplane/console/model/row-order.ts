// Which rows a list shows, and in which order. Pure.
import { type ColumnDefinition, type Row, sinceColumns } from './rows';

/** A column of the shown list: one of the table, or the namespace, which tables do not have. */
export interface Column {
  readonly name: string;
  /** Position in the cells of a row; -1: the namespace. */
  readonly index: number;
  /** The cell is an age, which grows while it is shown. */
  readonly isAge: boolean;
}

export interface Sorting {
  readonly column: string;
  readonly isDescending: boolean;
}

export const namespaceColumn: Column = { name: 'Namespace', index: -1, isAge: false };

/** The namespace stands after the name; on a narrow screen last, since it is a choice of the reader most often. */
export function columnsOf(
  definitions: readonly ColumnDefinition[],
  {
    isWide,
    withNamespace,
    isNarrow = false,
  }: { readonly isWide: boolean; readonly withNamespace: boolean; readonly isNarrow?: boolean },
): readonly Column[] {
  const shown = definitions.flatMap(({ name, priority = 0 }, index): Column[] =>
    priority === 0 || isWide ? [{ name, index, isAge: name === 'Age' || sinceColumns.has(name) }] : [],
  );
  if (withNamespace && isNarrow) return [...shown, namespaceColumn];
  return withNamespace ? [...shown.slice(0, 1), namespaceColumn, ...shown.slice(1)] : shown;
}

export const cellOf = ({ namespace, cells }: Row, { index }: Column): string =>
  index < 0 ? namespace : (cells[index] ?? '');

/** Since when, of a cell that is an age; NaN for one that says nothing. */
export const sinceOf = ({ createdMs, sinceMs }: Row, { name, index }: Column): number =>
  name === 'Age' ? createdMs : (sinceMs[index] ?? Number.NaN);

/** Of events what was seen last stands first; other kinds are in the order of their names. */
export const firstSorting = (plural: string): Sorting | undefined =>
  plural === 'events' ? { column: 'Last Seen', isDescending: false } : undefined;

/** Rows that contain every word. */
export function filterRows(rows: readonly Row[], filter: string): readonly Row[] {
  const words = filter
    .toLowerCase()
    .split(/\s/)
    .filter((word) => word !== '');
  return words.length === 0 ? rows : rows.filter(({ searched }) => words.every((word) => searched.includes(word)));
}

/** Equal cells are in the order of namespace and name. */
export function sortRows(rows: readonly Row[], column: Column | undefined, isDescending: boolean): readonly Row[] {
  const sign = isDescending ? -1 : 1;
  const byName = (a: Row, b: Row) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
  if (!column) return [...rows].sort(byName);
  // The youngest has the smallest age.
  if (column.isAge) {
    const since = (row: Row) => sinceOf(row, column) || 0;
    return [...rows].sort((a, b) => sign * (since(b) - since(a)) || b.createdMs - a.createdMs || byName(a, b));
  }
  return [...rows].sort((a, b) => sign * compareCells(cellOf(a, column), cellOf(b, column)) || byName(a, b));
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Numbers at the beginning count as numbers: 2 before 10, 1/3 before 2/3, 100m before 1 is left to the eye. */
export function compareCells(a: string, b: string): number {
  const left = Number.parseFloat(a);
  const right = Number.parseFloat(b);
  if (!Number.isNaN(left) && !Number.isNaN(right) && left !== right) return left - right;
  return collator.compare(a, b);
}
const collator = new Intl.Collator('en', { numeric: true });

/** Widths of the columns in characters, of the longest of some rows: all of 3,000 would cost more than the list. */
export function widthsOf(rows: readonly Row[], columns: readonly Column[], most = maxWidth): readonly number[] {
  const step = Math.max(1, Math.floor(rows.length / measured));
  const sample = rows.filter((_, i) => i % step === 0);
  return columns.map((column) => {
    // The mark of the order needs its place.
    const longest = Math.max(column.name.length + 2, ...sample.map((row) => cellOf(row, column).length));
    return Math.min(Math.max(longest, minWidth), most);
  });
}
const measured = 300;
const minWidth = 5;
const maxWidth = 44;
/** On a narrow screen the state has to stand next to the name. */
export const narrowWidth = 20;
