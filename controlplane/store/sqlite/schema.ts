// Opens the database file: creates it if absent, checks it before use, and refuses it with one clear reason.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError, Unavailable, Unsupported } from '../../base/errors';

/** Marks the file as ours in its header: "k8ts" in ASCII. */
export const applicationId = 0x6b387473;
/**
 * The steps from each version of the schema to the next; a new file runs all of them. A change of the schema appends a step: a
 * released step never changes. A file with a higher number was written by a newer version of this program.
 */
const upgrades = [
  // One row per write. Current values, history and the watch all read this one table, so they cannot disagree.
  // previous_revision is 0 for a key that did not exist before; a deletion has an empty value.
  `CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,
    previous_revision INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    value BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX log_key ON log (key, revision);
  CREATE TABLE state (name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;
  INSERT INTO state VALUES ('compacted', 0);
  PRAGMA application_id = ${applicationId};`,
  // Who holds which claim now; claims have no history. The server adopts the claims of values that are older than this table.
  `CREATE TABLE claims (claim TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (claim, owner)) STRICT, WITHOUT ROWID;
  CREATE INDEX claims_owner ON claims (owner);`,
];
export const schemaVersion = upgrades.length;

/**
 * Opens or creates the file at `path`, readable by its owner only, locked against every other process.
 * @throws Unsupported, Unavailable
 */
export function openDatabase(path: string): DatabaseSync {
  const fresh = !existsSync(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw new Unavailable(`cannot open the store ${path}`, { cause });
  }
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    prepare(db, path);
    if (fresh) syncDirectory(dirname(path));
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof AppError ? error : translate(error, path);
  }
}

function prepare(db: DatabaseSync, path: string): void {
  // Exclusive locking is taken with the first read and needs no shared-memory file; a second server gets "locked".
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 500');
  const empty = number(db, 'PRAGMA schema_version') === 0;
  if (!empty && number(db, 'PRAGMA application_id') !== applicationId) {
    throw new Unsupported(`cannot open the store ${path}: it is the database of another program`);
  }
  const version = number(db, 'PRAGMA user_version');
  if (version > schemaVersion) {
    throw new Unsupported(
      `cannot open the store ${path}: it was written by a newer version (schema ${version}, this is ${schemaVersion})`,
    );
  }
  if (empty) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  // Commits are made durable by SyncedFile, see the README; NORMAL still syncs around every checkpoint.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000');
  db.exec('PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384');
  if (!empty) {
    const damage = db.prepare('PRAGMA quick_check(1)').get() as { quick_check?: string } | undefined;
    if (damage?.quick_check !== 'ok') {
      throw new Unsupported(`cannot open the store ${path}: it is damaged: ${damage?.quick_check}`);
    }
  }
  if (version === schemaVersion) return;
  db.exec(`BEGIN; ${upgrades.slice(version).join('\n')} PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

/** Translates SQLite's failures while opening and reading into our errors. */
export function translate(error: unknown, path: string): AppError {
  const code = (error as { errcode?: number }).errcode;
  const primary = code === undefined ? undefined : code & 0xff;
  const what = `cannot open the store ${path}:`;
  if (primary === 26) return new Unsupported(`${what} it is not a database`, { cause: error });
  if (primary === 11) return new Unsupported(`${what} it is damaged`, { cause: error });
  if (primary === 5) return new Unavailable(`${what} another process has it open`, { cause: error });
  return new Unavailable(`store ${path} failed`, { cause: error });
}

function number(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? { none: 0 })[0]);
}

/** A new file is durable only when the directory that names it is. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
