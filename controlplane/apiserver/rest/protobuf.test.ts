// Answers in protobuf over HTTPS: each has the content of the JSON answer.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { readEnvelope, readEvent, readList } from '../../../test/lib/protobuf';
import { defineKind } from '../../api/kind';
import { loadSchemas } from '../../api/schema/load';
import { encodeMessage } from '../protobuf/encode';
import { protobufType, sealEnvelope } from '../protobuf/envelope';

const schemas = loadSchemas();
const accept = protobufType;
const both = `${protobufType},application/json`;
const partial = `${protobufType};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`;
const cms = '/api/v1/namespaces/default/configmaps';
const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const review = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', cms, { body: { metadata: { name: 'a', labels: { x: 'y' } }, data: { k: 'v' } } });
});
t.teardown(() => server.close());

const get = (path: string, as = accept) => server.call('GET', path, { headers: { accept: as } });
/** A Status has empty metadata. */
const withoutMetadata = ({ metadata: _, ...rest }: Record<string, unknown>) => rest;
const item = ({ apiVersion: _, kind: _kind, ...rest }: Record<string, unknown>) => rest;

t.test('objects, lists and metadata', async (t) => {
  const json = (await server.call('GET', `${cms}/a`)).json;
  for (const header of [accept, both]) {
    const answer = await get(`${cms}/a`, header);
    t.equal(answer.headers['content-type'], protobufType);
    t.same(readEnvelope(schemas, answer.bytes), json);
  }
  const list = (await server.call('GET', `${cms}?limit=1`)).json;
  const read = readList(schemas, (await get(`${cms}?limit=1`)).bytes, 'V1ConfigMap');
  t.same(read, { ...list, items: list.items.map(item) });
  t.equal(read.metadata['remainingItemCount'], undefined);
  // Twice: the second answer is the shared one, and JSON keeps its own.
  for (let i = 0; i < 2; i++) {
    const whole = readList(schemas, (await get(cms)).bytes, 'V1ConfigMap');
    t.same(whole.items, (await server.call('GET', cms)).json.items.map(item));
  }
  const one = await get(`${cms}/a`, partial);
  t.same(readEnvelope(schemas, one.bytes), {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    metadata: json.metadata,
  });
  for (const version of ['v1', 'v1beta1']) {
    const header = `${protobufType};as=PartialObjectMetadataList;g=meta.k8s.io;v=${version}`;
    const metadata = readList(schemas, (await get(cms, header)).bytes, 'V1ConfigMap', version === 'v1beta1' ? 1 : 2);
    t.match(metadata, { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}` });
    t.same(metadata.items.at(-1), { metadata: json.metadata }, version);
    t.ok(metadata.metadata['resourceVersion'], version);
  }
});

t.test('writes', async (t) => {
  const seal = (kind: string, object: object) =>
    sealEnvelope(
      { apiVersion: 'v1', kind },
      encodeMessage(object as Record<string, unknown>, schemas.ofModel(`V1${kind}`)),
    );
  const write = async (method: string, path: string, body: unknown, type = protobufType) => {
    const answer = await server.call(method, path, { body, type, headers: { accept } });
    return { status: answer.status, object: readEnvelope(schemas, answer.bytes) };
  };
  const created = await write('POST', cms, seal('ConfigMap', { metadata: { name: 'w' }, data: { k: '1' } }));
  t.match(created, { status: 201, object: { kind: 'ConfigMap', metadata: { name: 'w' }, data: { k: '1' } } });
  const replaced = await write('PUT', `${cms}/w`, seal('ConfigMap', { metadata: { name: 'w' }, data: { k: '2' } }));
  t.match(replaced, { status: 200, object: { data: { k: '2' } } });
  const patched = await write('PATCH', `${cms}/w`, { data: { n: '3' } }, 'application/merge-patch+json');
  t.match(patched, { status: 200, object: { data: { k: '2', n: '3' } } });
  const wrongUid = seal('DeleteOptions', { preconditions: { uid: 'other' } });
  t.match(await write('DELETE', `${cms}/w`, wrongUid), { status: 409, object: { kind: 'Status', reason: 'Conflict' } });
  const gone = await write('DELETE', `${cms}/w`, seal('DeleteOptions', { gracePeriodSeconds: 0 }));
  t.match(gone, {
    status: 200,
    object: { kind: 'Status', status: 'Success', details: { name: 'w', kind: 'configmaps' } },
  });
});

/** Empty texts and false mean absent in a message. */
const withoutZeros = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, field: unknown) => (field === '' || field === false ? undefined : field));

t.test('failures, reviews, scale, discovery', async (t) => {
  const missing = await get(`${cms}/missing`);
  t.equal(missing.status, 404);
  t.same(
    withoutMetadata(readEnvelope(schemas, missing.bytes)),
    withoutMetadata((await server.call('GET', `${cms}/missing`)).json),
  );
  const reviewed = await server.call('POST', reviews, { body: review, headers: { accept } });
  t.match(readEnvelope(schemas, reviewed.bytes), { kind: 'SelfSubjectAccessReview', status: { allowed: true } });
  const token = { spec: { token: 'x' } };
  const unknown = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    body: token,
    headers: { accept },
  });
  t.match(readEnvelope(schemas, unknown.bytes), {
    kind: 'TokenReview',
    spec: { token: 'x' },
    status: { error: String },
  });
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas: 2, selector: { matchLabels: { a: 'b' } }, template };
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  await server.call('POST', deployments, { body: { metadata: { name: 'd' }, spec } });
  const scale = await get(`${deployments}/d/scale`);
  t.match(readEnvelope(schemas, scale.bytes), { kind: 'Scale', spec: { replicas: 2 }, status: { selector: 'a=b' } });
  for (const path of ['/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1']) {
    const { apiVersion = '', ...json } = (await server.call('GET', path)).json;
    t.same(withoutZeros(readEnvelope(schemas, (await get(path)).bytes)), withoutZeros({ apiVersion, ...json }), path);
  }
});

t.test('a watch', async (t) => {
  const { metadata } = (await server.call('GET', cms)).json;
  const query = `watch=1&resourceVersion=${metadata.resourceVersion}`;
  const watches = await Promise.all([
    server.watch(`${cms}?${query}`, { accept: `${protobufType};stream=watch` }),
    server.watch(`${cms}?${query}`, { accept: both }),
    server.watch(`${cms}?${query}&labelSelector=watched=yes`, { accept }),
    server.watch(`${cms}?${query}`, { accept: partial }),
    server.watch(`${cms}?${query}`),
  ]);
  await server.call('POST', cms, { body: { metadata: { name: 'b', labels: { watched: 'yes' } }, data: { k: 'v' } } });
  await server.call('PATCH', `${cms}/b`, { body: { data: { k: 'w' } }, type: 'application/merge-patch+json' });
  await server.call('DELETE', `${cms}/b`);
  for (const type of ['ADDED', 'MODIFIED', 'DELETED']) {
    const [first, second, selected, metadataOnly, json] = await Promise.all(watches.map((watch) => watch.next()));
    t.equal(json.type, type);
    for (const frame of [first, second, selected]) {
      const event = readEvent(frame);
      t.same({ type: event.type, object: readEnvelope(schemas, event.object) }, json);
    }
    const event = readEvent(metadataOnly);
    t.match(readEnvelope(schemas, event.object), { kind: 'PartialObjectMetadata', metadata: json.object.metadata });
  }
  for (const watch of watches) watch.close();
});

t.test('initial events, bookmarks and errors of a watch', async (t) => {
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  for (const as of [accept, partial]) {
    const watch = await server.watch(`${cms}?${query}&fieldSelector=metadata.name=a`, { accept: as });
    const kind = as === partial ? 'PartialObjectMetadata' : 'ConfigMap';
    const added = readEvent(await watch.next());
    t.equal(added.type, 'ADDED');
    t.match(readEnvelope(schemas, added.object), { kind, metadata: { name: 'a' } });
    const bookmark = readEvent(await watch.next());
    t.equal(bookmark.type, 'BOOKMARK');
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    t.match(readEnvelope(schemas, bookmark.object), { kind, metadata: { annotations, resourceVersion: /^\d+$/ } });
    watch.close();
  }
});

t.test('only metadata of custom kinds has a protobuf form', async (t) => {
  const kind = defineKind({
    group: 'stable.example.com',
    version: 'v1',
    kind: 'CronTab',
    plural: 'crontabs',
    namespaced: true,
    schema: { definition: { type: 'object' } },
  });
  await server.kinds.add(kind);
  t.teardown(() => server.kinds.remove(kind));
  const path = `/apis/${kind.group}/${kind.version}/namespaces/default/${kind.plural}`;
  const body = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: 'c' } };
  t.equal((await server.call('POST', path, { body })).status, 201);
  const refused = await get(`${path}/c`);
  t.equal(refused.status, 406);
  const message = `only the following media types are accepted: application/json, application/yaml, ${protobufType}`;
  t.match(readEnvelope(schemas, refused.bytes), { kind: 'Status', reason: 'NotAcceptable', message });
  t.equal((await get(`${path}/c`, both)).json.kind, kind.kind, 'the next encoding is used');
  t.match(readEnvelope(schemas, (await get(`${path}/c`, partial)).bytes), { metadata: { name: 'c' } });
  t.equal((await get(`${path}?watch=1`)).status, 406);
});
