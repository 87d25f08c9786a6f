// One backend with one number of objects, in a process of its own so that its memory is known. Prints a StoreFigures as JSON.
// usage: KIND COUNT PLACE (a folder, or HOST:PORT of etcd)
import { join } from 'node:path';
import { type ConfigMap, configMaps } from '../../controlplane/api/config-map';
import type { KindCache } from '../../controlplane/apiserver/cache/cache';
import { openCache } from '../../controlplane/apiserver/cache/open';
import { isAlreadyExists, isUnavailable } from '../../controlplane/base/errors';
import { openStore, type StoreSpec } from '../../controlplane/store/open';
import type { Store } from '../../controlplane/store/store';

/** Of one operation, in microseconds. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

export interface StoreFigures {
  /** By name of the operation. */
  readonly costs: Readonly<Record<string, Cost>>;
  readonly openMs: number;
  readonly rssMiB: number;
}

const writers = 16;
const watchers = 100;
const namespaces = 10;
/** As many as a namespace has among 1,000 objects. */
const pageSize = 100;
/** Operations of each kind that are measured: enough for the engine to have compiled. */
const measured = 2_000;

const keyOf = (i: number) => `ns-${i % namespaces}/config-${i}`;
const configMap = (i: number): ConfigMap => ({
  metadata: {
    name: `config-${i}`,
    namespace: `ns-${i % namespaces}`,
    labels: { app: 'bench', shard: `${i % 50}` },
    uid: '7b0e0c5e-0000-4000-8000-000000000000',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  data: { 'config.yaml': 'x'.repeat(600), index: String(i) },
});

/** Numbers that reach all objects evenly, the same in every run. */
const spread = (i: number, count: number) => (i * 7_919) % count;

/** `writers` loops share the numbers from `from` to `to`. */
async function share(from: number, to: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = from;
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (next < to) await work(next++);
    }),
  );
}

async function cost(times: number, work: () => Promise<unknown>): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work();
  const wall = ((performance.now() - before) * 1_000) / times;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpu: (user + system) / times, wall };
}

async function each(times: number, work: (i: number) => unknown): Promise<void> {
  for (let i = 0; i < times; i++) await work(i);
}

/** Costs among `count` objects, which are there. */
async function measure(cache: KindCache<ConfigMap>, store: Store, count: number): Promise<Record<string, Cost>> {
  const costs: Record<string, Cost> = {};
  const at = (i: number) => keyOf(spread(i, count));
  const { prefix } = configMaps;
  costs['create'] = await cost(measured, () => share(count, count + measured, (i) => cache.create(configMap(i))));
  costs['update'] = await cost(measured, () =>
    share(0, measured, (i) =>
      cache.modify(at(i), ({ object }) => ({ ...object, data: { ...object.data, changed: `${i}` } })),
    ),
  );
  costs['get'] = await cost(measured * 50, () => each(measured * 50, (i) => cache.get(at(i))!.json));
  costs['get from the store'] = await cost(measured, () => each(measured, (i) => store.get(prefix + at(i))));
  costs[`list of ${pageSize}`] = await cost(200, () =>
    each(200, async (i) => {
      const { items } = await cache.list({ limit: pageSize, namespace: `ns-${i % namespaces}` });
      return Buffer.concat(items.map(({ json }) => json));
    }),
  );
  costs[`range of ${pageSize} in the store`] = await cost(100, () =>
    each(100, (i) => store.range(prefix, { limit: pageSize, after: prefix + at(i) })),
  );
  costs['list of all, for each object'] = await cost(5 * count, () =>
    each(5, async () => Buffer.concat((await cache.list({})).items.map(({ json }) => json))),
  );
  costs['watch: start'] = await cost(measured, () => startWatches(cache, measured));
  costs[`delete, to ${watchers} watchers`] = await cost(measured, () => watched(cache, count));
  return costs;
}

async function startWatches(cache: KindCache<ConfigMap>, times: number): Promise<void> {
  const { revision } = await cache.list({ limit: 1 });
  for (let i = 0; i < times; i++) {
    const stop = new AbortController();
    cache.watch(
      { afterRevision: revision, signal: stop.signal },
      () => {},
      () => {},
    );
    stop.abort();
  }
}

async function watched(cache: KindCache<ConfigMap>, count: number): Promise<void> {
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
  await share(count, count + measured, (i) => cache.delete(keyOf(i)));
  stop.abort();
  if (delivered !== measured * watchers) throw new Error(`delivered ${delivered} events of ${measured * watchers}`);
}

/** The filling takes minutes: a store that does not answer for a while does not end it. */
async function persist(cache: KindCache<ConfigMap>, object: ConfigMap): Promise<void> {
  for (;;) {
    try {
      await cache.create(object);
      return;
    } catch (error) {
      if (isAlreadyExists(error)) return;
      if (!isUnavailable(error)) throw error;
    }
  }
}

function specOf(kind: string, place: string): StoreSpec {
  if (kind === 'memory') return { kind };
  if (kind === 'sqlite') return { kind, path: join(place, 'state.db') };
  const [host = '', port] = place.split(':');
  return { kind: 'etcd', endpoints: [{ host, port: Number(port) }] };
}

async function main([kind = '', objects = '', place = '']: readonly string[]): Promise<void> {
  const count = Number(objects);
  const spec = specOf(kind, place);
  let store = await openStore(spec);
  let cache = await openCache(store, [configMaps]);
  await share(0, count, (i) => persist(cache.kind(configMaps), configMap(i)));
  let openMs = 0;
  if (kind !== 'memory') {
    // As a server that starts with these objects: the memory of filling is not counted.
    await cache.close();
    await store.close();
    const before = performance.now();
    store = await openStore(spec);
    cache = await openCache(store, [configMaps]);
    openMs = performance.now() - before;
  }
  const costs = await measure(cache.kind(configMaps), store, count);
  const rssMiB = process.memoryUsage().rss / (1 << 20);
  await cache.close();
  await store.close();
  process.stdout.write(JSON.stringify({ costs, openMs, rssMiB } satisfies StoreFigures));
}

void main(process.argv.slice(2));
