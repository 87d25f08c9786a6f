import t from 'tap';
import { MemoryClient } from '../../../test/lib/memory-client';
import { KindCatalog } from '../../api/catalog';
import { configMaps } from '../../api/config-map';
import { events } from '../../api/event';
import { allVerbs, defineKind, type Verb } from '../../api/kind';
import { selfSubjectReviews } from '../../api/virtual';
import { silentLogger as log } from '../../base/logger';
import { followDeletable } from './deletable';
import { InformerSet } from './informers';

const widgetsWith = (verbs: readonly Verb[]) =>
  defineKind({
    group: 'example.com',
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    namespaced: true,
    verbs,
    schema: { definition: { type: 'object' } },
  });
const widgets = widgetsWith(allVerbs);

t.test('kinds with list, watch and delete are followed, Events are not', async (t) => {
  const client = new MemoryClient();
  const informers = new InformerSet({ client, log });
  const catalog = new KindCatalog([configMaps, events, selfSubjectReviews]);
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  const seen: string[] = [];
  const handlers = {
    added: (kind: { plural: string }) => seen.push(`+${kind.plural}`),
    removed: (kind: { plural: string }) => seen.push(`-${kind.plural}`),
  };
  followDeletable(catalog, informers, handlers, abort.signal);
  catalog.add(widgets);
  catalog.remove(widgets);
  const undeletable = widgetsWith(['get', 'list', 'watch']);
  catalog.add(undeletable);
  catalog.remove(undeletable);
  t.same(seen, ['+configmaps', '+widgets', '-widgets']);
  abort.abort(new Error('done'));
  catalog.add(widgets);
  t.equal(seen.length, 3, 'the signal ends the wait');
  followDeletable(catalog, informers, handlers, abort.signal);
  t.equal(seen.length, 3, 'an aborted signal ends the wait at once');
  await running;
});

t.test('objects served at two versions are followed once', async (t) => {
  const old = defineKind({
    ...widgets.options,
    version: 'v1beta1',
    storage: { kind: widgets, toStored: (object) => object, fromStored: (object) => object },
  });
  const catalog = new KindCatalog([old]);
  const abort = new AbortController();
  const seen: string[] = [];
  const handlers = {
    added: (kind: { version: string }) => seen.push(`+${kind.version}`),
    removed: (kind: { version: string }) => seen.push(`-${kind.version}`),
    alsoNamed: (kind: { version: string }) => seen.push(`also ${kind.version}`),
  };
  followDeletable(catalog, new InformerSet({ client: new MemoryClient(), log }), handlers, abort.signal);
  catalog.add(widgets);
  catalog.remove(old);
  catalog.add(old);
  t.same(seen, ['+v1beta1', '-v1beta1', '+v1', 'also v1beta1'], 'at the stored version, while it is served');
  abort.abort();
});

t.test('the informer of a removed kind stops, and a kind that is added again gets a new one', async (t) => {
  const client = new MemoryClient();
  const informers = new InformerSet({ client, log });
  const catalog = new KindCatalog([widgets]);
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('done'));
    await running;
  });
  followDeletable(catalog, informers, { added: (kind) => informers.of(kind), removed: () => {} }, abort.signal);
  const widget = (name: string) => ({ metadata: { name, namespace: 'a' } });
  const first = informers.of(widgets);
  await client.create(widgets, widget('x'));
  await first.synced(abort.signal);
  catalog.remove(widgets);
  await client.create(widgets, widget('y'));
  catalog.add(widgets);
  const second = informers.of(widgets);
  await second.synced(abort.signal);
  t.same([first.list().length, second.list().length], [1, 2]);
});
