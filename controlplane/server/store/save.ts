// Writes all objects of a store into a file.
import { systemClock } from '../../base/clock';
import { versionInfo } from '../../base/version';
import type { Store } from '../../store/store';
import { writeBackup } from '../../store/tools/backup-file';
import { contentsOf, Digesting } from '../../store/tools/contents';

/** As of one revision; `size` in bytes. @throws as writeBackup, the signal's reason */
export async function saveContents(
  store: Store,
  path: string,
  { replace, signal }: { readonly replace: boolean; readonly signal: AbortSignal },
): Promise<{ readonly revision: number; readonly count: number; readonly size: number }> {
  const { revision, entries } = await contentsOf(store);
  const header = { revision, created: new Date(systemClock.now()).toISOString(), version: versionInfo.gitVersion };
  const sum = new Digesting();
  const size = await writeBackup(path, header, until(signal, sum.through(entries)), { replace });
  return { revision, count: sum.digest().count, size };
}

export async function* until<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    signal.throwIfAborted();
    yield item;
  }
}
