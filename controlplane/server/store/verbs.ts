// What `k8ts store` does but for checks: backup, restore, compact, migrate.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../../base/clock';
import { AlreadyExists, AppError, BadRequest } from '../../base/errors';
import { versionInfo } from '../../base/version';
import { sizeOf, vacuum } from '../../store/sqlite/maintenance';
import type { Store } from '../../store/store';
import { readBackup, writeBackup } from '../../store/tools/backup-file';
import type { Entry } from '../../store/tools/backup-format';
import { contentsOf, type Digest, Digesting, fill } from '../../store/tools/contents';
import type { Task } from './command';
import {
  describePlace,
  fileOf,
  lastRevision,
  makeStore,
  megabytes,
  parsePlace,
  type StorePlace,
  withQuiet,
  withStopped,
} from './open';
import { askServer, type Compacted } from './socket';

const placeOf = ({ options }: Task): StorePlace => ({ kind: 'sqlite', dataDir: options.dataDir });

export async function backup(task: Task): Promise<void> {
  const { options, signal, say } = task;
  const file = resolve(task.file);
  await withQuiet(placeOf(task), dirname(file), signal, async (store) => {
    const { revision, entries } = await contentsOf(store);
    const header = { revision, created: new Date(systemClock.now()).toISOString(), version: versionInfo.gitVersion };
    const sum = new Digesting();
    const size = await writeBackup(file, header, until(signal, sum.through(entries)), { replace: options.force });
    say(`${file}: ${sum.digest().count} objects as of revision ${revision}, ${megabytes(size)}`);
  });
}

/**
 * How far restored revisions are from those of the backup. Clients of the lost store may know any revision that it has given out since: 20,000
 * a second is more than a server can write, and the first summand covers a wrong clock. etcd's own restore adds the billion
 * (`--bump-revision`).
 */
export function revisionJump(created: string, now: number): number {
  const seconds = Math.max(0, (now - Date.parse(created)) / 1_000) || 0;
  return 1_000_000_000 + Math.ceil(seconds) * 20_000;
}

export async function restore(task: Task): Promise<void> {
  const { options, file, signal, say } = task;
  const place = placeOf(task);
  // The whole file is read before anything changes.
  const { header, sum } = await readBackup(file, async ({ header, entries }) => ({
    header,
    sum: await digestOf(entries),
  }));
  const target = describePlace(place);
  const exists = existsSync(fileOf(place));
  if (exists && !options.force) throw new AlreadyExists(`${target} exists already; --force replaces it`);
  const present = await lastRevision(place);
  if (exists && present === undefined) say(`${target} cannot be read; its revisions are estimated`);
  const now = systemClock.now();
  const revision = Math.max(header.revision, present ?? 0) + revisionJump(header.created, now);
  const keepAs = exists ? `${target}.before-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}` : undefined;
  await mkdir(place.dataDir, { recursive: true, mode: 0o700 });
  const last = await makeStore(place, { revision, ...(keepAs === undefined ? {} : { keepAs }) }, (store) =>
    readBackup(file, async ({ entries }) => {
      const last = await fill(store, until(signal, entries));
      await compare(sum, store);
      return last;
    }),
  );
  say(`${target}: ${sum.count} objects of ${header.created}; the first revisions are ${revision + 1} to ${last}`);
  if (keepAs !== undefined) say(`the former store is ${keepAs}: remove it when it is not needed any more`);
}

export async function compact(task: Task): Promise<void> {
  const { options, signal, say } = task;
  const answer = await askServer<Compacted>(options.dataDir, '/compact', {}, signal);
  if (answer) return say(spaceLine(answer));
  const place = placeOf(task);
  const path = fileOf(place);
  const before = sizeOf(path) + sizeOf(`${path}-wal`);
  const revision = await withStopped(place, async ({ store }) => {
    const revision = await store.revision();
    await store.compact(revision);
    return revision;
  });
  vacuum(path);
  say(spaceLine({ revision, before, after: sizeOf(path) }));
}

const spaceLine = ({ revision, before, after }: Compacted): string =>
  `history up to revision ${revision} is dropped; size before: ${megabytes(before)}, after: ${megabytes(after)}`;

export async function migrate({ options, signal, say }: Task): Promise<void> {
  if (options.from === '' || options.to === '') throw new BadRequest('migrate needs --from and --to');
  const from = parsePlace(options.from);
  const to = parsePlace(options.to);
  if (existsSync(fileOf(to))) throw new AlreadyExists(`${describePlace(to)} exists already`);
  await mkdir(to.dataDir, { recursive: true, mode: 0o700 });
  await withStopped(from, async ({ store }) => {
    const { revision, entries } = await contentsOf(store);
    const sum = new Digesting();
    const last = await makeStore(to, { revision }, async (made) => {
      const last = await fill(made, until(signal, sum.through(entries)));
      await compare(sum.digest(), made);
      return last;
    });
    const { count, hash } = sum.digest();
    say(
      `${describePlace(to)}: ${count} objects, compared with ${describePlace(from)}: equal (SHA-256 ${hash.slice(0, 16)})`,
    );
    say(`their revisions are ${revision + 1} to ${last}`);
  });
}

const digestOf = async (entries: AsyncIterable<Entry>): Promise<Digest> =>
  (await new Digesting().drain(entries)).digest();

/** @throws AppError when the store does not have what it was filled with */
async function compare(wanted: Digest, store: Store): Promise<void> {
  const found = await digestOf((await contentsOf(store)).entries);
  if (found.count === wanted.count && found.hash === wanted.hash) return;
  throw new AppError(
    'Internal',
    `the new store differs: it has ${found.count} objects of ${wanted.count}; nothing was replaced`,
  );
}

async function* until<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    signal.throwIfAborted();
    yield item;
  }
}
