// Mounts by mount(2) and umount2(2) through koffi: 0.1 ms, where a mount process takes several milliseconds.
import { type FileHandle, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Clock, systemClock } from '../../controlplane/base/clock';
import { AppError, BadRequest, Conflict, NotFound, Unavailable } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { SystemExec } from '../exec/system-exec';
import { errnoName, libc } from '../libc/libc';
import { pathOfHeld } from './beneath';
import { type MountEntry, mountAt, mountOf, parseMountTable } from './mount-table';
import type { Mounts, PointOption, TmpfsOptions } from './mounts';
import { isRemote, late, within } from './remote';

const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REMOUNT = 32;
const MS_NOATIME = 1024;
const MS_NODIRATIME = 2048;
const MS_BIND = 4096;
const MS_REC = 16384;
const MS_SHARED = 1 << 20;
const MS_RELATIME = 1 << 21;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

const pointFlags: Readonly<Record<PointOption, number>> = {
  ro: MS_RDONLY,
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
  relatime: MS_RELATIME,
};

/** mount(2) takes one page of options, with the zero at their end. */
const maxOptionBytes = 4095;

/**
 * The limit for mounts on top of each other at one path, and for reads of a table that changes meanwhile: far more than occur.
 */
const maxRounds = 100;

/** How long the end of a file system may take. A disk writes what is in memory; a server that is gone answers never. */
const diskEndsMs = 120_000;
const serverEndsMs = 10_000;

const inMemory: ReadonlySet<string> = new Set(['tmpfs', 'hugetlbfs', 'overlay', 'ramfs']);

export class SystemMounts implements Mounts {
  constructor(
    private readonly exec: Exec = new SystemExec(),
    private readonly clock: Clock = systemClock,
  ) {}

  async ensureTmpfs(path: string, { mode, sizeBytes }: TmpfsOptions): Promise<void> {
    if (await isMountPoint(path)) return;
    const size = sizeBytes === undefined ? '' : `,size=${sizeBytes}`;
    const data = `mode=0${mode.toString(8)}${size}`;
    if (libc().mount('tmpfs', path, 'tmpfs', MS_NOSUID | MS_NODEV, data) !== 0) throw failure('mount', path);
  }

  async ensureHugePages(
    path: string,
    { mode, pageBytes }: { readonly mode: number; readonly pageBytes: number },
  ): Promise<void> {
    if (await isMountPoint(path)) return;
    const data = `mode=0${mode.toString(8)},pagesize=${pageBytes}`;
    if (libc().mount('hugetlbfs', path, 'hugetlbfs', MS_NOSUID | MS_NODEV, data) === 0) return;
    const name = errnoName();
    if (name === 'EINVAL') throw new BadRequest(`mount ${path}: no huge pages of ${pageBytes} bytes on this machine`);
    throw failure('mount', path);
  }

  async ensureLayers(path: string, layers: readonly string[]): Promise<void> {
    if (await isMountPoint(path)) return;
    // overlayfs needs two folders; the empty mount point itself is the lowest one. A colon separates folders.
    const folders = [...layers, path].map((folder) => folder.replace(/[\\:,]/g, '\\$&'));
    const data = `lowerdir=${folders.join(':')}`;
    if (Buffer.byteLength(data) > maxOptionBytes) {
      throw new BadRequest(`${layers.length} layers are more than one mount takes`);
    }
    const flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (libc().mount('overlay', path, 'overlay', flags, data) !== 0) throw failure('mount', path);
  }

  async bind(source: FileHandle, target: string): Promise<void> {
    if (libc().mount(pathOfHeld(source), target, 'none', MS_BIND, '') !== 0) throw failure('bind to', target);
  }

  async ensureBind(source: FileHandle, target: string, options: readonly PointOption[]): Promise<void> {
    if (!(await this.at(target))) await this.bind(source, target);
    const current = (await this.at(target))?.options ?? [];
    if (options.every((option) => current.includes(option))) return;
    // A bind takes the options of its source; only a second call changes them, and that call replaces all of them.
    const flags = [...current, ...options].reduce((sum, name) => sum | (pointFlags[name as PointOption] ?? 0), 0);
    if (libc().mount('none', target, 'none', MS_BIND | MS_REMOUNT | flags, '') !== 0) throw failure('remount', target);
  }

