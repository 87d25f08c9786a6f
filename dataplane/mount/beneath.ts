// Opens a path below a folder whose content other processes may change at the same time. Each component is opened separately,
// without following links, inside the parent folder that is held open: so the caller gets exactly the file that was checked, even
// if a process renames something meanwhile. The text of a link is followed as long as it stays below the root. Source: open(2)
// O_PATH and O_NOFOLLOW, proc(5) /proc/self/fd.
import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readlink } from 'node:fs/promises';
import { AppError, BadRequest, NotFound } from '../../controlplane/base/errors';
import { O_PATH } from '../libc/constants';

/** The kernel's own limit: more links in one path count as a loop. */
const maxLinks = 40;
/** Folders stay open while a path is walked; this bounds their number. */
const maxDepth = 255;

export interface BeneathOptions {
  /** Creates missing folders with this mode. Absent: a missing folder is an error. A dangling link is always an error. */
  readonly createMode?: number;
}

interface Step {
  readonly name: string;
  /** The caller named this component; false for a component that comes from the text of a link. */
  readonly named: boolean;
}

/**
 * Resolves to an O_PATH handle of the file or folder, never of a link; the caller closes it. The path of `root` itself may
 * contain links. @throws Forbidden when a link leads out of `root`, NotFound, BadRequest
 */
export async function openBeneath(root: string, path: string, options: BeneathOptions = {}): Promise<FileHandle> {
  if (path.includes('\0')) throw new BadRequest('a path must not contain a NUL byte');
  const held: FileHandle[] = [await openHandle(root, constants.O_DIRECTORY)];
  const pending = stepsOf(path, true);
  let links = 0;
  try {
    for (let step = pending.shift(); step; step = pending.shift()) {
      const folder = held.at(-1)!;
      if (step.name === '..') {
        if (held.length === 1) throw leadsOut(path);
        await held.pop()!.close();
        continue;
      }
      const found = await openStep(folder, step, options);
      held.push(found);
      const info = await found.stat();
      if (info.isSymbolicLink()) {
        await held.pop()!.close();
        if (++links > maxLinks) throw new BadRequest(`too many links in ${JSON.stringify(path)}`);
        const target = await linkText(folder, step.name);
        pending.unshift(...stepsOf(await belowRoot(target, { held, path }), false));
      } else if (pending.length > 0 && !info.isDirectory()) {
        throw new BadRequest(`${JSON.stringify(step.name)} is not a folder`);
      }
      if (held.length > maxDepth) throw new BadRequest(`${JSON.stringify(path)} is deeper than ${maxDepth} folders`);
    }
    return held.pop()!;
  } finally {
    for (const handle of held.reverse()) await handle.close();
  }
}

/** The path of a held file. It leads to exactly this file as long as the handle is open in this process. */
export const pathOfHeld = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

const stepsOf = (path: string, named: boolean): Step[] =>
  path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .map((name) => ({ name, named }));

const openHandle = (path: string, flags: number): Promise<FileHandle> =>
  open(path, O_PATH | flags).catch((cause: unknown) => {
    throw new NotFound(`cannot open ${path}`, { cause });
  });

/** Opens one component, and creates it first if requested. It is opened directly in a held folder, so never through a link. */
async function openStep(
  folder: FileHandle,
  { name, named }: Step,
  { createMode }: BeneathOptions,
): Promise<FileHandle> {
  const path = `${pathOfHeld(folder)}/${name}`;
  const opened = () => open(path, O_PATH | constants.O_NOFOLLOW);
  try {
    return await opened();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || createMode === undefined || !named) {
      throw new NotFound(`cannot open ${JSON.stringify(name)}`, { cause });
    }
  }
  try {
    const isNew = await mkdir(path, { mode: createMode }).then(() => true, ifThere);
    const found = await opened();
    // The umask may have cleared bits.
    if (isNew && (await isFresh(found))) await chmod(pathOfHeld(found), createMode);
    return found;
  } catch (cause) {
    throw new NotFound(`cannot create ${JSON.stringify(name)}`, { cause });
  }
}

function ifThere(err: unknown): false {
  if ((err as NodeJS.ErrnoException).code === 'EEXIST') return false;
  throw err;
}

/**
 * Whether this is the folder that was created a moment ago. A folder that was renamed to its place has a change time of its
 * own; such a folder must not become writable for all users.
 */
async function isFresh(handle: FileHandle): Promise<boolean> {
  const info = await handle.stat({ bigint: true });
  return info.isDirectory() && Number(info.uid) === process.getuid?.() && info.ctimeNs === info.mtimeNs;
}

async function linkText(folder: FileHandle, name: string): Promise<string> {
  const bytes = await readlink(`${pathOfHeld(folder)}/${name}`, { encoding: 'buffer' }).catch((cause: unknown) => {
    throw new NotFound(`${JSON.stringify(name)} changes while it is read`, { cause });
  });
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw new BadRequest('the text of a link is not UTF-8');
  return text;
}

/**
 * The text of a link as a path from the folder that is held last. An absolute text counts from the root; then only the root
 * stays held.
 */
async function belowRoot(
  target: string,
  { held, path }: { readonly held: FileHandle[]; readonly path: string },
): Promise<string> {
  if (!target.startsWith('/')) return target;
  const root = await readlink(pathOfHeld(held[0]!));
  const prefix = root === '/' ? '/' : `${root}/`;
  if (!`${target}/`.startsWith(prefix)) throw leadsOut(path);
  while (held.length > 1) await held.pop()!.close();
  return target.slice(prefix.length);
}

const leadsOut = (path: string): AppError =>
  new AppError('Forbidden', `${JSON.stringify(path)} leads out of its volume`);
