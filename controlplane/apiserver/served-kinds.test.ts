import t, { type Test } from 'tap';
import { KindCatalog } from '../api/catalog';
import { configMaps } from '../api/config-map';
import { defineKind, type Kind } from '../api/kind';
import { selfSubjectReviews } from '../api/virtual';
import { openStore } from '../store/open';
import type { Store } from '../store/store';
import { openCache } from './cache/open';
import { ServedKinds } from './served-kinds';

const kindOf = (kind: string, plural: string): Kind =>
  defineKind({
    group: 'example.com',
    version: 'v1',
    kind,
    plural,
    namespaced: true,
    schema: { definition: { type: 'object' } },
  });
const widgets = kindOf('Widget', 'widgets');
const gadgets = kindOf('Gadget', 'gadgets');
const widget = (name: string) => ({ metadata: { name, namespace: 'a' } });

async function open(t: Test, wrap: (store: Store) => Store = (store) => store) {
  const store = await openStore({ kind: 'memory' });
  const catalog = new KindCatalog([configMaps]);
  const cache = await openCache(wrap(store), [configMaps]);
  t.teardown(async () => {
    await cache.close();
    await store.close();
  });
  /** Whether the cache has every kind of the catalog; recorded at every change. */
  const complete: boolean[] = [];
  const look = (): boolean =>
    catalog.kinds().every((kind) => kind === selfSubjectReviews || cache.kind(kind) !== undefined);
  catalog.onChange(() => complete.push(look()));
  return { catalog, cache, kinds: new ServedKinds(catalog, cache), complete };
}

t.test('every kind of the catalog has its objects in the cache', async (t) => {
  const { catalog, cache, kinds, complete } = await open(t);
  await Promise.all([kinds.add(widgets), kinds.add(widgets), kinds.add(gadgets), kinds.remove(widgets)]);
  t.same(catalog.kinds(), [configMaps, gadgets], 'changes run one after another, and a kind is added once');
  t.throws(() => cache.kind(widgets), { code: 'NotFound' });
  await kinds.remove(widgets);
  await kinds.add(selfSubjectReviews);
  await kinds.remove(selfSubjectReviews);
  t.same(complete, [true, true, true, true, true]);
});

t.test('a kind whose path or name is in use is refused, and the first kind stays', async (t) => {
  const { catalog, cache, kinds } = await open(t);
  await kinds.add(widgets);
  await t.rejects(kinds.add(kindOf('Other', 'widgets')), { code: 'AlreadyExists' });
  await t.rejects(kinds.add(kindOf('Widget', 'others')), { code: 'AlreadyExists' });
  await kinds.remove(kindOf('Widget', 'widgets'));
  t.equal(catalog.byKind('example.com/v1', 'Widget'), widgets, 'only the registered kind itself is removed');
  await cache.kind(widgets).create(widget('a'));
  await kinds.add(gadgets);
});

t.test(
  'writes that are running get NotFound, and the object that one stored is there when the kind is added again',
  async (t) => {
    const started = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const { cache, kinds } = await open(t, (store) => ({
      ...store,
      async create(...args) {
        started.resolve();
        await goOn.promise;
        return store.create(...args);
      },
    }));
    await kinds.add(widgets);
    const held = cache.kind(widgets);
    const writing = held.create(widget('a'));
    await started.promise;
    await kinds.remove(widgets);
    goOn.resolve();
    await t.rejects(writing, { code: 'NotFound', message: 'widgets are not served any more' });
    await t.rejects(held.create(widget('b')), { code: 'NotFound' });
    await t.rejects(held.delete('a/a'), { code: 'NotFound' });
    await kinds.add(widgets);
    t.same(
      (await cache.kind(widgets).list({})).items.map(({ key }) => key),
      ['a/a'],
    );
  },
);
