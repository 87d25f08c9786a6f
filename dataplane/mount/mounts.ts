// Mounts as the agents need them: file systems in memory, a second place for a file or folder, and their end.
import type { FileHandle } from 'node:fs/promises';

export interface TmpfsOptions {
  /** Of the topmost folder. */
  readonly mode: number;
  /** Absent: the kernel's choice, half of the memory. */
  readonly sizeBytes?: number;
}

export interface Mounts {
  /** Mounts unless something is mounted at this folder already. @throws Forbidden, NotFound, AppError */
  ensureTmpfs(path: string, options: TmpfsOptions): Promise<void>;
  /**
   * Shows the file or folder behind the handle at `target` too, which is there and is of the same kind. What mounts lie below it are
   * not shown. The handle, not a path, says what is bound: a rename changes nothing. @throws Forbidden, NotFound, AppError
   */
  bind(source: FileHandle, target: string): Promise<void>;
  /** Removes what is mounted at this very path, even in use. Nothing happens when nothing is. */
  detach(path: string): Promise<void>;
  /** Removes everything that is mounted at or below this folder, even in use. @throws AppError when a mount is left */
  detachBelow(path: string): Promise<void>;
}
