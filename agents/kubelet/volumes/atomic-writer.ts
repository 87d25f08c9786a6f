// Writes a set of files so that a reader sees all of the old ones or all of the new ones. The files are in a dated folder, `..data` is a
// link to this folder, and visible names link through `..data`. One rename replaces `..data`.
// Source: the behaviour documented for ConfigMap volumes (kubernetes.io "Mounted ConfigMaps are updated automatically").
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { BadRequest } from '../../../controlplane/base/errors';
import type { Payload } from './payload';

const dataLink = '..data';
const folderMode = 0o755;

export interface WriteOptions {
  /** Group of all files and folders; the folders get the set-group-ID bit. */
  readonly gid?: number;
}

/** Makes `dir` show exactly `payload`; true when something changed. @throws BadRequest for a path that leaves the folder */
export async function writeAtomically(dir: string, payload: Payload, options: WriteOptions = {}): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  await mkdir(dir, { recursive: true, mode: folderMode });
  const current = await readlink(join(dir, dataLink)).catch(ifMissing);
  if (current !== undefined && (await shows(join(dir, current), payload))) return false;
  const fresh = `..${new Date().toISOString().replace(/[-:]/g, '_').slice(0, 19)}.${randomBytes(4).readUInt32BE()}`;
  try {
    await writeFiles(join(dir, fresh), payload, options);
  } catch (err) {
    await rm(join(dir, fresh), { recursive: true, force: true });
    throw err;
  }
  const temporary = join(dir, `${dataLink}_tmp`);
  await rm(temporary, { force: true });
  await symlink(fresh, temporary);
  await rename(temporary, join(dir, dataLink));
  await linkNames(dir, payload);
  if (current !== undefined) await rm(join(dir, current), { recursive: true, force: true });
  return true;
}

function checkPath(path: string): void {
  const parts = path.split('/');
  const leadsOut = path === '' || path.startsWith('/') || path.includes('\0') || parts.includes('..');
  // Names that begin with two dots belong to the writer: ..data and the dated folders.
  if (leadsOut || normalize(path).startsWith('..')) {
    throw new BadRequest(`invalid path in volume: ${JSON.stringify(path)}`);
  }
}

async function shows(folder: string, payload: Payload): Promise<boolean> {
  const names = (await filesBelow(folder)).sort();
  if (names.join('\0') !== [...payload.keys()].map(normalize).sort().join('\0')) return false;
  for (const [path, file] of payload) {
    const full = join(folder, path);
    const info = await lstat(full);
    // Reads only files of the right size: a privileged container may have replaced the file.
    if (!info.isFile() || info.size !== file.data.length || (info.mode & 0o777) !== (file.mode & 0o777)) return false;
    if (!(await readFile(full)).equals(file.data)) return false;
  }
  return true;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(ifMissing);
  return (entries ?? [])
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

async function writeFiles(folder: string, payload: Payload, { gid }: WriteOptions): Promise<void> {
  await mkdir(folder, { recursive: true, mode: folderMode });
  await chmod(folder, folderMode);
  for (const [path, file] of payload) {
    const full = join(folder, path);
    await mkdir(dirname(full), { recursive: true, mode: folderMode });
    await writeFile(full, file.data);
    if (file.uid !== undefined || gid !== undefined) await chown(full, file.uid ?? 0, gid ?? 0);
    // After chown, which clears bits. Explicit, because the umask clears bits too.
    await chmod(full, gid === undefined ? file.mode : file.mode | 0o040);
  }
}

/** The first component of each path is a link through ..data; links of names that are no longer desired are removed. */
async function linkNames(dir: string, payload: Payload): Promise<void> {
  const desired = new Set([...payload.keys()].map((path) => normalize(path).split('/')[0]!));
  const present = (await readdir(dir, { withFileTypes: true })).filter(({ name }) => !name.startsWith('..'));
  const links = new Set(present.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name));
  // A subPath with a missing key has created a folder, as upstream. It is in use, or the key replaces it.
  const folders = new Set(present.filter((entry) => entry.isDirectory()).map(({ name }) => name));
  for (const name of desired) {
    if (links.has(name)) continue;
    if (folders.has(name)) await rmdir(join(dir, name));
    await symlink(join(dataLink, name), join(dir, name));
  }
  for (const name of links) if (!desired.has(name)) await rm(join(dir, name), { force: true });
}

function ifMissing(err: unknown): undefined {
  if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw err;
}
