// The mounts that agents need: file systems in memory, bind mounts of a file or folder, and their removal.
import type { FileHandle } from 'node:fs/promises';

export interface TmpfsOptions {
  /** The mode of the root folder. */
  readonly mode: number;
  /** Absent: the kernel's choice, half of the memory. */
  readonly sizeBytes?: number;
}

export interface Mounts {
  /** Mounts, unless this folder is a mount point already. @throws Forbidden, NotFound, AppError */
  ensureTmpfs(path: string, options: TmpfsOptions): Promise<void>;
  /**
   * Shows these folders on top of each other, the first one topmost, read-only and without programs that can be executed, unless this
   * empty folder is a mount point already. @throws BadRequest for more layers than one mount takes, Forbidden, NotFound, AppError
   */
  ensureLayers(path: string, layers: readonly string[]): Promise<void>;
  /**
   * Binds the file or folder of the handle to `target`, which exists and is of the same kind. Mounts below the source are not
   * included. The handle, not a path, says what is bound: a rename changes nothing. @throws Forbidden, NotFound, AppError
   */
  bind(source: FileHandle, target: string): Promise<void>;
  /** Removes the mount at exactly this path, even in use. Without a mount nothing happens. */
  detach(path: string): Promise<void>;
  /** Removes every mount at or below this folder, even in use. @throws AppError when a mount remains */
  detachBelow(path: string): Promise<void>;
}
