// The store survives SIGKILL during writes, and a write-ahead log that ends at any byte.
import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, watch } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import { openStore } from '../open';
import type { Store, StoreEvent } from '../store';

const rounds = 4;
const acksPerRound = 400;

/** Everything the store's history holds, from the first revision on. */
async function allEvents(store: Store): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  const last = await store.revision();
  if (last === 0) return events;
  for await (const batch of store.watch('', 0, new AbortController().signal)) {
    events.push(...batch.events);
    if (events.at(-1)!.revision >= last) break;
  }
  return events;
}

/** Runs the writer until `acks` has that many more lines, then kills it with SIGKILL. */
async function writeUntilKilled(path: string, acks: string, lines: number): Promise<void> {
  const abort = new AbortController();
  const count = () => readFileSync(acks, 'utf8').split('\n').length - 1;
  const target = count() + lines;
  const watcher = watch(acks, () => {
    if (count() >= target) abort.abort(new Error('killed on purpose'));
  });
  const script = join(__dirname, '../../../test/contract/store-writer.ts');
  const argv = [process.execPath, '-r', require.resolve('ts-node/register'), script, path, acks];
  try {
    await new SystemExec().run(argv, { signal: abort.signal, timeoutMs: 60_000 });
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    watcher.close();
  }
}

t.test('kill -9 during writes loses no acknowledged write and leaves no hole', async (t) => {
  const directory = t.testdir({ acks: '' });
  const path = join(directory, 'store.db');
  const acks = join(directory, 'acks');
  for (let round = 1; round <= rounds; round++) {
    await writeUntilKilled(path, acks, acksPerRound);
    const store = await openStore({ kind: 'sqlite', path });
    const events = await allEvents(store);
    t.ok(
      events.every((event, i) => event.revision === i + 1),
      `round ${round}: revisions 1 to ${events.length} without a hole`,
    );
    const lines = readFileSync(acks, 'utf8').trimEnd().split('\n');
    const lost = lines.filter((line) => {
      const [revision = '', key, value] = line.split(' ');
      const event = events[Number(revision) - 1];
      return event?.key !== key || (event?.type === 'delete' ? '-' : `${event?.value}`) !== value;
    });
    t.same(lost, [], `round ${round}: all ${lines.length} acknowledged writes exist`);
    const current = new Map<string, string>();
    for (const event of events) {
      if (event.type === 'put') current.set(event.key, `${event.value}`);
      else current.delete(event.key);
    }
    const { items } = await store.range('');
    t.same(new Map(items.map((item) => [item.key, `${item.value}`])), current, `round ${round}: values match history`);
    t.same(
      new Map((await store.claims()).map(({ claim, owner }) => [claim, owner])),
      new Map(items.map(({ key, value }) => [`${key}=${value.length}`, key])),
      `round ${round}: a claim exists if and only if a stored value holds it`,
    );
    await store.close();
  }
});

t.test('a write-ahead log cut off at any byte leaves a prefix of the revisions', async (t) => {
  const directory = t.testdir();
  const path = join(directory, 'store.db');
  const store = await openStore({ kind: 'sqlite', path });
  for (let i = 0; i < 40; i++) await store.create(`/k/${i}`, Buffer.from('v'.repeat(i * 50)));
  const size = statSync(`${path}-wal`).size;
  copyFileSync(path, `${path}.base`);
  copyFileSync(`${path}-wal`, `${path}.log`);
  await store.close();
  let before = 0;
  // A step size that cuts frames (4,096 bytes and a header of 24) at many different offsets.
  for (let cut = 16_000; cut <= size; cut += 7_919) {
    const copy = join(directory, `cut-${cut}.db`);
    copyFileSync(`${path}.base`, copy);
    copyFileSync(`${path}.log`, `${copy}-wal`);
    truncateSync(`${copy}-wal`, cut);
    const survivor = await openStore({ kind: 'sqlite', path: copy }).catch((error: unknown) => error as Error);
    if (survivor instanceof Error) {
      // Cut before the commit that created the tables: an empty database without our mark.
      t.equal(before, 0, survivor.message);
      continue;
    }
    const events = await allEvents(survivor);
    t.ok(events.length >= before && events.every((event, i) => event.revision === i + 1));
    before = events.length;
    t.equal(await survivor.create('/next', Buffer.from('x')), before + 1, 'writing continues from there');
    await survivor.close();
  }
  t.ok(before > 0);
  t.ok(existsSync(path));
});
