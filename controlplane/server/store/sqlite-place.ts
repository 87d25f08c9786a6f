// SQLite's file in the data directory of a server: the file of a stopped server, or a copy that a running one makes.
import { existsSync } from 'node:fs';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../base/clock';
import { AlreadyExists, AppError, isUnavailable, NotFound, Unavailable } from '../../base/errors';
import { silentLogger } from '../../base/logger';
import { openBackend } from '../../store/open';
import { inspectFile } from '../../store/sqlite/inspect';
import { createAt, replaceFile, sizeOf, vacuum } from '../../store/sqlite/maintenance';
import type { Store } from '../../store/store';
import { megabytes, type NewStore, type Source, type StorePlace } from './places';
import { askServer, type Compacted, type Copied } from './socket';

/** Without retention: a command must not drop history. */
const openFile = (path: string): Promise<Store> =>
  openBackend({ kind: 'sqlite', path }, { log: silentLogger, clock: systemClock });

export class SqlitePlace implements StorePlace {
  readonly name: string;
  readonly toReplace = '--force replaces it, and keeps it under another name';

  constructor(private readonly dataDir: string) {
    this.name = join(dataDir, 'state.db');
  }

  async exists(): Promise<boolean> {
    return existsSync(this.name);
  }

  async read<T>(scratchDir: string, signal: AbortSignal, work: (source: Source) => Promise<T>): Promise<T> {
    this.requireFile();
    const copy = join(scratchDir, `.k8ts-copy-${process.pid}.db`);
    try {
      const file = await open(copy, 'wx', 0o600).catch((cause: unknown) => {
        throw new Unavailable(`cannot write into ${scratchDir}`, { cause });
      });
      await file.close();
      await this.requireRoom(copy);
      const copied = await askServer<Copied>(this.dataDir, '/copy', { path: copy }, signal);
      if (copied) return await readFrom(copy, `a copy of ${this.name}`, work);
    } finally {
      for (const end of ['', '-wal', '-journal']) await rm(`${copy}${end}`, { force: true });
    }
    return readFrom(this.name, this.name, work).catch(stopFirst);
  }

  async readStopped<T>(_signal: AbortSignal, work: (store: Store) => Promise<T>): Promise<T> {
    this.requireFile();
    return readFrom(this.name, this.name, async ({ open }) => work(await open().catch(stopFirst)));
  }

  async newest(): Promise<number | undefined> {
    if (!existsSync(this.name)) return undefined;
    try {
      return await this.readStopped(new AbortController().signal, (store) => store.revision());
    } catch (error) {
      if (error instanceof AppError && error.code === 'Unsupported') return undefined;
      throw error;
    }
  }

  async make<T>({ revision, replace }: NewStore, work: (store: Store) => Promise<T>) {
    const exists = existsSync(this.name);
    if (exists && !replace) throw new AlreadyExists(`${this.name} exists already`);
    const kept = `${this.name}.before-${new Date(systemClock.now()).toISOString().replaceAll(/[:.]/g, '-')}`;
    const path = `${this.name}.new-${process.pid}`;
    await mkdir(this.dataDir, { recursive: true, mode: 0o700 });
    try {
      createAt(path, revision);
      const store = await openFile(path);
      const result = await work(store).finally(() => store.close());
      replaceFile(path, this.name, kept);
      return exists ? { result, kept } : { result };
    } finally {
      for (const end of ['', '-wal']) await rm(`${path}${end}`, { force: true });
    }
  }

  async compact(signal: AbortSignal): Promise<readonly Compacted[]> {
    const { name } = this;
    const answer = await askServer<Omit<Compacted, 'what'>>(this.dataDir, '/compact', {}, signal);
    if (answer) return [{ ...answer, what: name }];
    this.requireFile();
    const before = sizeOf(name) + sizeOf(`${name}-wal`);
    const revision = await this.readStopped(signal, async (store) => {
      const revision = await store.revision();
      await store.compact(revision);
      return revision;
    });
    vacuum(name);
    return [{ what: name, revision, before, after: sizeOf(name) }];
  }

  /** A server whose disk gets full takes no writes: a copy must not be the reason. */
  private async requireRoom(copy: string): Promise<void> {
    const { bavail, bsize } = await statfs(copy);
    const needed = 2 * (sizeOf(this.name) + sizeOf(`${this.name}-wal`));
    if (bavail * bsize > needed) return;
    throw new Unavailable(`there is too little room for a copy next to ${copy}: it needs ${megabytes(needed)}`);
  }

  private requireFile(): void {
    if (!existsSync(this.name)) throw new NotFound(`there is no store ${this.name}; --data-dir names the folder`);
  }
}

async function readFrom<T>(path: string, what: string, work: (source: Source) => Promise<T>): Promise<T> {
  let store: Store | undefined;
  const open = async () => {
    store = await openFile(path);
    return store;
  };
  try {
    return await work({ what, faults: () => inspectFile(path), open });
  } finally {
    await store?.close();
  }
}

function stopFirst(error: unknown): never {
  const isLocked = isUnavailable(error) && error.message.includes('another process has it open');
  throw isLocked ? new Unavailable(`${error.message}: stop the server first`, { cause: error.cause }) : error;
}