  async ensureShared(path: string): Promise<void> {
    const real = await realpath(path);
    const table = await this.table();
    const holder = mountOf(table, real);
    if (holder?.isShared) return;
    // A mount at the folder would hide the mounts below it: the copies of them could be unmounted, and the hidden ones could not.
    if (holder?.point !== real && table.some(({ point }) => point.startsWith(`${real}/`))) {
      throw new Conflict(`something is mounted below ${real} already`);
    }
    if (holder?.point !== real && libc().mount(real, real, 'none', MS_BIND, '') !== 0) {
      throw failure('bind to', real);
    }
    if (libc().mount('none', real, 'none', MS_SHARED | MS_REC, '') !== 0) throw failure('share', real);
  }

  async at(path: string): Promise<MountEntry | undefined> {
    const parent = await realpath(dirname(path)).catch(ifMissing);
    return parent === undefined ? undefined : mountAt(await this.table(), join(parent, basename(path)));
  }

  async table(): Promise<readonly MountEntry[]> {
    return parseMountTable(await readFile('/proc/self/mountinfo', 'utf8'));
  }

  async detach(path: string): Promise<void> {
    for (let round = 0; round < maxRounds; round++) {
      const entry = await this.at(path);
      if (!(await this.detachOne(entry ?? path))) return;
    }
    throw new AppError('Internal', `something is mounted at ${path} again and again`);
  }

  async detachBelow(path: string): Promise<void> {
    // The paths in the kernel's table contain no links.
    const real = await realpath(path).catch(ifMissing);
    if (real === undefined) return;
    for (let round = 0; round < maxRounds; round++) {
      const entries = (await this.table())
        .filter(({ point }) => point === real || point.startsWith(`${real}/`))
        // The last mount is removed first: mounts may be on top of each other.
        .reverse();
      // The callers delete the folder next: a remaining mount would let them delete the files of its source.
      if (entries.length === 0) return;
      for (const entry of entries) await this.detachOne(entry);
    }
    throw new AppError('Internal', `something is still mounted below ${path}`);
  }

  /** False when nothing is mounted there, or the path was removed meanwhile, and with it everything below. */
  private async detachOne(mount: MountEntry | string): Promise<boolean> {
    if (typeof mount === 'string') return detachHere(mount);
    const table = await this.table();
    return mayWait(mount, table) ? this.detachByProgram(mount, table) : detachHere(mount.point);
  }

  /** The mount leaves the table first; then the program may wait for the server, or for the disk. */
  private async detachByProgram(entry: MountEntry, table: readonly MountEntry[]): Promise<boolean> {
    const { point } = entry;
    const limitMs = isRemote(entry) ? serverEndsMs : diskEndsMs;
    const argv = ['umount', '-l', '-i', '-c', '--', point];
    const ended = this.exec.run(argv, { timeoutMs: limitMs }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const error = await within(ended, limitMs, this.clock);
    if (countAt(await this.table(), point) < countAt(table, point)) return true;
    if (error === late) throw new Unavailable(`umount ${point}: no answer in ${limitMs} ms`);
    if (error === undefined) return false;
    throw new AppError('Internal', `umount ${point}`, { cause: error });
  }
}

const countAt = (table: readonly MountEntry[], path: string): number =>
  table.filter(({ point }) => point === path).length;

/** The end of the last mount of a file system waits for its disk. A bind mount of one that stays mounted elsewhere waits for nothing. */
const mayWait = (entry: MountEntry, table: readonly MountEntry[]): boolean =>
  isRemote(entry) || (!inMemory.has(entry.type) && table.filter(({ device }) => device === entry.device).length < 2);

function detachHere(path: string): boolean {
  if (libc().umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) === 0) return true;
  const name = errnoName();
  if (name !== 'EINVAL' && name !== 'ENOENT') throw failure('umount', path);
  return false;
}

function ifMissing(err: unknown): undefined {
  if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw err;
}

/** Whether the folder is on another file system than its parent. @throws NotFound */
async function isMountPoint(path: string): Promise<boolean> {
  try {
    const [own, parent] = await Promise.all([stat(path), stat(dirname(path))]);
    return own.dev !== parent.dev;
  } catch (cause) {
    throw new NotFound(`${path} is not a folder to mount at`, { cause });
  }
}

/**
 * Mount points in the order of the table, which is the order of mounting. The kernel writes blanks and similar characters as
 * octal: \040.
 */
export function mountPoints(table: string): string[] {
  return table
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ')[1] ?? '')
    .map((path) => path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
}

function failure(doing: string, path: string): AppError {
  const name = errnoName();
  const code = name === 'EPERM' || name === 'EACCES' ? 'Forbidden' : name === 'ENOENT' ? 'NotFound' : 'Internal';
  return new AppError(code, `${doing} ${path}: ${name}`);
}
