// Which parts of a list name a kind and apiVersion of their own, in each form of a list.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { defineKind } from '../../api/kind';

const cms = '/api/v1/namespaces/default/configmaps';
const meta = 'g=meta.k8s.io;v=v1';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  for (const name of ['a', 'b']) await server.call('POST', cms, { body: { metadata: { name }, data: { k: 'v' } } });
});
t.teardown(() => server.close());

type Typed = { readonly kind?: string; readonly apiVersion?: string; readonly metadata: { readonly name: string } };
const typeOf = ({ kind, apiVersion }: Typed) => [kind, apiVersion];

t.test('items of built-in kinds have no type, as in upstream; all other objects do', async (t) => {
  const list = (accept: string, query = '') => server.call('GET', cms + query, { headers: { accept } });
  const untyped = [undefined, undefined];
  for (const query of ['', '?labelSelector=%21x', '?limit=5', '?resourceVersion=0']) {
    const { json } = await list('application/json', query);
    t.same(typeOf(json), ['ConfigMapList', 'v1'], `${query}: the list`);
    t.same(json.items.map(typeOf), [untyped, untyped], `${query}: its items`);
    t.match(json.items, [
      { metadata: { name: 'a' }, data: { k: 'v' } },
      { metadata: { name: 'b' }, data: { k: 'v' } },
    ]);
  }
  const yaml = await list('application/yaml');
  t.match(yaml.text, /\n +- data:\n +k: v\n +metadata:/);
  const { rows } = (await list(`application/json;as=Table;${meta}`)).json;
  t.same(typeOf(rows[0].object), ['PartialObjectMetadata', 'meta.k8s.io/v1']);
  const whole = (await list(`application/json;as=Table;${meta}`, '?includeObject=Object')).json.rows;
  t.same(typeOf(whole[0].object), ['ConfigMap', 'v1']);
  const { items } = (await list(`application/json;as=PartialObjectMetadataList;${meta}`)).json;
  t.same(typeOf(items[0]), ['PartialObjectMetadata', 'meta.k8s.io/v1']);
  t.same(typeOf((await server.call('GET', `${cms}/a`)).json), ['ConfigMap', 'v1']);
  const watch = await server.watch(`${cms}?watch=1`);
  t.same(typeOf((await watch.next()).object), ['ConfigMap', 'v1'], 'events of a watch');
  watch.close();
  const deleted = await server.call('DELETE', cms);
  t.same(deleted.json.items.map(typeOf), [untyped, untyped], 'deleted objects');
});

t.test('an empty list has its items', async (t) => {
  const { json } = await server.call('GET', cms);
  t.same(json.items, []);
});

t.test('items of custom kinds keep their type', async (t) => {
  const widgets = defineKind({
    group: 'stable.example.com',
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    namespaced: true,
    schema: { definition: { type: 'object', properties: { spec: { type: 'object' } } } },
  });
  await server.kinds.add(widgets);
  const path = '/apis/stable.example.com/v1/namespaces/default/widgets';
  const body = { apiVersion: 'stable.example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
  t.equal((await server.call('POST', path, { body })).status, 201);
  const { json } = await server.call('GET', path);
  t.same(json.items.map(typeOf), [['Widget', 'stable.example.com/v1']]);
});
