// The format of backups: round trips, every way to be cut off or damaged, and a store that is filled from one.
import { join } from 'node:path';
import * as fc from 'fast-check';
import t from 'tap';
import { Unavailable } from '../../base/errors';
import { MemoryStore } from '../memory/memory-store';
import { openStore } from '../open';
import type { Store } from '../store';
import { readBackup, writeBackup } from './backup-file';
import { type BackupHeader, decodeBackup, type Entry, encodeBackup } from './backup-format';
import { contentsOf, Digesting, fill } from './contents';

const header: BackupHeader = { revision: 7, created: '2026-01-01T00:00:00Z', version: '1.0.0' };
const entry = (key: string, value: string | Buffer, claims: readonly string[] = []): Entry => ({
  key,
  value: Buffer.from(value),
  modRevision: 3,
  claims,
});

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const encoded = async (entries: readonly Entry[]) => Buffer.concat(await collect(encodeBackup(header, each(entries))));

async function decoded(bytes: Buffer, chunkSize = bytes.length): Promise<{ header: BackupHeader; entries: Entry[] }> {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) chunks.push(bytes.subarray(at, at + chunkSize));
  const { header, entries } = await decodeBackup(each(chunks));
  return { header, entries: await collect(entries) };
}

const some = [
  entry('/registry/core/nodes/a', '{}', ['nodeaddress/10.0.0.1', 'podcidr/10.244.0.0/24']),
  entry('/registry/core/secrets/d/s', Buffer.from([0, 255, 10, 0])),
  entry('/registry/core/services/d/s', Buffer.alloc(3_000, 120), ['clusterip/10.96.0.1']),
];

t.test('what was written is read, in chunks of any size', async (t) => {
  const bytes = await encoded(some);
  for (const size of [1, 7, 4_096, bytes.length])
    t.same(await decoded(bytes, size), { header, entries: some }, `${size}`);
  t.same((await decoded(await encoded([]))).entries, [], 'an empty store');
  const large = Array.from({ length: 60 }, (_, i) => entry(`/registry/${100 + i}`, Buffer.alloc(20_000 + i, i)));
  const parts = await collect(encodeBackup(header, each(large)));
  t.ok(parts.length > 3 && parts.every((part) => part.length < 400_000), 'written in parts');
  const sum = async (entries: AsyncIterable<Entry>) => (await new Digesting().drain(entries)).digest();
  t.same(await sum((await decodeBackup(each(parts))).entries), await sum(each(large)));
});

t.test('any content survives', async () => {
  const value = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const entries = fc
    .dictionary(fc.string({ unit: 'binary', maxLength: 20 }), fc.tuple(value, fc.array(fc.string())))
    .map((all) =>
      Object.entries(all)
        .map(([key, [bytes, claims]]) => entry(`/registry/${key}`, bytes, claims))
        .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))),
    );
  await fc.assert(
    fc.asyncProperty(entries, async (made) => {
      t.same((await decoded(await encoded(made), 64)).entries, made);
    }),
    { numRuns: 50, seed: 13 },
  );
});

t.test('a backup that ends anywhere, or has any wrong byte, is refused', async (t) => {
  const bytes = await encoded(some.map(({ value, ...rest }) => ({ ...rest, value: value.subarray(0, 9) })));
  const isRefused = (wrong: Buffer) =>
    decoded(wrong).then(
      () => false,
      (error: { readonly code?: string }) => error.code === 'Unsupported',
    );
  const accepted: string[] = [];
  for (let at = 0; at < bytes.length; at++) {
    if (!(await isRefused(bytes.subarray(0, at)))) accepted.push(`cut at ${at}`);
    const wrong = Buffer.from(bytes);
    wrong[at]! ^= 0x10;
    if (!(await isRefused(wrong))) accepted.push(`wrong byte ${at}`);
  }
  t.same(accepted, []);
  await t.rejects(decoded(Buffer.concat([bytes, Buffer.from('x')])), { message: /checksum/ });
});

t.test('the reason of a refusal', async (t) => {
  const path = join(t.testdir({ text: 'apiVersion: v1\nkind: List\n' }), 'text');
  await t.rejects(
    readBackup(path, async () => {}),
    {
      message: `cannot read ${path}: it is not a backup made by k8ts store backup`,
    },
  );
  await t.rejects(decoded(Buffer.from('k8ts backup 2\n')), { message: /a newer version \(format 2, this is 1\)/ });
  await t.rejects(decoded(await encoded([some[1]!, some[0]!])), { message: /core\/nodes\/a follows/ });
  await t.rejects(
    readBackup(`${path}x`, async () => {}),
    { code: 'NotFound' },
  );
});

