// The rows of a list: what a Table of the API holds, kept up to date by the events of a watch. No I/O.
import { parseAge } from './ages';

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  /** 0 is always shown, higher ones only in the wide form. */
  readonly priority?: number;
}

interface RowMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** meta.k8s.io/v1 Table; a watch sends one row in each. */
export interface Table {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly columnDefinitions?: readonly ColumnDefinition[] | null;
  readonly rows?:
    | readonly { readonly cells: readonly unknown[]; readonly object?: { readonly metadata?: RowMetadata } }[]
    | null;
}
export interface TableEvent {
  readonly type: string;
  readonly object: Table;
}

export interface Row {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** Milliseconds since the epoch; NaN when the object has none. */
  readonly createdMs: number;
  readonly isDeleted: boolean;
  /** By the position of a cell that says how long ago something was: when that was, milliseconds since the epoch. */
  readonly sinceMs: Readonly<Record<number, number>>;
  readonly cells: readonly string[];
  /** Lower-case text that the filter searches. */
  readonly searched: string;
}

export const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io';

/** Columns whose cells are ages of something else than the object. The text is that of the moment when the server wrote it. */
export const sinceColumns: ReadonlySet<string> = new Set(['Last Seen', 'First Seen', 'Last Schedule']);

export class Rows {
  columns: readonly ColumnDefinition[] = [];
  private byUid = new Map<string, Row>();

  /** @param now the clock of the page */
  constructor(private readonly now: () => number = Date.now) {}

  get size(): number {
    return this.byUid.size;
  }

  all(): readonly Row[] {
    return [...this.byUid.values()];
  }

  /** A new list: rows that it lacks are gone. */
  replace(table: Table): void {
    this.columns = table.columnDefinitions ?? [];
    this.byUid = new Map(this.rowsOf(table).map((row) => [row.uid, row]));
  }

  /** Returns false for an event that changes no row: a bookmark. */
  apply({ type, object }: TableEvent): boolean {
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return false;
    // Only the first event of a watch has the columns.
    if (object.columnDefinitions?.length) this.columns = object.columnDefinitions;
    for (const row of this.rowsOf(object)) {
      if (type === 'DELETED') this.byUid.delete(row.uid);
      else this.byUid.set(row.uid, row);
    }
    return true;
  }

  private rowsOf({ rows }: Table): Row[] {
    const since = this.columns.flatMap(({ name }, index) => (sinceColumns.has(name) ? [index] : []));
    const now = this.now();
    return (rows ?? []).map((row) => rowOf(row, since, now));
  }
}

/** The newest revision that an event tells of, from which a watch can continue. */
export const revisionOf = ({ object }: TableEvent): string | undefined =>
  object.rows?.at(-1)?.object?.metadata?.resourceVersion ?? object.metadata?.resourceVersion;

type TableRow = NonNullable<Table['rows']>[number];

function rowOf({ cells, object }: TableRow, since: readonly number[], now: number): Row {
  const {
    name = '',
    namespace = '',
    uid,
    creationTimestamp = '',
    deletionTimestamp,
    labels = {},
  } = object?.metadata ?? {};
  const texts = cells.map((cell) => (cell === null || cell === undefined ? '' : String(cell)));
  const labelTexts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const ages = since.flatMap((index) => {
    const ms = parseAge(texts[index] ?? '');
    return ms === undefined ? [] : [[index, now - ms] as const];
  });
  return {
    // Computed objects, such as those of metrics.k8s.io, have no uid.
    uid: uid ?? `${namespace}/${name}`,
    name,
    namespace,
    createdMs: Date.parse(creationTimestamp),
    isDeleted: deletionTimestamp !== undefined,
    sinceMs: Object.fromEntries(ages),
    cells: texts,
    searched: [namespace, ...texts, ...labelTexts].join('\n').toLowerCase(),
  };
}
