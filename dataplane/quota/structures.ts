// The kernel's structures for project quotas, and the number of a folder's project. Pure. Source: linux/fs.h, linux/quota.h.
import { endianness } from 'node:os';
import { AppError } from '../../controlplane/base/errors';
import { FS_XFLAG_PROJINHERIT, QIF_BLIMITS } from '../libc/constants';

/** struct fsxattr: xflags, extsize, nextents, projid, cowextsize (32 bits each), 8 bytes of padding. */
export const attributeBytes = 28;
const projectOffset = 12;

export const projectOf = (attributes: DataView): number => attributes.getUint32(projectOffset, little);

/** Everything created in the folder belongs to the same project. */
export function setProject(attributes: DataView, project: number): void {
  attributes.setUint32(0, (attributes.getUint32(0, little) | FS_XFLAG_PROJINHERIT) >>> 0, little);
  attributes.setUint32(projectOffset, project, little);
}

/** struct if_dqblk: eight numbers of 64 bits, then what is valid (32 bits), and padding. */
export const quotaBytes = 72;
/** Limits count blocks of this size, whatever the file system's blocks are. */
const blockBytes = 1024;

export function setLimit(quota: DataView, bytes: number): void {
  quota.setBigUint64(0, BigInt(Math.ceil(bytes / blockBytes)), little);
  quota.setBigUint64(8, 0n, little);
  quota.setUint32(64, QIF_BLIMITS, little);
}

/** Whether a project has a limit, bytes or files. */
export const isUsed = (quota: DataView): boolean =>
  [0, 16, 24, 40].some((offset) => quota.getBigUint64(offset, little) > 0n);

const little = true;

/** koffi has binaries for x86-64 and arm64, which are both little-endian. */
export function checkMachine(): void {
  if (endianness() !== 'LE') throw new AppError('Unsupported', 'project quotas need a little-endian machine');
}

/** Below are the numbers that administrators choose. */
const firstProject = 0x10_0000;
const projects = 0x7fff_ffff - firstProject;

/** The number of a folder's project at the `attempt`-th try, the first of which is 0. */
export function projectNumber(name: string, attempt: number): number {
  // FNV-1a: equal for a name at each start, and far apart for similar names.
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return firstProject + ((hash + attempt) % projects);
}
