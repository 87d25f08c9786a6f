// What `k8ts store` does but for checks: backup, restore, compact, migrate.
import { dirname, resolve } from 'node:path';
import { systemClock } from '../../base/clock';
import { AlreadyExists, AppError, BadRequest } from '../../base/errors';
import type { Store } from '../../store/store';
import { readBackup } from '../../store/tools/backup-file';
import type { Entry } from '../../store/tools/backup-format';
import { contentsOf, type Digest, Digesting, fill } from '../../store/tools/contents';
import { inspectBackup } from './check';
import type { Task } from './command';
import { megabytes } from './places';
import { saveContents, until } from './save';

export async function backup(task: Task): Promise<void> {
  const { options, signal, say } = task;
  const file = resolve(task.file);
  const place = await task.place();
  await place.read(dirname(file), signal, async ({ open }) => {
    const { revision, count, size } = await saveContents(await open(), file, { replace: options.force, signal });
    say(`${file}: ${count} objects as of revision ${revision}, ${megabytes(size)}`);
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
  const place = await task.place();
  // The whole file is read before anything changes.
  const { header, sum, problems } = await inspectBackup(task);
  if (problems > 0) {
    say(`${file} has ${problems} problems. They are restored too, and a server may end at its start because of them.`);
  }
  if (options.dryRun) {
    say(`${file}: ${sum.count} objects of ${header.created} can be restored`);
    return;
  }
  const exists = await place.exists();
  if (exists && !options.force) {
    throw new AlreadyExists(`${place.name} has objects already. ${place.toReplace}`);
  }
  const present = await place.newest();
  if (exists && present === undefined) say(`${place.name} cannot be read; its revisions are estimated`);
  const revision = Math.max(header.revision, present ?? 0) + revisionJump(header.created, systemClock.now());
  const stamp = new Date(systemClock.now()).toISOString().replaceAll(/[:.]/g, '-');
  const keepAt = `${resolve(file)}.before-${stamp}`;
  const onKept = () => say(`${place.name}: what is there now is saved in ${keepAt}`);
  const replace = options.force ? { replace: { keepAt, onKept } } : {};
  const { result, kept } = await place.make({ revision, signal, ...replace }, (store) =>
    readBackup(file, async ({ entries }) => {
      const last = await fill(store, until(signal, entries));
      await compare(sum, store);
      return last;
    }),
  );
  say(`${place.name}: ${sum.count} objects of ${header.created}; their revisions are up to ${result}`);
  if (kept !== undefined) say(`the former store is ${kept}: remove it when it is not needed any more`);
}

export async function compact({ place, signal, say }: Task): Promise<void> {
  for (const { what, revision, before, after } of await (await place()).compact(signal)) {
    say(
      `${what}: history up to revision ${revision} is dropped; size before: ${megabytes(before)}, after: ${megabytes(after)}`,
    );
  }
}

export async function migrate({ options, placeOf, signal, say }: Task): Promise<void> {
  if (options.from === '' || options.to === '') throw new BadRequest('migrate needs --from and --to');
  const from = await placeOf(options.from);
  const to = await placeOf(options.to);
  if (await to.exists()) throw new AlreadyExists(`${to.name} has objects already`);
  const revision = (await from.newest()) ?? 0;
  // A source that changes while it is read is a failure: then the new store is not used.
  const work = (target: Store) =>
    from.readStopped(signal, async (source) => {
      const sum = new Digesting();
      const { entries } = await contentsOf(source);
      const last = await fill(target, until(signal, sum.through(entries)));
      await compare(sum.digest(), target);
      return { ...sum.digest(), last };
    });
  const { result } = await to.make({ revision, signal }, work);
  const { count, hash, last } = result;
  say(`${to.name}: ${count} objects, compared with ${from.name}: equal (SHA-256 ${hash.slice(0, 16)})`);
  say(`the revisions of ${from.name} end at ${revision}, the new ones at ${last}`);
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
