import t from 'tap';
import { KindCatalog, storedKinds } from './catalog';
import { configMaps } from './config-map';
import { deployments } from './deployment';
import { defineKind } from './kind';
import { bindings } from './virtual';

const crontabs = defineKind({
  group: 'example.com',
  version: 'v1',
  kind: 'CronTab',
  plural: 'crontabs',
  namespaced: true,
  schema: { definition: { type: 'object' } },
});

t.test('kinds are found by path and by name', async (t) => {
  const catalog = new KindCatalog([configMaps, deployments, bindings]);
  t.same(catalog.kinds(), [configMaps, deployments, bindings]);
  t.same(storedKinds(catalog), [configMaps, deployments]);
  t.equal(catalog.byPath('', 'v1', 'configmaps'), configMaps);
  t.equal(catalog.byPath('apps', 'v1', 'configmaps'), undefined);
  t.equal(catalog.byKind('apps/v1', 'Deployment'), deployments);
  t.equal(catalog.byKind('v1', 'Deployment'), undefined);
  t.ok(catalog.serves('apps', 'v1'));
  t.notOk(catalog.serves('apps', 'v2'));
});

t.test('a change of the catalog is reported with a new revision', async (t) => {
  const catalog = new KindCatalog([configMaps]);
  const seen: number[] = [];
  const stop = catalog.onChange(() => seen.push(catalog.kinds().length));
  const { revision } = catalog;
  catalog.add(crontabs);
  t.equal(catalog.byPath('example.com', 'v1', 'crontabs'), crontabs);
  t.ok(catalog.serves('example.com', 'v1'));
  t.ok(catalog.revision > revision);
  t.throws(
    () => catalog.add({ ...crontabs, plural: 'others' }),
    { code: 'AlreadyExists' },
    'a second kind with the same name is refused',
  );
  t.throws(
    () => catalog.add({ ...crontabs, kind: 'Other' }),
    { code: 'AlreadyExists' },
    'a second kind at the same path is refused',
  );
  catalog.remove(crontabs);
  t.equal(catalog.byKind('example.com/v1', 'CronTab'), undefined);
  t.notOk(catalog.serves('example.com', 'v1'));
  catalog.remove(crontabs);
  t.same(seen, [2, 1], 'a change without effect is not reported');
  stop();
  catalog.add(crontabs);
  t.same(seen, [2, 1]);
});
