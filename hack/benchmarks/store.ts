// Store and watch cache alone, in one process: shows how much time is left for the rest of the API server.
// usage: node -r ts-node/register hack/benchmarks/store.ts [objects] [writers]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigMap, configMaps } from '../../controlplane/api/config-map';
import type { KindCache } from '../../controlplane/apiserver/cache/cache';
import { openCache } from '../../controlplane/apiserver/cache/open';
import { openStore, type StoreSpec } from '../../controlplane/store/open';

const [objects = 20_000, writers = 16] = process.argv.slice(2).map(Number);

const watchers = 100;

const configMap = (i: number): ConfigMap => ({
  metadata: {
    name: `config-${i}`,
    namespace: `ns-${i % 10}`,
    labels: { app: 'bench', shard: `${i % 50}` },
    uid: '7b0e0c5e-0000-4000-8000-000000000000',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  data: { 'config.yaml': 'x'.repeat(600), index: String(i) },
});

/** `writers` loops share the numbers from 0 to `objects`. */
async function share(work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (next < objects) await work(next++);
    }),
  );
}

async function measure(name: string, count: number, work: () => Promise<unknown> | unknown): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const ms = performance.now() - before;
  const cpu = process.cpuUsage(cpuBefore);
  const rate = Math.round((count / ms) * 1_000);
  const cpuMicros = (cpu.user + cpu.system) / count;
  process.stdout.write(
    `  ${name.padEnd(34)} ${String(rate).padStart(9)}/s  ${cpuMicros.toFixed(1).padStart(8)} us CPU each\n`,
  );
}

const keyOf = (i: number) => `ns-${i % 10}/config-${i}`;

async function verbs(cache: KindCache<ConfigMap>): Promise<void> {
  await measure(`create, ${writers} writers`, objects, () => share((i) => cache.create(configMap(i))));
  await measure('get', objects * 10, () => {
    for (let i = 0; i < objects * 10; i++) if (!cache.get(keyOf(i % objects))) throw new Error('lost');
  });
  await measure(`modify, ${writers} writers`, objects, () =>
    share((i) => cache.modify(keyOf(i), ({ object }) => ({ ...object, data: { ...object.data, changed: `${i}` } }))),
  );
  await measure('list of all, joined', 20, async () => {
    for (let i = 0; i < 20; i++) Buffer.concat((await cache.list({})).items.map((item) => item.json));
  });
  await measure('list by label', 20, async () => {
    for (let i = 0; i < 20; i++) {
      await cache.list({ matches: ({ metadata }) => metadata?.labels?.['shard'] === `${i % 50}` });
    }
  });
  const delivered = await watched(cache, () =>
    measure(`delete, ${writers} writers, ${watchers} watchers`, objects, () => share((i) => cache.delete(keyOf(i)))),
  );
  if (delivered !== objects * watchers) throw new Error(`delivered ${delivered} events of ${objects * watchers}`);
}

/** Runs `work` with many watches open; resolves with the number of their events. */
async function watched(cache: KindCache<ConfigMap>, work: () => Promise<void>): Promise<number> {
  const stop = new AbortController();
  const { revision } = await cache.list({ limit: 1 });
  let delivered = 0;
  for (let i = 0; i < watchers; i++) {
    cache.watch(
      { afterRevision: revision, signal: stop.signal },
      (events) => {
        for (const event of events) delivered += event.wire().length > 0 ? 1 : 0;
      },
      () => {},
    );
  }
  await work();
  stop.abort();
  return delivered;
}

async function bench(spec: StoreSpec): Promise<void> {
  process.stdout.write(`${spec.kind}, ${objects} ConfigMaps of about 850 bytes\n`);
  const store = await openStore(spec);
  const cache = await openCache(store, [configMaps]);
  await verbs(cache.kind(configMaps));
  await cache.close();
  await store.close();
  process.stdout.write(`  memory ${Math.round(process.memoryUsage().rss / (1 << 20))} MB\n`);
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-bench-store-'));
  try {
    await bench({ kind: 'memory' });
    await bench({ kind: 'sqlite', path: join(directory, 'store.db') });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

void main();
