// Gives all files of a volume to the pod's fsGroup, so that containers of any user may read and write them. Only group and mode are changed,
// bits are only added, and links are not followed. Other pods may write to the volume meanwhile: each file is opened inside its held
// folder, so that a folder that becomes a link leads nowhere else. Source: KEP-695, kubernetes.io "Configure a Security Context".
import { constants, type Stats } from 'node:fs';
import { chmod, chown, type FileHandle, lchown, open, opendir } from 'node:fs/promises';
import { O_PATH } from '../../../dataplane/libc/constants';
import { pathOfHeld } from '../../../dataplane/mount/beneath';
import { VolumeError } from './payload';

export type ChangePolicy = 'Always' | 'OnRootMismatch';

export interface FsGroupOptions {
  readonly gid: number;
  readonly policy?: ChangePolicy;
  readonly signal: AbortSignal;
  /** Called with the number of files so far, after each. */
  readonly onFile?: (files: number) => void;
}

const fileBits = 0o660;
const folderBits = 0o2770;
/** Files that are changed at the same time. */
const atOnce = 16;
/** Each folder on the way down is held open. */
const maxDepth = 1000;
/** Read and change only what is a part of the file's mode. */
const modeBits = 0o7777;

/** The mode that a file gets. Pure. */
export const groupMode = (mode: number, isFolder: boolean): number =>
  (mode & modeBits) | (isFolder ? folderBits : fileBits);

/** Whether the root of a volume shows that its files are not the group's yet. Pure. */
export const rootMismatch = ({ gid, mode }: Pick<Stats, 'gid' | 'mode'>, wanted: number): boolean =>
  gid !== wanted || groupMode(mode, true) !== (mode & modeBits);

/**
 * `root` is an O_PATH handle of a folder. Repeatable. The root is changed last: with OnRootMismatch work that was interrupted is done again.
 * Resolves to the number of files. @throws VolumeError for folders nested too deeply, the signal's reason
 */
export async function applyFsGroup(root: FileHandle, options: FsGroupOptions): Promise<number> {
  const { gid, policy = 'Always' } = options;
  if (policy === 'OnRootMismatch' && !rootMismatch(await root.stat(), gid)) return 0;
  const walk: Walk = { ...options, files: 0 };
  await changeFolder(root, walk, 0);
  return walk.files;
}

/** As applyFsGroup, for a folder by its path, which must be no link. */
export async function applyFsGroupAt(path: string, options: FsGroupOptions): Promise<number> {
  const root = await open(path, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    return await applyFsGroup(root, options);
  } finally {
    await root.close();
  }
}

interface Walk extends FsGroupOptions {
  files: number;
}

async function changeFolder(folder: FileHandle, walk: Walk, depth: number): Promise<void> {
  if (depth > maxDepth) throw new VolumeError(`folders are nested deeper than ${maxDepth}`);
  const names: Buffer[] = [];
  const entries = await opendir(pathOfHeld(folder), { encoding: 'buffer' as BufferEncoding });
  for await (const { name } of entries) {
    names.push(name as unknown as Buffer);
    if (names.length === atOnce) await changeSome(folder, names.splice(0), walk, depth);
  }
  await changeSome(folder, names, walk, depth);
  await change(pathOfHeld(folder), await folder.stat(), walk);
}

/** Files at the same time, then folders one after another, so that only the folders of one path are held open. */
async function changeSome(folder: FileHandle, names: readonly Buffer[], walk: Walk, depth: number): Promise<void> {
  walk.signal.throwIfAborted();
  const found = await Promise.all(names.map((name) => changeFile(folder, name, walk)));
  for (const path of found.filter((each) => each !== undefined)) {
    const below = await open(path, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY).catch(ifReplaced);
    if (!below) continue;
    try {
      await changeFolder(below, walk, depth + 1);
    } finally {
      await below.close();
    }
  }
}

/** Resolves to the path of a folder, which is not changed yet. */
async function changeFile(folder: FileHandle, name: Buffer, walk: Walk): Promise<Buffer | undefined> {
  const path = Buffer.concat([Buffer.from(`${pathOfHeld(folder)}/`), name]);
  const held = await open(path, O_PATH | constants.O_NOFOLLOW).catch(ifReplaced);
  if (!held) return undefined;
  try {
    const info = await held.stat();
    if (info.isDirectory()) return path;
    if (info.isSymbolicLink()) await lchown(path, -1, walk.gid).catch(leave);
    else await change(pathOfHeld(held), info, walk);
    walk.onFile?.(++walk.files);
    return undefined;
  } finally {
    await held.close();
  }
}

/** As upstream, a file that refuses the change, such as an immutable one, stays as it is. */
async function change(path: string, info: Stats, { gid }: Walk): Promise<void> {
  if (info.gid !== gid) await chown(path, -1, gid).catch(leave);
  // Also after a change of the group alone, which clears bits.
  const mode = groupMode(info.mode, info.isDirectory());
  if (info.gid !== gid || mode !== (info.mode & modeBits)) await chmod(path, mode).catch(leave);
}

function leave(err: NodeJS.ErrnoException): void {
  if (!['EPERM', 'EACCES', 'EROFS', 'ENOENT', 'EOPNOTSUPP'].includes(err.code ?? '')) throw err;
}

/** Another process has removed or replaced the name. */
function ifReplaced(err: NodeJS.ErrnoException): undefined {
  if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(err.code ?? '')) throw err;
  return undefined;
}