t.test('a file has its name only when it is complete', async (t) => {
  const directory = t.testdir({ old: 'old' });
  const path = join(directory, 'new');
  const failing = async function* () {
    yield some[0]!;
    throw new Error('the store failed');
  };
  await t.rejects(writeBackup(path, header, failing(), { replace: false }), { code: 'Unavailable' });
  await t.rejects(
    readBackup(path, async () => {}),
    { code: 'NotFound' },
  );
  await t.rejects(
    readBackup(`${path}.partial`, async () => {}),
    { code: 'NotFound' },
  );
  const size = await writeBackup(path, header, each(some), { replace: false });
  t.equal(size, (await encoded(some)).length);
  t.same(await readBackup(path, async ({ entries }) => collect(entries)), some);
  await t.rejects(writeBackup(path, header, each(some), { replace: false }), { code: 'AlreadyExists' });
  await writeBackup(path, header, each([]), { replace: true });
  t.same(await readBackup(path, async ({ entries }) => collect(entries)), []);
});

/** Some keys, one of them deleted, and a claim that two keys hold as only adopt() can make it. */
async function write(store: Store): Promise<void> {
  await store.create('/registry/core/services/d/a', Buffer.from('a'), ['clusterip/1', 'nodeport/1']);
  await store.create('/registry/core/services/d/b', Buffer.from('b'), ['clusterip/2']);
  await store.adopt('/registry/core/services/d/b', ['clusterip/1', 'clusterip/2'], 2);
  for (let i = 0; i < 1_200; i++) await store.create(`/registry/core/configmaps/d/c${i}`, Buffer.from(`${i}`));
  await store.delete('/registry/core/configmaps/d/c7');
}

t.test('a store that is filled from another one has the same content, and no history', async (t) => {
  const from = await openStore({ kind: 'memory' });
  const to = await openStore({ kind: 'memory' });
  t.teardown(() => Promise.all([from.close(), to.close()]));
  await write(from);
  const revision = await fill(to, (await contentsOf(from)).entries);
  t.equal(revision, await to.revision());
  t.same(await to.claims(), await from.claims());
  const sums = await Promise.all(
    [from, to].map(async (store) => (await new Digesting().drain((await contentsOf(store)).entries)).digest()),
  );
  t.equal(sums[0]!.count, 1_201);
  t.same(sums[0], sums[1]);
  const watch = to.watch('/', revision - 1, new AbortController().signal)[Symbol.asyncIterator]();
  await t.rejects(watch.next(), { code: 'Expired' });
  await t.rejects(fill(to, each(some)), { code: 'Unavailable', message: /not empty: it has \/registry/ });
});

t.test('a lost answer does not end the filling of a store', async (t) => {
  const inner = new MemoryStore();
  let calls = 0;
  const flaky: Store = Object.create(inner, {
    create: {
      value: async (...args: Parameters<Store['create']>) => {
        const stored = ++calls % 2 === 0 ? undefined : await inner.create(...args);
        if (calls < 8) throw new Unavailable('no answer');
        return stored ?? inner.create(...args);
      },
    },
  });
  await fill(flaky, each(some));
  t.same(
    (await inner.range('/registry/')).items.map(({ key }) => key),
    some.map(({ key }) => key),
  );
  const dead: Store = Object.create(inner, {
    range: { value: async () => ({ items: [], revision: 0, more: false }) },
    create: { value: () => Promise.reject(new Unavailable('no answer')) },
  });
  await t.rejects(fill(dead, each(some)), { code: 'Unavailable' }, 'it ends after some tries');
});

t.test('the digest sees each difference in keys, values and claims, and no other', async (t) => {
  const sum = async (entries: readonly Entry[]) => (await new Digesting().drain(each(entries))).digest().hash;
  const same = await sum(some);
  t.equal(await sum(some.map((one) => ({ ...one, modRevision: 99 }))), same);
  const [first, ...rest] = some;
  for (const other of [
    rest,
    [{ ...first!, key: '/registry/core/nodes/b' }, ...rest],
    [{ ...first!, value: Buffer.from('[]') }, ...rest],
    [{ ...first!, claims: [] }, ...rest],
  ]) {
    t.not(await sum(other), same);
  }
});

t.test('records that no store writes are refused, though the checksum is right', async (t) => {
  const [first] = some;
  const forged = async (head: object, record: object = {}) => {
    const made = encodeBackup({ ...header, ...head } as BackupHeader, each([{ ...first!, ...record } as Entry]));
    return decoded(Buffer.concat(await collect(made)));
  };
  t.equal((await forged({})).entries.length, 1);
  for (const revision of [-1, 1.5, 2 ** 53 - 1, '7', null]) {
    await t.rejects(forged({ revision }), { message: /its header has no revision/ }, `${revision}`);
  }
  for (const created of ['yesterday', 5, undefined, '2026-01-01T00:00:00Z\u001b[31m', '2026-99-01T00:00:00Z']) {
    await t.rejects(forged({ created }), { message: /its header has no time/ }, `${created}`);
  }
  for (const record of [{ key: '' }, { key: 'k8ts/format' }, { claims: 'clusterip/1' }, { claims: [1] }]) {
    await t.rejects(forged({}, record), { message: /record 0 is wrong/ }, JSON.stringify(record));
  }
});
