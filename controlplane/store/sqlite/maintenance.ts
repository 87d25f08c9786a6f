// Work on the file of a stopped server: its size, the first revision of a new file, and its replacement by another file.
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AlreadyExists, type AppError } from '../../base/errors';
import { openDatabase, translate } from './schema';

/** Writes the file again without free pages and without its log. @throws Unavailable, Unsupported */
export function vacuum(path: string): void {
  const db = openDatabase(path);
  try {
    db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    throw translate(error, path);
  } finally {
    db.close();
  }
}

/** Bytes of a file; 0 when there is none. */
export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Makes a new file whose first write gets the revision after this one, as if all history up to it had been compacted.
 * @throws AlreadyExists
 */
export function createAt(path: string, revision: number): void {
  if (existsSync(path)) throw new AlreadyExists(`${path} exists already`);
  const db = openDatabase(path);
  db.prepare("UPDATE state SET number = ? WHERE name = 'compacted'").run(revision);
  db.close();
}

/**
 * Puts the closed store `path` in the place of the one at `target`, in one step: a crash leaves the one or the other. The former one
 * stays under the name `kept`; without a name there must be none. A server cannot open the former one meanwhile.
 * @throws Unavailable while a server has it open, AlreadyExists when `kept` exists
 */
export function replaceFile(path: string, target: string, kept?: string): void {
  syncPath(path);
  if (!existsSync(target)) {
    // Else SQLite would take the log of a file that was removed for that of the new one.
    rmSync(`${target}-wal`, { force: true });
    renameSync(path, target);
    syncPath(dirname(target));
    return;
  }
  if (kept === undefined || existsSync(kept)) throw new AlreadyExists(`${kept ?? target} exists already`);
  const held = holdClosed(target);
  try {
    linkSync(target, kept);
    // Only a damaged file still has a log now.
    if (existsSync(`${target}-wal`)) renameSync(`${target}-wal`, `${kept}-wal`);
    renameSync(path, target);
    syncPath(dirname(target));
  } finally {
    held?.close();
  }
}

/**
 * Brings everything into the file itself and keeps it locked until close(). In this journal mode, closing removes nothing by its name.
 * Undefined for a file that SQLite cannot read: it is replaced as it is. @throws Unavailable
 */
function holdClosed(path: string): DatabaseSync | undefined {
  const db = new DatabaseSync(path);
  try {
    db.exec(
      'PRAGMA busy_timeout = 500; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE',
    );
    return db;
  } catch (error) {
    db.close();
    const translated: AppError = translate(error, path);
    if (translated.code === 'Unsupported') return undefined;
    throw translated;
  }
}

function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
