// The rows of a list: what a Table of the API holds, kept up to date by the events of a watch. No I/O.

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
  readonly cells: readonly string[];
  /** Lower-case text that the filter searches. */
  readonly searched: string;
}

export const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io';

export class Rows {
  columns: readonly ColumnDefinition[] = [];
  private byUid = new Map<string, Row>();

  get size(): number {
    return this.byUid.size;
  }

  all(): readonly Row[] {
    return [...this.byUid.values()];
  }

  /** A new list: rows that it lacks are gone. */
  replace(table: Table): void {
    this.columns = table.columnDefinitions ?? [];
    this.byUid = new Map(rowsOf(table).map((row) => [row.uid, row]));
  }

  /** Returns false for an event that changes no row: a bookmark. */
  apply({ type, object }: TableEvent): boolean {
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return false;
    // Only the first event of a watch has the columns.
    if (object.columnDefinitions?.length) this.columns = object.columnDefinitions;
    for (const row of rowsOf(object)) {
      if (type === 'DELETED') this.byUid.delete(row.uid);
      else this.byUid.set(row.uid, row);
    }
    return true;
  }
}

/** The newest revision that an event tells of, from which a watch can continue. */
export const revisionOf = ({ object }: TableEvent): string | undefined =>
  object.rows?.at(-1)?.object?.metadata?.resourceVersion ?? object.metadata?.resourceVersion;

function rowsOf({ rows }: Table): Row[] {
  return (rows ?? []).map(({ cells, object }): Row => {
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
    return {
      // Computed objects, such as those of metrics.k8s.io, have no uid.
      uid: uid ?? `${namespace}/${name}`,
      name,
      namespace,
      createdMs: Date.parse(creationTimestamp),
      isDeleted: deletionTimestamp !== undefined,
      cells: texts,
      searched: [namespace, ...texts, ...labelTexts].join('\n').toLowerCase(),
    };
  });
}
