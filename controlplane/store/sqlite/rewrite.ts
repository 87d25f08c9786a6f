// Rewrites all values of a closed store in place, history included, for example to encrypt them with another key. Revisions stay, so
// for the cluster nothing has happened.
import { openDatabase, translate } from './schema';
import { toBuffer } from './statements';

/** Rows in one transaction: the log of a crash stays short, and a second run goes on after it. */
const step = 500;

/**
 * Resolves with the number of values that changed. `change` returns the same buffer for a value that stays. Nothing of the old
 * values is left in the file or its log afterwards.
 * @throws Unavailable while a server has the store open, Unsupported, any error of `change`
 */
export function rewriteValues(path: string, change: (key: string, value: Buffer) => Buffer): number {
  const db = openDatabase(path);
  try {
    const read = db.prepare(
      'SELECT revision, key, value FROM log WHERE deleted = 0 AND revision > ? ORDER BY revision LIMIT ?',
    );
    const write = db.prepare('UPDATE log SET value = ? WHERE revision = ?');
    let changed = 0;
    for (let after = 0; ; ) {
      const rows = read.all(after, step) as { revision: number; key: string; value: Uint8Array }[];
      const last = rows.at(-1);
      if (!last) break;
      db.exec('BEGIN IMMEDIATE');
      for (const { revision, key, value } of rows) {
        const before = toBuffer(value);
        const next = change(key, before);
        if (next === before) continue;
        write.run(next, revision);
        changed++;
      }
      db.exec('COMMIT');
      after = last.revision;
    }
    // Free pages and the log still contain old values: the first is written again without them, the second is cut.
    db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
    return changed;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error instanceof Error && 'errcode' in error ? translate(error, path) : error;
  } finally {
    db.close();
  }
}
