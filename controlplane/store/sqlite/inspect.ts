// Looks at the file of a stopped server, or at a copy, and says what its rows contradict. Reads row by row.
import { DatabaseSync } from 'node:sqlite';
import { Unsupported } from '../../base/errors';
import { applicationId, schemaVersion, translate } from './schema';

/** What is wrong, and with which key if it is known. */
export interface Fault {
  readonly key?: string;
  readonly problem: string;
}

/** Damage that SQLite itself finds; more lines than these say nothing new. */
const maxDamage = 20;

/** Each rule is a query of the rows that break it: key, revision. The first parameter is the compacted revision if it has one. */
const rules: readonly { readonly problem: string; readonly sql: string; readonly compacted?: true }[] = [
  {
    problem: 'revision N was written before the key was created, or before the revision that it follows',
    sql: `SELECT key, revision FROM log WHERE revision < 1 OR create_revision < 1 OR create_revision > revision
            OR previous_revision >= revision OR (previous_revision > 0 AND create_revision > previous_revision)`,
  },
  {
    problem: 'revision N begins the key again, but does not say so in create_revision',
    sql: 'SELECT key, revision FROM log WHERE previous_revision = 0 AND (create_revision <> revision OR deleted = 1)',
  },
  {
    problem: 'revision N follows another one than the one before it',
    sql: `SELECT key, revision FROM (
            SELECT key, revision, previous_revision, lag(revision) OVER w AS before, lag(deleted) OVER w AS gone
            FROM log WINDOW w AS (PARTITION BY key ORDER BY revision))
          WHERE before IS NOT NULL AND previous_revision <> iif(gone = 1, 0, before)`,
  },
  {
    problem: 'revision N follows one that is missing',
    sql: `SELECT key, revision FROM log AS this WHERE previous_revision > 0 AND revision > ?
            AND NOT EXISTS (SELECT 1 FROM log WHERE revision = this.previous_revision)`,
    compacted: true,
  },
  {
    problem: 'revision N follows one that a compaction should have removed',
    sql: `SELECT key, revision FROM log AS this WHERE previous_revision > 0 AND revision <= ?
            AND EXISTS (SELECT 1 FROM log WHERE revision = this.previous_revision)`,
    compacted: true,
  },
  {
    problem: 'the deletion at revision N should have been removed by a compaction',
    sql: 'SELECT key, revision FROM log WHERE deleted = 1 AND revision <= ?',
    compacted: true,
  },
  {
    problem: 'the deletion at revision N has a value',
    sql: 'SELECT key, revision FROM log WHERE deleted = 1 AND length(value) > 0',
  },
];

/**
 * Ends at the first fault of the file itself: what it says about rows is then worth nothing.
 * @throws Unsupported for a file that is not a store of this version, Unavailable while a server has it open
 */
export function* inspectFile(path: string): Generator<Fault> {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 500');
    const read = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? { none: 0 })[0]);
    if (read('PRAGMA application_id') !== applicationId) throw new Unsupported(`${path} is not a store of k8ts`);
    const version = read('PRAGMA user_version');
    if (version !== schemaVersion) {
      throw new Unsupported(
        `${path} has schema ${version}, this is ${schemaVersion}: start the server of this version once`,
      );
    }
    let damaged = false;
    for (const row of db.prepare(`PRAGMA integrity_check(${maxDamage})`).iterate()) {
      const text = String(Object.values(row)[0]);
      if (text === 'ok') continue;
      damaged = true;
      yield { problem: `the file is damaged: ${text}` };
    }
    if (damaged) return;
    const compacted = read("SELECT number FROM state WHERE name = 'compacted'");
    yield* holes(read, compacted);
    for (const { problem, sql, compacted: needs } of rules) {
      for (const { key, revision } of db.prepare(sql).iterate(...(needs ? [compacted] : []))) {
        yield { key: String(key), problem: problem.replace('N', String(revision)) };
      }
    }
  } catch (error) {
    throw error instanceof Error && 'errcode' in error ? translate(error, path) : error;
  } finally {
    db.close();
  }
}

/** Every revision after the compacted one has a row. */
function* holes(read: (sql: string) => number, compacted: number): Generator<Fault> {
  const count = read(`SELECT count(*) FROM log WHERE revision > ${compacted}`);
  const last = read('SELECT coalesce(max(revision), 0) FROM log');
  const missing = last > compacted ? last - compacted - count : 0;
  if (missing > 0) yield { problem: `${missing} revisions between ${compacted} and ${last} are missing` };
}
