// One write of the store, inside the transaction of its group.
import { AlreadyExists, AppError, Conflict, NotFound } from '../../base/errors';
import type { Claims, StoreEvent, Together } from '../store';
import { type ClaimTable, noClaims } from './claims';
import { type Statements, toBuffer } from './statements';
import { type Decided, decide, writeTogether } from './together';

export interface Write {
  /** `adopt` records claims alone; `try` changes nothing: it shows whether the disk takes writes again. */
  readonly verb: 'create' | 'update' | 'delete' | 'adopt' | 'try';
  readonly key: string;
  readonly value: Buffer;
  readonly expectedRevision: number | undefined;
  readonly claims: Claims | undefined;
  readonly together: readonly Together[] | undefined;
}

export interface Transaction {
  readonly sql: Statements;
  readonly claimTable: ClaimTable;
  /** The compacted revision, which a try writes once more. */
  readonly compacted: number;
}

const empty = Buffer.alloc(0);

/** Its event and those of the keys together with it, none when no value changes; an AppError when the write must not happen. */
export function executeWrite(within: Transaction, write: Write, revision: number): readonly StoreEvent[] | AppError {
  const { sql, claimTable, compacted } = within;
  const { verb, key, value, expectedRevision, claims } = write;
  if (verb === 'try') {
    sql.setCompacted.run(compacted);
    return [];
  }
  if (verb === 'create') {
    const head = sql.head.get(key) as unknown as [number] | undefined;
    if (head?.[0] === 0) return new AlreadyExists(`key ${key} already exists`);
    const changes = decide(sql, write.together);
    if (changes instanceof AppError) return changes;
    const refusal = claims && claimTable.hold(key, claims, noClaims);
    if (refusal) return refusal;
    sql.insert.run(revision, key, revision, 0, 0, value);
    return withChanges(within, { type: 'put', key, revision, value }, changes);
  }
  const row = sql.newestOf.get(key) as unknown as [number, number, number, Uint8Array] | undefined;
  const [modRevision, createRevision, deleted, bytes] = row ?? [0, 0, 1, empty];
  if (deleted === 1) return new NotFound(`key ${key} not found`);
  if (expectedRevision !== undefined && modRevision !== expectedRevision) {
    return new Conflict(`key ${key} is at revision ${modRevision}, not ${expectedRevision}`);
  }
  const previous = toBuffer(bytes);
  if (verb === 'adopt') {
    claimTable.adopt(key, claims ?? []);
    return [];
  }
  const changes = decide(sql, write.together);
  if (changes instanceof AppError) return changes;
  if (verb === 'delete') {
    claimTable.free(key);
    sql.insert.run(revision, key, createRevision, modRevision, 1, value);
    return withChanges(within, { type: 'delete', key, revision, value: previous, previous }, changes);
  }
  const refusal = claims && claimTable.hold(key, claims);
  if (refusal) return refusal;
  sql.insert.run(revision, key, createRevision, modRevision, 0, value);
  return withChanges(within, { type: 'put', key, revision, value, previous }, changes);
}

function withChanges({ sql, claimTable }: Transaction, event: StoreEvent, changes: readonly Decided[]) {
  return [event, ...changes.map((change, i) => writeTogether(sql, claimTable, change, event.revision + 1 + i))];
}
