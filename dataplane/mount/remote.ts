// File systems that another machine or program serves. When the server is gone a call on their files does not return, and holds a thread
// of the pool: four such calls stop all file work of a process. So they are asked by a program, which is killed or left alone.
//
// 1. Which mount a path lies on is read in the kernel's table, component by component: no file of such a mount is touched.
// 2. Of each file system one program at most asks at a time, also when a killed one does not end.
// 3. After a time without an answer the file system counts as silent for a while, without another question.
import { lstat, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../controlplane/base/clock';
import { Unavailable } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { type MountEntry, mountAt } from './mount-table';

const answersWithinMs = 5_000;
const silentMs = 30_000;
/** The kernel's own limit for links in one path. */
const maxLinks = 40;

const remoteTypes: ReadonlySet<string> = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  'ceph',
  '9p',
  'virtiofs',
  'afs',
  'lustre',
  'gpfs',
  'beegfs',
  'autofs',
]);

/** Whether a server outside the kernel answers for such a file system. Pure. */
export const isRemote = ({ type }: Pick<MountEntry, 'type'>): boolean =>
  remoteTypes.has(type) || type === 'fuse' || type === 'fuseblk' || type.startsWith('fuse.');

/** In bytes and inodes. Source: statfs(2). */
export interface FileSystemSize {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  /** For users other than root. */
  readonly availableBlocks: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

export interface RemoteDeps {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly table: () => Promise<readonly MountEntry[]>;
}

export class RemoteFileSystems {
  /** By the device number: one file system may be mounted for many pods. */
  private readonly asked = new Map<string, Promise<FileSystemSize | undefined>>();
  private readonly silentUntilMs = new Map<string, number>();

  constructor(private readonly deps: RemoteDeps) {}

  /** The remote mount that a path leads to or through; undefined for a local path, also one that does not exist. */
  async mountOf(path: string): Promise<MountEntry | undefined> {
    const table = await this.deps.table();
    // The usual case: nothing is looked at. A remote root is the machine's own disk.
    if (!table.some((entry) => entry.point !== '/' && isRemote(entry))) return undefined;
    return firstRemote(path, table);
  }

  /** What statfs(2) says. Undefined when the server does not answer in time, or refuses. */
  async size(mount: MountEntry): Promise<FileSystemSize | undefined> {
    const { clock } = this.deps;
    const { device } = mount;
    if ((this.silentUntilMs.get(device) ?? 0) > clock.now()) return undefined;
    const answer = this.asked.get(device) ?? this.ask(mount);
    const found = await within(answer, answersWithinMs, clock);
    if (found !== late) {
      this.silentUntilMs.delete(device);
      return found;
    }
    this.silentUntilMs.set(device, clock.now() + silentMs);
    return undefined;
  }

  /** Before a file of this path is used. @throws Unavailable when its server does not answer */
  async ensureAnswers(path: string): Promise<void> {
    const mount = await this.mountOf(path);
    if (!mount || (await this.size(mount))) return;
    throw new Unavailable(`the file system at ${mount.point} (${mount.type}, ${mount.source}) does not answer`);
  }

  private ask({ device, point }: MountEntry): Promise<FileSystemSize | undefined> {
    const argv = ['stat', '--file-system', `--format=${sizeFormat}`, '--', point];
    const asked = this.deps.exec
      .run(argv, { timeoutMs: answersWithinMs })
      .then(
        ({ stdout }) => parseSize(stdout),
        () => undefined,
      )
      .finally(() => this.asked.delete(device));
    this.asked.set(device, asked);
    return asked;
  }
}

/** Of stat(1): the fields of FileSystemSize, in their order. */
const sizeFormat = '%S %b %f %a %c %d';

function parseSize(text: string): FileSystemSize | undefined {
  const numbers = text.trim().split(' ').map(Number);
  if (numbers.length !== 6 || !numbers.every(Number.isFinite)) return undefined;
  const [blockBytes = 0, blocks = 0, freeBlocks = 0, availableBlocks = 0, inodes = 0, freeInodes = 0] = numbers;
  return { blockBytes, blocks, freeBlocks, availableBlocks, inodes, freeInodes };
}

/** Goes down the path as the kernel does, links included, and stops before the first component on a remote file system. */
async function firstRemote(path: string, table: readonly MountEntry[]): Promise<MountEntry | undefined> {
  const pending = path.split('/').filter((name) => name !== '');
  let at = '/';
  for (let links = 0; pending.length > 0 && links <= maxLinks; ) {
    const name = pending.shift()!;
    if (name === '.') continue;
    if (name === '..') {
      at = dirname(at);
      continue;
    }
    const next = join(at, name);
    const mount = mountAt(table, next);
    if (mount && isRemote(mount)) return mount;
    const info = mount ? undefined : await lstat(next).catch(() => undefined);
    if (!info?.isSymbolicLink()) {
      at = next;
      continue;
    }
    links++;
    const target = await readlink(next).catch(() => '');
    pending.unshift(...target.split('/').filter((part) => part !== ''));
    if (target.startsWith('/')) at = '/';
  }
  return undefined;
}

export const late = Symbol('late');

/** What the work gives, or `late` after this time; the work goes on. */
export async function within<T>(work: Promise<T>, ms: number, clock: Clock): Promise<T | typeof late> {
  const over = new AbortController();
  const isLate = (): typeof late => late;
  const limit = clock.sleep(ms, over.signal).then(isLate, isLate);
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort(new Error('answered'));
  }
}
