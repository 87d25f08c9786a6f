import t, { type Test } from 'tap';
import type { CustomResourceDefinition } from '../../api/crd/types';
import { customResourceDefinitions } from '../../api/custom-resource-definition';
import { openStore } from '../../store/open';
import { openCache } from '../cache/open';
import type { Write } from '../write/rule';
import { type Bounds, DefinitionBounds } from './definition-bounds';

const definition = (name: string, text = ''): CustomResourceDefinition => ({
  metadata: { name },
  spec: {
    group: 'example.com',
    scope: 'Cluster',
    names: { plural: name, kind: 'Thing' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', description: text } } },
    ],
  },
});

const write = (operation: Write['operation'], object: CustomResourceDefinition): Write => ({
  operation,
  kind: customResourceDefinitions,
  namespace: '',
  name: object.metadata!.name!,
  subresource: '',
  object,
  user: { name: 'u', groups: [] },
  dryRun: false,
  warnings: [],
});

async function start(t: Test, bounds: Bounds, stored: readonly CustomResourceDefinition[]) {
  const store = await openStore({ kind: 'memory' });
  const cache = await openCache(store, [customResourceDefinitions], {});
  t.teardown(async () => {
    await cache.close();
    await store.close();
  });
  for (const one of stored) await cache.kind(customResourceDefinitions).create(one);
  return new DefinitionBounds(cache, bounds);
}

t.test('the number of definitions', async (t) => {
  const rule = await start(t, { count: 2, bytes: 1e9 }, [definition('a'), definition('b')]);
  await t.rejects(rule.validate(write('create', definition('c'))), {
    code: 'Forbidden',
    message:
      'customresourcedefinitions.apiextensions.k8s.io "c" is forbidden: the server keeps at most 2 CustomResourceDefinitions, and has 2: ' +
      'each one takes memory of the API server; delete definitions that are not used, or shorten their schemas',
  });
  await t.resolves(rule.validate(write('update', definition('a', 'longer'))), 'those that exist may change');
  const free = await start(t, { count: 3, bytes: 1e9 }, [definition('a'), definition('b')]);
  await t.resolves(free.validate(write('create', definition('c'))));
});

t.test('the size of all definitions', async (t) => {
  const stored = [definition('a', 'x'.repeat(1_000)), definition('b', 'x'.repeat(5_000))];
  const bounds = { count: 10, bytes: 8_000 };
  const cases = [
    { what: 'a small one fits', ...write('create', definition('c')), refused: false },
    { what: 'a large one does not', ...write('create', definition('c', 'ü'.repeat(1_000))), refused: true },
    { what: 'an update that fits', ...write('update', definition('a', 'x'.repeat(1_500))), refused: false },
    { what: 'one that does not', ...write('update', definition('a', 'x'.repeat(3_000))), refused: true },
  ];
  const rule = await start(t, bounds, stored);
  for (const { what, refused, ...one } of cases) {
    if (!refused) await t.resolves(rule.validate(one), what);
    else {
      const message =
        /"[ac]" is forbidden: all CustomResourceDefinitions together may have at most 8000 bytes as JSON, and would have \d+: /;
      await t.rejects(rule.validate(one), { code: 'Forbidden', message }, what);
    }
  }
  const full = await start(t, { count: 10, bytes: 3_000 }, stored);
  await t.resolves(
    full.validate(write('update', definition('b', 'x'.repeat(4_900)))),
    'a full server takes smaller ones',
  );
  await t.rejects(full.validate(write('update', definition('b', 'x'.repeat(5_500)))), { code: 'Forbidden' });
});

t.test('no other write is concerned', async (t) => {
  const rule = await start(t, { count: 0, bytes: 0 }, []);
  const create = write('create', definition('a'));
  t.ok(rule.concerns(create));
  t.ok(rule.concerns({ ...create, operation: 'update' }));
  t.notOk(rule.concerns({ ...create, operation: 'delete' }));
  t.notOk(rule.concerns({ ...create, operation: 'update', subresource: 'status' }));
});
