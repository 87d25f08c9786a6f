// The changes of other keys that a write takes with it, inside its transaction: first decided, then written after it.
import { AppError } from '../../base/errors';
import type { StoreEvent, Together } from '../store';
import { type Statements, toBuffer } from './statements';

/** A decided change; the key is at `modRevision` with the value `previous`. */
export interface Decided {
  readonly key: string;
  readonly value: Buffer;
  readonly previous: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
}

const none: readonly Decided[] = [];

/** Reads only. An AppError refuses the write; another error fails the complete group, as any fault of the store. */
export function decide(sql: Statements, together: readonly Together[] | undefined): readonly Decided[] | AppError {
  if (!together) return none;
  try {
    return together.flatMap(({ key, change }) => {
      const row = sql.newestOf.get(key) as unknown as [number, number, number, Uint8Array] | undefined;
      if (!row || row[2] === 1) return [];
      const [modRevision, createRevision, , bytes] = row;
      const previous = toBuffer(bytes);
      const value = change(previous);
      return value ? [{ key, value, previous, createRevision, modRevision }] : [];
    });
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

export function changeTogether(sql: Statements, decided: Decided, revision: number): StoreEvent {
  const { key, value, previous, createRevision, modRevision } = decided;
  sql.insert.run(revision, key, createRevision, modRevision, 0, value);
  return { type: 'put', key, revision, value, createRevision, previous, isTogether: true };
}
