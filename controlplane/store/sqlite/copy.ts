// A copy of a database that is in use: SQLite's own backup, in steps of a thread of the pool.
import { open } from 'node:fs/promises';
import { backup, type DatabaseSync } from 'node:sqlite';
import { BadRequest } from '../../base/errors';

/** The connection waits while a step is copied: a fifth of a megabyte. */
const pagesAtOnce = 50;
const stepsBetweenSyncs = 10;

/**
 * Writes of this connection go on, and are part of the copy if they come before its end. The copy's last step syncs it while the
 * connection waits, so the pages before it are synced meanwhile.
 * @throws BadRequest unless `path` is an empty file: it must not take the place of something else
 */
export async function copyInto(db: DatabaseSync, path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > 0) throw new BadRequest(`${path} is not an empty file`);
    let steps = 0;
    let syncing: Promise<void> | undefined;
    let failure: unknown;
    const progress = () => {
      if (syncing || ++steps % stepsBetweenSyncs !== 0) return;
      const done = () => {
        syncing = undefined;
      };
      syncing = file.datasync().then(done, (error: unknown) => {
        failure ??= error;
        done();
      });
    };
    try {
      await backup(db, path, { rate: pagesAtOnce, progress });
    } finally {
      await syncing;
    }
    // The kernel reports an error once.
    if (failure !== undefined) throw failure;
    await file.sync();
  } finally {
    await file.close();
  }
}
