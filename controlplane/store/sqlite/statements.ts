// Every SQL statement of the store, prepared once. Rows come back as arrays: objects cost twice the time.
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** revision, key, create_revision, previous_revision, deleted, value */
export type LogRow = [number, string, number, number, number, Uint8Array];

export type Statements = ReturnType<typeof prepareStatements>;

/**
 * The newest row of each key as of a revision, unless it is a deletion. One lower bound: of two, SQLite would search for the first one
 * and walk from there to the second, so a page would cost more the further it is from the prefix.
 */
const rangeFrom = (lower: '>=' | '>') =>
  `SELECT key, revision, create_revision, value FROM log AS this
   WHERE key ${lower} ? AND key < ? AND revision <= ? AND deleted = 0
     AND NOT EXISTS (SELECT 1 FROM log WHERE key = this.key AND revision > this.revision AND revision <= ?)
   ORDER BY key LIMIT ?`;

export function prepareStatements(db: DatabaseSync) {
  const prepare = (sql: string): StatementSync => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  return {
    newest: prepare('SELECT coalesce(max(revision), 0) FROM log'),
    compacted: prepare("SELECT number FROM state WHERE name = 'compacted'"),
    setCompacted: prepare("UPDATE state SET number = ? WHERE name = 'compacted'"),
    head: prepare('SELECT deleted FROM log WHERE key = ? ORDER BY revision DESC LIMIT 1'),
    newestOf: prepare(
      'SELECT revision, create_revision, deleted, value FROM log WHERE key = ? ORDER BY revision DESC LIMIT 1',
    ),
    get: prepare(
      `SELECT revision, create_revision, deleted, value FROM log WHERE key = ? AND revision <= ?
       ORDER BY revision DESC LIMIT 1`,
    ),
    value: prepare('SELECT value FROM log WHERE revision = ?'),
    insert: prepare('INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)'),
    range: prepare(rangeFrom('>=')),
    rangeAfter: prepare(rangeFrom('>')),
    // By revision, never by key: the range of revisions is short, a prefix may hold every object.
    history: prepare(
      `SELECT revision, key, create_revision, previous_revision, deleted, value FROM log NOT INDEXED
       WHERE revision > ? AND revision <= ? AND key >= ? AND key < ? ORDER BY revision LIMIT ?`,
    ),
    // A row is needed until a later row of its key, up to the compaction revision, supersedes it.
    dropSuperseded: prepare(
      `DELETE FROM log WHERE revision IN
         (SELECT previous_revision FROM log WHERE revision > ? AND revision <= ? AND previous_revision > 0)`,
    ),
    dropDeletions: prepare('DELETE FROM log WHERE revision > ? AND revision <= ? AND deleted = 1'),
    claimsOf: prepare('SELECT claim FROM claims WHERE owner = ?'),
    ownerOf: prepare('SELECT owner FROM claims WHERE claim = ? LIMIT 1'),
    takeClaim: prepare('INSERT INTO claims VALUES (?, ?)'),
    freeClaim: prepare('DELETE FROM claims WHERE claim = ? AND owner = ?'),
    freeClaims: prepare('DELETE FROM claims WHERE owner = ?'),
    allClaims: prepare('SELECT claim, owner FROM claims ORDER BY claim, owner'),
  };
}

/** The same bytes as a Buffer, without a copy. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
