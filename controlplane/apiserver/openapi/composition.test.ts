// How documents are composed: shared, in pieces, and from the kinds of one moment. The numbers are those of openapi.ts.
import t from 'tap';
import { KindCatalog } from '../../api/catalog';
import { defineKind } from '../../api/kind';
import { leases } from '../../api/lease';
import { pods } from '../../api/pod';
import { loadSchemas } from '../../api/schema/load';
import { EventLoop, shareMs } from '../../base/event-loop';
import { OpenApiDocuments } from './openapi';

const schemas = loadSchemas();
const names = { group: 'stable.example.com', version: 'v1', kind: 'CronTab', plural: 'crontabs', namespaced: true };
const customKind = (field: string) =>
  defineKind({
    ...names,
    schema: { definition: { type: 'object', properties: { [field]: { type: 'string', description: 'Ünïcode.' } } } },
  });
const crontabs = customKind('cronSpec');
const customPath = 'apis/stable.example.com/v1';
const builtIn = [pods, leases];

/** Documents on an event loop where each piece takes a whole share; `atTurn` is called with the number of each turn. */
function start(catalog: KindCatalog, atTurn: (turn: number) => void = () => {}) {
  let now = 0;
  let turns = 0;
  const afterTurn = (fn: () => void) =>
    void setImmediate(() => {
      atTurn(++turns);
      fn();
    });
  const loop = new EventLoop({ now: () => (now += shareMs), afterTurn });
  const documents = new OpenApiDocuments(catalog, schemas, 'v1.36.0', loop);
  return { documents, turns: () => turns };
}

type Read = (documents: OpenApiDocuments) => Promise<{ readonly body: Buffer; readonly etag: string }>;
const reads: Readonly<Record<string, Read>> = {
  'v2 JSON': (documents) => documents.v2Json(),
  'v2 protobuf': (documents) => documents.v2Protobuf(),
  'v3 index': (documents) => documents.v3Index(),
};

for (const [name, read] of Object.entries(reads)) {
  t.test(`1. ${name} shows the kinds of one moment`, async (t) => {
    const before = await read(start(new KindCatalog(builtIn)).documents);
    const whole = start(new KindCatalog([...builtIn, crontabs]));
    const after = await read(whole.documents);
    t.not(before.etag, after.etag);
    t.ok(whole.turns() > 100, 'the composition gives way between pieces');
    for (const turn of [1, 2, 50, whole.turns() >> 1]) {
      const catalog = new KindCatalog(builtIn);
      const { documents } = start(catalog, (at) => {
        if (at === turn) catalog.add(crontabs);
      });
      const composed = await read(documents);
      t.equal(catalog.kinds().length, 3, 'the change was made during the composition');
      t.ok(composed.body.equals(before.body), `a change in turn ${turn} has no effect on it`);
      t.equal((await read(documents)).etag, after.etag, 'a later request sees the change');
      catalog.remove(crontabs);
      t.equal((await read(documents)).etag, before.etag);
    }
  });
}

t.test('1. a request after a change does not wait for an older composition to see it', async (t) => {
  const catalog = new KindCatalog(builtIn);
  const { documents } = start(catalog);
  const older = documents.v2Json();
  catalog.add(crontabs);
  const [before, after] = await Promise.all([older, documents.v2Json()]);
  t.notMatch(before.body.toString(), 'crontabs');
  t.match(after.body.toString(), 'crontabs');
  t.equal(await documents.v2Json(), after, 'the older one does not replace it');
});

t.test('2. requests for the same document wait for one composition', async (t) => {
  const { documents } = start(new KindCatalog(builtIn));
  for (const read of [
    () => documents.v2Json(),
    () => documents.v2Protobuf(),
    async () => (await documents.v3('api/v1'))!,
  ]) {
    const [first, second] = await Promise.all([read(), read()]);
    t.ok(first.body.length > 0);
    t.equal(first, second);
    t.equal(await read(), first, 'and a later one gets the same');
  }
});

t.test('2. a composition that failed is tried again', async (t) => {
  const broken = loadSchemas();
  const { docs } = broken;
  const documents = new OpenApiDocuments(new KindCatalog(builtIn), broken, 'v1.36.0');
  broken.docs = () => {
    throw new RangeError('no texts');
  };
  await t.rejects(documents.v2Json(), { message: 'no texts' });
  broken.docs = docs;
  t.match((await documents.v2Json()).body.toString(), 'io.k8s.api.core.v1.Pod');
});

t.test('3. documents whose kinds stay the same are not composed again', async (t) => {
  const catalog = new KindCatalog([...builtIn, crontabs]);
  const { documents, turns } = start(catalog);
  const read = async () => ({
    core: await documents.v3('api/v1'),
    leases: await documents.v3('apis/coordination.k8s.io/v1'),
    custom: await documents.v3(customPath),
  });
  const before = await read();
  catalog.replace([crontabs], [customKind('image')]);
  const changed = await read();
  t.equal(changed.core, before.core);
  t.equal(changed.leases, before.leases);
  t.not(changed.custom?.hash, before.custom?.hash);
  t.match(changed.custom?.body.toString(), 'image');
  await documents.v3Index();
  const started = turns();
  catalog.add(
    defineKind({
      ...names,
      kind: 'Other',
      plural: 'others',
      group: 'other.example.com',
      schema: crontabs.options.schema,
    }),
  );
  const index = JSON.parse((await documents.v3Index()).body.toString());
  t.equal(index.paths['api/v1'].serverRelativeURL, `/openapi/v3/api/v1?hash=${before.core?.hash}`);
  t.ok(Object.hasOwn(index.paths, 'apis/other.example.com/v1'));
  const composed = turns() - started;
  const core = start(new KindCatalog([pods]));
  await core.documents.v3Index();
  t.ok(composed < core.turns() / 2, 'the list composes the new group alone');
});

t.test('3. built-in pieces of version 2 are rendered once', async (t) => {
  const counted = loadSchemas();
  const { docs } = counted;
  let described = 0;
  counted.docs = () => {
    const texts = docs.call(counted);
    return new Proxy(texts, {
      get: (all, name) => {
        if (name === 'io.k8s.api.core.v1.PodSpec') described++;
        return Reflect.get(all, name);
      },
    });
  };
  const catalog = new KindCatalog(builtIn);
  const documents = new OpenApiDocuments(catalog, counted, 'v1.36.0');
  await documents.v2Json();
  const once = described;
  t.ok(once > 0);
  catalog.add(crontabs);
  const { body } = await documents.v2Json();
  t.equal(described, once);
  const { definitions } = JSON.parse(body.toString());
  t.match(definitions['com.example.stable.v1.CronTab'].properties['cronSpec'], { description: 'Ünïcode.' });
});

t.test('a custom kind with the name of a built-in definition does not replace it', async (t) => {
  const schema = { definition: { type: 'object', properties: { evil: { type: 'string' } } } } as const;
  const impostor = defineKind({
    group: 'core.api.k8s.io',
    version: 'v1',
    kind: 'PodSpec',
    plural: 'podspecs',
    namespaced: true,
    schema,
  });
  const { documents } = start(new KindCatalog([...builtIn, impostor]));
  const { definitions } = JSON.parse((await documents.v2Json()).body.toString());
  const name = 'io.k8s.api.core.v1.PodSpec';
  t.ok(Object.hasOwn(definitions[name].properties, 'containers'));
  t.notOk(Object.hasOwn(definitions[name], 'x-kubernetes-group-version-kind'));
});
