// FolderQuotas by project quotas of the kernel. All calls are short: they concern one folder, not what is in it.
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { AppError, NotFound } from '../../controlplane/base/errors';
import {
  FS_IOC_FSGETXATTR,
  FS_IOC_FSSETXATTR,
  PRJQUOTA,
  Q_GETQUOTA,
  Q_SETQUOTA,
  SYS_quotactl_fd,
} from '../libc/constants';
import { allocate, errnoName, libc } from '../libc/libc';
import type { FolderQuotas } from './folder-quotas';
import {
  attributeBytes,
  checkMachine,
  isUsed,
  projectNumber,
  projectOf,
  quotaBytes,
  setLimit,
  setProject,
} from './structures';

/** The file system, its mount or the kernel has no project quotas. */
const unsupported: ReadonlySet<string> = new Set(['ESRCH', 'ENOSYS', 'ENOTTY', 'EOPNOTSUPP', 'EINVAL', 'ENOTSUP']);
const maxAttempts = 100;

export class ProjectQuotas implements FolderQuotas {
  async limitNew(path: string, bytes: number): Promise<boolean> {
    return withFolder(path, async ({ fd }) => {
      for (let attempt = 0; attempt < maxAttempts; attempt++) {
        const project = projectNumber(basename(path), attempt);
        const used = readQuota(fd, project);
        if (used === undefined) return false;
        if (used) continue;
        // The limit first: without it nothing must be counted for the project.
        writeQuota(fd, project, bytes);
        return writeProject(fd, project);
      }
      throw new AppError('Internal', `no free project number for ${path}`);
    });
  }

  async change(path: string, bytes: number): Promise<boolean> {
    return withFolder(path, async ({ fd }) => {
      const project = readProject(fd);
      if (!project || readQuota(fd, project) === undefined) return false;
      writeQuota(fd, project, bytes);
      return true;
    });
  }

  async release(path: string): Promise<void> {
    // Without a limit the kernel forgets a project when its last file is gone.
    await this.change(path, 0).catch((err: unknown) => {
      if (!(err instanceof NotFound)) throw err;
    });
  }
}

async function withFolder<T>(path: string, work: (folder: FileHandle) => Promise<T>): Promise<T> {
  checkMachine();
  const folder = await open(path, 'r').catch((cause: unknown) => {
    throw new NotFound(`cannot open ${path}`, { cause });
  });
  try {
    return await work(folder);
  } finally {
    await folder.close();
  }
}

/** Runs a call on zeroed memory of this size; its result is read before the memory is freed. */
function withMemory<T>(bytes: number, work: (address: bigint, view: DataView) => T): T {
  const memory = allocate(bytes);
  try {
    return work(memory.address, new DataView(memory.bytes));
  } finally {
    memory.free();
  }
}

/** 0: none. Undefined: the file system has no projects. */
function readProject(fd: number): number | undefined {
  return withMemory(attributeBytes, (address, view) => {
    if (libc().ioctl(fd, FS_IOC_FSGETXATTR, address) === 0) return projectOf(view);
    return refused('FS_IOC_FSGETXATTR');
  });
}

function writeProject(fd: number, project: number): boolean {
  return withMemory(attributeBytes, (address, view) => {
    if (libc().ioctl(fd, FS_IOC_FSGETXATTR, address) !== 0) return refused('FS_IOC_FSGETXATTR') ?? false;
    setProject(view, project);
    if (libc().ioctl(fd, FS_IOC_FSSETXATTR, address) === 0) return true;
    return refused('FS_IOC_FSSETXATTR') ?? false;
  });
}

/** Whether the project is in use; undefined without quotas. */
function readQuota(fd: number, project: number): boolean | undefined {
  return withMemory(quotaBytes, (address, view) => {
    if (quotactl(fd, Q_GETQUOTA, project, address)) return isUsed(view);
    const name = errnoName();
    // Quotas are on, and nothing is known about this project.
    if (name === 'ENOENT') return false;
    return refused('Q_GETQUOTA', name);
  });
}

function writeQuota(fd: number, project: number, bytes: number): void {
  withMemory(quotaBytes, (address, view) => {
    setLimit(view, bytes);
    if (!quotactl(fd, Q_SETQUOTA, project, address)) throw new AppError('Internal', `Q_SETQUOTA: ${errnoName()}`);
  });
}

const quotactl = (fd: number, command: number, project: number, address: bigint): boolean =>
  // Project numbers are passed as int.
  Number(libc().syscall(SYS_quotactl_fd, fd, ((command << 8) | PRJQUOTA) >>> 0, project, address)) === 0;

/** Undefined when there are no project quotas. @throws AppError for another failure */
function refused(call: string, name = errnoName()): undefined {
  if (!unsupported.has(name)) throw new AppError('Internal', `${call}: ${name}`);
  return undefined;
}
