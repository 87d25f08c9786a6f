// What happens to other keys together with a write, inside its transaction: first decided, then written after it.
import { AlreadyClaimed, AppError } from '../../base/errors';
import type { StoreEvent, Together } from '../store';
import type { ClaimTable } from './claims';
import { type Statements, toBuffer } from './statements';

/** The present value of a key. */
interface Present {
  readonly modRevision: number;
  readonly createRevision: number;
  readonly value: Buffer;
}

export type Decided =
  | { readonly action: 'create'; readonly key: string; readonly value: Buffer }
  | { readonly action: 'change'; readonly key: string; readonly value: Buffer; readonly present: Present }
  | { readonly action: 'delete'; readonly key: string; readonly present: Present };

const none: readonly Decided[] = [];
const empty = Buffer.alloc(0);

/** Reads only. An AppError refuses the write; another error fails the complete group, as any fault of the store. */
export function decide(sql: Statements, together: readonly Together[] | undefined): readonly Decided[] | AppError {
  if (!together) return none;
  try {
    return together.flatMap((one) => decideOne(sql, one) ?? []);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** @throws AlreadyClaimed, what a change throws */
function decideOne(sql: Statements, one: Together): Decided | undefined {
  const { key } = one;
  if (one.action === 'create') {
    const head = sql.head.get(key) as unknown as [number] | undefined;
    if (head?.[0] === 0) throw new AlreadyClaimed(one.claim, key);
    return { action: 'create', key, value: one.value };
  }
  const row = sql.newestOf.get(key) as unknown as [number, number, number, Uint8Array] | undefined;
  if (!row || row[2] === 1) return undefined;
  const present = { modRevision: row[0], createRevision: row[1], value: toBuffer(row[3]) };
  if (one.action === 'delete') return one.applies(present.value) ? { action: 'delete', key, present } : undefined;
  const value = one.change(present.value);
  return value && { action: 'change', key, value, present };
}

/** Writes the decision at this revision. */
export function writeTogether(sql: Statements, claims: ClaimTable, decided: Decided, revision: number): StoreEvent {
  const { key } = decided;
  if (decided.action === 'create') {
    const { value } = decided;
    sql.insert.run(revision, key, revision, 0, 0, value);
    return { type: 'put', key, revision, value, isTogether: true };
  }
  const { createRevision, modRevision, value: previous } = decided.present;
  if (decided.action === 'delete') {
    claims.free(key);
    sql.insert.run(revision, key, createRevision, modRevision, 1, empty);
    return { type: 'delete', key, revision, value: previous, previous, isTogether: true };
  }
  const { value } = decided;
  sql.insert.run(revision, key, createRevision, modRevision, 0, value);
  return { type: 'put', key, revision, value, previous, isTogether: true };
}
