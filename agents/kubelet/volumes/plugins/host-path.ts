// hostPath volumes: the path that must exist, or that the kubelet creates. Source: kubernetes.io "Volumes", hostPath types.
import { lstat, mkdir, open, stat } from 'node:fs/promises';
import { VolumeError } from '../payload';
import { definePlugin } from './plugin';

export const hostPath = definePlugin('hostPath', {
  dir: 'host-path',
  readOnly: false,
  pathOf: ({ path }) => path,
  setUp: async ({ type }, { path, deps }) => {
    await deps.ensureAnswers(path);
    await ensureHostPath(path, type);
    return undefined;
  },
});

type DesiredType =
  | ''
  | 'DirectoryOrCreate'
  | 'Directory'
  | 'FileOrCreate'
  | 'File'
  | 'Socket'
  | 'CharDevice'
  | 'BlockDevice';

/** @throws VolumeError when `path` has another type */
export async function ensureHostPath(path: string, type: string | undefined): Promise<void> {
  const desired = (type ?? '') as DesiredType;
  if (desired === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 }).catch(unlessThere);
  if (desired === 'FileOrCreate') await createFile(path);
  if (desired === '') {
    // With this type the path may be missing. A bind mount needs it, and Docker would create a folder too.
    if (!(await exists(path))) await mkdir(path, { recursive: true, mode: 0o755 });
    return;
  }
  const info = await stat(path).catch(() => undefined);
  const fits = {
    DirectoryOrCreate: () => info?.isDirectory(),
    Directory: () => info?.isDirectory(),
    FileOrCreate: () => info?.isFile(),
    File: () => info?.isFile(),
    Socket: () => info?.isSocket(),
    CharDevice: () => info?.isCharacterDevice(),
    BlockDevice: () => info?.isBlockDevice(),
  }[desired];
  if (!fits?.()) throw new VolumeError(`hostPath type check failed: ${path} is not ${description[desired]}`);
}

const description: Readonly<Record<Exclude<DesiredType, ''>, string>> = {
  DirectoryOrCreate: 'a directory',
  Directory: 'a directory',
  FileOrCreate: 'a file',
  File: 'a file',
  Socket: 'a socket file',
  CharDevice: 'a character device',
  BlockDevice: 'a block device',
};

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function createFile(path: string): Promise<void> {
  // Exclusively: to open an existing FIFO may block, and to open a device may have an effect.
  const file = await open(path, 'wx', 0o644).catch(unlessThere);
  await file?.close();
}

function unlessThere(err: unknown): undefined {
  if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err;
  return undefined;
}
