// Backups as files. A file has its name only when it is complete and on the disk.
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AlreadyExists, AppError, BadRequest, NotFound, Unavailable } from '../../base/errors';
import { type Backup, type BackupHeader, decodeBackup, type Entry, encodeBackup } from './backup-format';

const chunkBytes = 1 << 20;

/**
 * Readable by its owner only. Resolves with the size in bytes. @throws AlreadyExists unless `replace`, BadRequest for what is no file,
 *   Unavailable
 */
export async function writeBackup(
  path: string,
  header: BackupHeader,
  entries: AsyncIterable<Entry>,
  { replace }: { readonly replace: boolean },
): Promise<number> {
  const partial = `${path}.partial`;
  if (!replace && (await exists(path))) throw new AlreadyExists(`${path} exists already; --force replaces it`);
  const file = await open(partial, 'w', 0o600).catch((cause: unknown) => {
    throw new Unavailable(`cannot write ${partial}`, { cause });
  });
  let size = 0;
  try {
    for await (const part of encodeBackup(header, entries)) {
      await file.writeFile(part);
      size += part.length;
    }
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncDirectory(dirname(path));
    return size;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error instanceof AppError ? error : new Unavailable(`cannot write ${path}`, { cause: error });
  }
}

/**
 * Calls `work` with the content of the file. @throws NotFound, BadRequest for what is no file, Unsupported with the name of the file, what
 *   `work` throws
 */
export async function readBackup<T>(path: string, work: (backup: Backup) => Promise<T>): Promise<T> {
  if (!(await exists(path))) throw new NotFound(`there is no ${path}`);
  const stream = createReadStream(path, { highWaterMark: chunkBytes });
  try {
    return await work(await decodeBackup(stream as AsyncIterable<Buffer>));
  } catch (error) {
    if (error instanceof AppError && error.code === 'Unsupported' && !error.message.includes(path)) {
      throw new AppError('Unsupported', `cannot read ${path}: ${error.message}`, { cause: error.cause });
    }
    throw error;
  } finally {
    stream.destroy();
  }
}

async function exists(path: string): Promise<boolean> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Unavailable(`cannot open ${path}`, { cause: error });
  });
  if (facts && !facts.isFile()) {
    const what = facts.isDirectory() ? 'a directory' : 'a pipe or a device';
    throw new BadRequest(`${path} is ${what}; expected the file of a backup`);
  }
  return facts !== undefined;
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  await directory.sync().finally(() => directory.close());
}
