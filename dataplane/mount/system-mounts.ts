// Mounts by mount(2) and umount2(2) through koffi: 0.1 ms, where a mount process takes several.
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, NotFound } from '../../controlplane/base/errors';
import { errnoName, libc } from '../libc/libc';
import type { Mounts, TmpfsOptions } from './mounts';

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MNT_DETACH = 2;

export class SystemMounts implements Mounts {
  async ensureTmpfs(path: string, { mode, sizeBytes }: TmpfsOptions): Promise<void> {
    if (await isMountPoint(path)) return;
    const size = sizeBytes === undefined ? '' : `,size=${sizeBytes}`;
    const data = `mode=0${mode.toString(8)}${size}`;
    if (libc().mount('tmpfs', path, 'tmpfs', MS_NOSUID | MS_NODEV, data) !== 0) throw failure('mount', path);
  }

  async detachBelow(path: string): Promise<void> {
    const points = mountPoints(await readFile('/proc/self/mounts', 'utf8'))
      .filter((point) => point === path || point.startsWith(`${path}/`))
      // The last one mounted goes first: mounts may lie on each other.
      .reverse();
    for (const point of points) {
      if (libc().umount2(point, MNT_DETACH) === 0) continue;
      // Gone in between, and with it what was below.
      if (errnoName() !== 'EINVAL' && errnoName() !== 'ENOENT') throw failure('umount', point);
    }
  }
}

/** A folder on another file system than the one it lies in. @throws NotFound */
async function isMountPoint(path: string): Promise<boolean> {
  try {
    const [own, parent] = await Promise.all([stat(path), stat(dirname(path))]);
    return own.dev !== parent.dev;
  } catch (cause) {
    throw new NotFound(`${path} is no folder to mount at`, { cause });
  }
}

/** Mount points in the order of the table, that is of mounting. The kernel writes blanks and the like as octal: \040. */
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
