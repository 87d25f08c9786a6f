// The columns of `kubectl get` for custom objects: the name, then those of the definition, else the age.
import type { Column } from '../kind';
import { ageColumn, ageOf, nameColumn } from '../table';
import type { KubeObject } from '../types';
import { parseJsonPath, readJsonPath } from './json-path';
import type { CrdColumn, CrdVersion } from './types';

const defaults: readonly Column<KubeObject>[] = [nameColumn, { ...ageColumn, type: 'date' }];

export function columnsOf({ additionalPrinterColumns: columns }: CrdVersion): readonly Column<KubeObject>[] {
  // Upstream shows the age only of kinds without columns of their own.
  if (!columns || columns.length === 0) return defaults;
  // A path that cannot be read: upstream then shows the default columns, too.
  if (columns.some(({ jsonPath }) => !parseJsonPath(jsonPath))) return defaults;
  const row = new Row();
  return [nameColumn, ...columns.map((column, i) => columnOf(column, row, i === 0))];
}

/**
 * Values and characters that the columns of one object may show together. Upstream has no such bound: two thousand columns that each
 * show the whole object would make a table of gigabytes.
 */
export const maxRowSize = 64 * 1024;

/** The cells of a row are read one after another, in order. */
class Row {
  private left = maxRowSize;

  begin(): void {
    this.left = maxRowSize;
  }

  get isFull(): boolean {
    return this.left <= 0;
  }

  take(size: number): void {
    this.left -= size;
  }

  cut(text: string): string {
    const shown = text.slice(0, Math.max(0, this.left));
    this.take(text.length);
    return shown;
  }
}

function columnOf(
  { name, type, format, description, jsonPath, priority }: CrdColumn,
  row: Row,
  isFirst: boolean,
): Column<KubeObject> {
  const path = parseJsonPath(jsonPath) ?? [];
  return {
    name,
    type: type as Column<KubeObject>['type'],
    ...(format === undefined ? {} : { format }),
    // Upstream's text for a column without a description.
    description: description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    // Any priority above 0 is shown only with -o wide.
    priority: (priority ?? 0) > 0 ? 1 : 0,
    cell: (object, now) => {
      if (isFirst) row.begin();
      if (row.isFull) return null;
      const cell = cellOf(
        readJsonPath(object, path, (count) => row.take(count)),
        type,
        now,
      );
      return typeof cell === 'string' ? row.cut(cell) : cell;
    },
  };
}

/** Null, which kubectl shows as an empty cell, for a value that is absent or has another type. */
function cellOf(values: readonly unknown[], type: string, now: number): string | number | bigint | boolean | null {
  const value = values[0];
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value)) ? value : null;
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : ageOf(value, now);
    default:
      // Upstream shows one value, also of a path that finds several.
      return textOf(value);
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
