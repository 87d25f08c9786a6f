// The sockets below a folder, and news of them by inotify.
import { type FSWatcher, watch } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder with more entries is not a folder of plug-ins: the rest is not looked at. */
const maxEntries = 1000;

/**
 * Path → identity of each socket in the folder. A socket that was made again has another identity. Names with a dot in front are left out,
 * as upstream.
 */
export async function socketsIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  for (const name of names.slice(0, maxEntries)) {
    const path = join(folder, name);
    const entry = await lstat(path).catch(() => undefined);
    if (entry?.isSocket()) found.set(path, `${entry.dev}:${entry.ino}:${entry.ctimeMs}`);
  }
  return found;
}

/** Calls back after each change of the folder's entries, until the signal is aborted. @throws when the folder cannot be watched */
export function watchFolder(folder: string, changed: () => void, signal: AbortSignal): FSWatcher {
  const watcher = watch(folder, { signal, persistent: false }, changed);
  // The folder was removed: the regular look at it finds a new one.
  watcher.on('error', changed);
  return watcher;
}
