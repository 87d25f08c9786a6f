// The mounts that agents need: file systems in memory, bind mounts of a file or folder, and their removal.
import type { FileHandle } from 'node:fs/promises';
import type { MountEntry } from './mount-table';

export interface TmpfsOptions {
  /** The mode of the root folder. */
  readonly mode: number;
  /** Absent: the kernel's choice, half of the memory. */
  readonly sizeBytes?: number;
}

/** The options of a mount point, as mount(8) names them: those of a file system do not belong here. */
export type PointOption = 'ro' | 'nosuid' | 'nodev' | 'noexec' | 'noatime' | 'nodiratime' | 'relatime';

export interface Mounts {
  /** Mounts, unless this folder is a mount point already. @throws Forbidden, NotFound, AppError */
  ensureTmpfs(path: string, options: TmpfsOptions): Promise<void>;
  /** A file system whose files are huge pages of this size. Otherwise as ensureTmpfs. @throws BadRequest for a size the kernel has not */
  ensureHugePages(path: string, options: { readonly mode: number; readonly pageBytes: number }): Promise<void>;
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
  /**
   * Binds the folder of the handle to this folder with these options, unless something is mounted there already; a mount that lacks one of
   * the options gets it. Other options of the source stay. @throws Forbidden, NotFound, AppError
   */
  ensureBind(source: FileHandle, target: string, options: readonly PointOption[]): Promise<void>;
  /** The visible mount at exactly this path. Does not touch what is mounted there: a server may not answer. */
  at(path: string): Promise<MountEntry | undefined>;
  /** Every mount that this process sees. */
  table(): Promise<readonly MountEntry[]>;
  /**
   * Mounts that other mount namespaces make below this folder are seen here: the folder becomes a shared mount, unless it lies on one.
   * @throws Conflict when something is mounted below it already; Forbidden, NotFound, AppError
   */
  ensureShared(path: string): Promise<void>;
  /** Removes the mount at exactly this path, even in use. Without a mount nothing happens. */
  detach(path: string): Promise<void>;
  /** Removes every mount at or below this folder, even in use. @throws AppError when a mount remains */
  detachBelow(path: string): Promise<void>;
}
