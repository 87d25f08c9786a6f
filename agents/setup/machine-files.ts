// Reads and writes files of the machine, below a root directory: / or, in tests and images, another one.
import { chmod, lstat, mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface FileState {
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

export class MachineFiles {
  constructor(readonly root = '/') {}

  path(path: string): string {
    return join(this.root, path);
  }

  /** Undefined when there is none. */
  async read(path: string): Promise<FileState | undefined> {
    try {
      const [text, stats] = await Promise.all([readFile(this.path(path), 'utf8'), lstat(this.path(path))]);
      return { text, mode: stats.mode & 0o7777 };
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw err;
    }
  }

  async exists(path: string): Promise<boolean> {
    return (await lstat(this.path(path)).catch(() => undefined)) !== undefined;
  }

  /** Flushed and atomic: a reader sees the old text or the new one. Creates missing directories, 0755. */
  async write(path: string, { text, mode }: FileState): Promise<void> {
    const target = this.path(path);
    await mkdir(dirname(target), { recursive: true });
    const temporary = `${target}.${process.pid}.tmp`;
    try {
      const file = await open(temporary, 'w', mode);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await chmod(temporary, mode);
      await rename(temporary, target);
    } catch (err) {
      await rm(temporary, { force: true });
      throw err;
    }
  }

  /** Removes a file or a whole directory, if it exists. */
  async remove(path: string): Promise<void> {
    await rm(this.path(path), { recursive: true, force: true });
  }

  /** Removes an empty directory. */
  async removeIfEmpty(path: string): Promise<void> {
    await rmdir(this.path(path)).catch((err: NodeJS.ErrnoException) => {
      if (err.code !== 'ENOENT' && err.code !== 'ENOTEMPTY') throw err;
    });
  }
}
