// How the commands reach a store: the file of a stopped server, a copy that a running server makes, or another backend.
import { existsSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../base/clock';
import { AppError, BadRequest, isUnavailable, NotFound, Unavailable } from '../../base/errors';
import { silentLogger } from '../../base/logger';
import { openBackend } from '../../store/open';
import { createAt, replaceFile, sizeOf } from '../../store/sqlite/maintenance';
import type { Store } from '../../store/store';
import { askServer, type Copied } from './socket';

/** Where a store is: SQLite's file in the data directory of a server. */
export interface StorePlace {
  readonly kind: 'sqlite';
  readonly dataDir: string;
}

export const fileOf = ({ dataDir }: StorePlace): string => join(dataDir, 'state.db');
export const describePlace = (place: StorePlace): string => fileOf(place);

/** `sqlite:DIR`. @throws BadRequest */
export function parsePlace(text: string): StorePlace {
  const directory = /^sqlite:(.+)$/.exec(text)?.[1];
  if (directory === undefined) throw new BadRequest('expected sqlite:DIR');
  return { kind: 'sqlite', dataDir: directory };
}

/** Without retention: a command must not drop history. */
const openFile = (path: string): Promise<Store> =>
  openBackend({ kind: 'sqlite', path }, { log: silentLogger, clock: systemClock });

export interface OpenedStore {
  readonly store: Store;
  /** The file that `store` was opened from. */
  readonly path: string;
}

/**
 * Calls `work` with the store of a stopped server, which cannot start meanwhile.
 * @throws NotFound, Unavailable while a server has it open, what `work` throws
 */
export async function withStopped<T>(place: StorePlace, work: (opened: OpenedStore) => Promise<T>): Promise<T> {
  const path = fileOf(place);
  requireFile(path);
  const store = await openFile(path).catch((error: unknown) => {
    throw isUnavailable(error)
      ? new Unavailable(`${error.message}: stop the server first`, { cause: error.cause })
      : error;
  });
  try {
    return await work({ store, path });
  } finally {
    await store.close();
  }
}

/**
 * Calls `work` with the path of a file that holds the whole store and that no server has open: a copy in `scratchDir` if one runs, which
 * is removed afterwards; else the server's own file.
 */
export async function withFile<T>(
  place: StorePlace,
  scratchDir: string,
  signal: AbortSignal,
  work: (path: string, isCopy: boolean) => Promise<T>,
): Promise<T> {
  const path = fileOf(place);
  requireFile(path);
  const copy = join(scratchDir, `.k8ts-copy-${process.pid}.db`);
  try {
    const file = await open(copy, 'wx', 0o600).catch((cause: unknown) => {
      throw new Unavailable(`cannot write into ${scratchDir}`, { cause });
    });
    await file.close();
    const copied = await askServer<Copied>(place.dataDir, '/copy', { path: await room(copy, path) }, signal);
    if (copied) return await work(copy, true);
  } finally {
    for (const end of ['', '-wal', '-journal']) await rm(`${copy}${end}`, { force: true });
  }
  return work(path, false);
}

/** A server whose disk gets full takes no writes: a copy must not be the reason. */
async function room(copy: string, path: string): Promise<string> {
  const { bavail, bsize } = await statfs(copy);
  const needed = 2 * (sizeOf(path) + sizeOf(`${path}-wal`));
  if (bavail * bsize > needed) return copy;
  throw new Unavailable(`there is too little room for a copy beside ${copy}: it needs ${megabytes(needed)}`);
}

/** As withFile, opened. */
export function withQuiet<T>(
  place: StorePlace,
  scratchDir: string,
  signal: AbortSignal,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  return withFile(place, scratchDir, signal, async (path, isCopy) => {
    if (!isCopy) return withStopped(place, ({ store }) => work(store));
    const store = await openFile(path);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  });
}

/** The newest revision of a stopped store; undefined when there is none, or none that can be read. @throws Unavailable */
export async function lastRevision(place: StorePlace): Promise<number | undefined> {
  if (!existsSync(fileOf(place))) return undefined;
  try {
    return await withStopped(place, ({ store }) => store.revision());
  } catch (error) {
    if (error instanceof AppError && error.code === 'Unsupported') return undefined;
    throw error;
  }
}

export interface NewStore {
  /** The revision before its first write. */
  readonly revision: number;
  /** The name for the store that is there now; absent: there must be none. */
  readonly keepAs?: string;
}

/**
 * Makes a new store at this place: `work` fills it, and it gets its name when `work` has ended. A failure leaves what was there.
 * @throws AlreadyExists, Unavailable while a server has the present one open, what `work` throws
 */
export async function makeStore<T>(
  place: StorePlace,
  { revision, keepAs }: NewStore,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const target = fileOf(place);
  const path = `${target}.new-${process.pid}`;
  try {
    createAt(path, revision);
    const store = await openFile(path);
    const result = await work(store).finally(() => store.close());
    replaceFile(path, target, keepAs);
    return result;
  } finally {
    for (const end of ['', '-wal']) await rm(`${path}${end}`, { force: true });
  }
}

function requireFile(path: string): void {
  if (!existsSync(path)) throw new NotFound(`there is no store ${path}; --data-dir names the folder`);
}

export const megabytes = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
