// Verbs over real HTTPS: the codes, reasons and messages that clients match on.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';

const cms = '/api/v1/namespaces/default/configmaps';
const cm = (name: string, data: Record<string, string> = { a: '1' }, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});
const merge = 'application/merge-patch+json';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

t.test('create sets the fields that the server owns, and a second create conflicts', async (t) => {
  const created = await server.call('POST', cms, { body: cm('one') });
  t.equal(created.status, 201);
  t.match(created.json, { kind: 'ConfigMap', metadata: { namespace: 'default', uid: /^[0-9a-f-]{36}$/ } });
  t.match(created.json.metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  t.notOk('generation' in created.json.metadata);
  const again = await server.call('POST', cms, { body: cm('one') });
  t.equal(again.status, 409);
  t.match(again.json, {
    kind: 'Status',
    status: 'Failure',
    reason: 'AlreadyExists',
    message: 'configmaps "one" already exists',
    details: { name: 'one', kind: 'configmaps' },
  });
  t.same((await server.call('GET', `${cms}/one`)).json, created.json);
});

t.test('a missing object is answered with its resource and name', async (t) => {
  const gone = await server.call('GET', `${cms}/nothing`);
  t.match(gone.json, { code: 404, reason: 'NotFound', message: 'configmaps "nothing" not found' });
  const deployment = await server.call('DELETE', '/apis/apps/v1/namespaces/default/deployments/nothing');
  t.match(deployment.json, {
    code: 404,
    message: 'deployments.apps "nothing" not found',
    details: { group: 'apps', kind: 'deployments' },
  });
  const path = await server.call('GET', '/api/v1/unicorns');
  const unknown = { code: 404, message: 'the server could not find the requested resource', details: {} };
  t.match(path.json, unknown);
  const subresource = await server.call('PATCH', '/api/v1/namespaces/default/pods/x/unicorns', {
    type: merge,
    body: {},
  });
  t.match(subresource.json, unknown, 'kubectl debug needs the details');
  t.same(subresource.json.details, {}, 'kubectl debug reads the details');
  t.equal((await server.call('POST', `${cms}/one`, { body: cm('one') })).status, 405);
  const namespace = await server.call('POST', '/api/v1/namespaces/nowhere/configmaps', { body: cm('x') });
  t.match(namespace.json, { code: 404, message: 'namespaces "nowhere" not found' });
});

t.test('generateName gives different names', async (t) => {
  const names = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const { json } = await server.call('POST', cms, { body: { metadata: { generateName: 'gen-' } } });
    t.match(json.metadata.name, /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    names.add(json.metadata.name);
  }
  t.equal(names.size, 5);
});

t.test('an update that names a resourceVersion needs the current one', async (t) => {
  const { json } = await server.call('POST', cms, { body: cm('upd') });
  const first = await server.call('PUT', `${cms}/upd`, { body: { ...json, data: { a: '2' } } });
  t.equal(first.status, 200);
  const stale = await server.call('PUT', `${cms}/upd`, { body: { ...json, data: { a: '3' } } });
  t.equal(stale.status, 409);
  t.equal(
    stale.json.message,
    'Operation cannot be fulfilled on configmaps "upd": the object has been modified; please apply your changes to the latest version and try again',
  );
  const free = await server.call('PUT', `${cms}/upd`, { body: cm('upd', { a: '4' }) });
  t.match(free.json, { data: { a: '4' }, metadata: { uid: json.metadata.uid } });
  const same = await server.call('PUT', `${cms}/upd`, { body: cm('upd', { a: '4' }) });
  t.equal(
    same.json.metadata.resourceVersion,
    free.json.metadata.resourceVersion,
    'an update without a change gets no new revision',
  );
  const other = await server.call('PUT', `${cms}/upd`, { body: cm('other') });
  t.match(other.json, {
    code: 400,
    message: /the name of the object \(other\) does not match the name on the URL \(upd\)/,
  });
});

t.test('concurrent patches are all applied', async (t) => {
  await server.call('POST', cms, { body: cm('race', {}) });
  const names = Array.from({ length: 20 }, (_, i) => `k${i}`);
  const answers = await Promise.all(
    names.map((name) => server.call('PATCH', `${cms}/race`, { type: merge, body: { data: { [name]: 'x' } } })),
  );
  t.ok(answers.every(({ status }) => status === 200));
  t.same(Object.keys((await server.call('GET', `${cms}/race`)).json.data).sort(), names.sort());
  const unknown = await server.call('PATCH', `${cms}/race`, { type: 'text/plain', body: '{}' });
  t.match(unknown.json, { code: 415, reason: 'UnsupportedMediaType' });
});

t.test('field validation: Strict refuses, Warn warns, Ignore is silent; unknown fields are never stored', async (t) => {
  const body = { ...cm('strict'), dta: { x: 1 } };
  const strict = await server.call('POST', `${cms}?fieldValidation=Strict`, { body });
  t.match(strict.json, {
    code: 400,
    message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"',
  });
  const warned = await server.call('POST', `${cms}?fieldValidation=Warn`, { body });
  t.equal(warned.status, 201);
  t.equal(warned.headers['warning'], '299 - "unknown field \\"dta\\""');
  t.notOk('dta' in warned.json);
  const silent = await server.call('PUT', `${cms}/strict?fieldValidation=Ignore`, { body });
  t.equal(silent.headers['warning'], undefined);
  const broken = await server.call('POST', cms, { body: '{"a":' });
  t.match(broken.json, { code: 400, reason: 'BadRequest' });
});

t.test('a dry run answers and stores nothing', async (t) => {
  const dry = await server.call('POST', `${cms}?dryRun=All`, { body: cm('dry') });
  t.equal(dry.status, 201);
  t.equal((await server.call('GET', `${cms}/dry`)).status, 404);
  const service = (name: string) => ({ metadata: { name }, spec: { clusterIP: '10.96.77.7', ports: [{ port: 80 }] } });
  const path = '/api/v1/namespaces/default/services';
  t.equal((await server.call('POST', `${path}?dryRun=All`, { body: service('dry') })).status, 201);
  t.equal((await server.call('POST', path, { body: service('wet') })).status, 201, 'the dry run reserved no address');
});

t.test('a new object has no resourceVersion; a dry run does not store it, and answers', async (t) => {
  const body = cm('versioned', {}, { resourceVersion: '1' });
  const rehearsed = await server.call('POST', `${cms}?dryRun=All`, { body });
  t.equal(rehearsed.status, 201);
  t.equal(rehearsed.json.metadata.resourceVersion, '1');
  t.match((await server.call('POST', cms, { body })).json, {
    code: 500,
    message: 'resourceVersion should not be set on objects to be created',
  });
  const refused = await server.call('POST', cms, { body: { ...body, data: { 'a b': 'c' } } });
  t.equal(refused.status, 422, 'validation comes first');
  for (const [i, resourceVersion] of ['0', 'abc', '-1', '18446744073709551616'].entries()) {
    const created = await server.call('POST', cms, { body: cm(`unversioned-${i}`, {}, { resourceVersion }) });
    t.equal(created.status, 201, resourceVersion);
    t.match(created.json.metadata.resourceVersion, /^[1-9]\d*$/);
    t.not(created.json.metadata.resourceVersion, resourceVersion);
  }
});

t.test('deletion: preconditions, finalizers and the final removal', async (t) => {
  const { json } = await server.call('POST', cms, { body: cm('fin', {}, { finalizers: ['example.com/hold'] }) });
  const wrong = await server.call('DELETE', `${cms}/fin`, { body: { preconditions: { uid: 'other' } } });
  t.match(wrong.json, {
    code: 409,
    message:
      'Operation cannot be fulfilled on ConfigMap "fin": the UID in the precondition (other) does not match the UID in ' +
      `record (${json.metadata.uid}). The object might have been deleted and then recreated`,
  });
  const held = await server.call('DELETE', `${cms}/fin`, { body: { preconditions: { uid: json.metadata.uid } } });
  t.ok(held.json.metadata.deletionTimestamp);
  const past = '2020-01-01T00:00:00Z';
  const patched = (name: string, metadata: object) =>
    server.call('PATCH', `${cms}/${name}`, { type: merge, body: { metadata } });
  const kept = await patched('fin', { deletionTimestamp: past });
  t.equal(kept.json.metadata.deletionTimestamp, held.json.metadata.deletionTimestamp);
  const grace = 'metadata.deletionGracePeriodSeconds: Invalid value: 30: field is immutable';
  t.equal(
    (await patched('fin', { deletionGracePeriodSeconds: 30 })).json.message,
    `ConfigMap "fin" is invalid: ${grace}`,
  );
  t.equal((await patched('fin', { deletionGracePeriodSeconds: null })).status, 200);
  await server.call('POST', cms, { body: cm('alive') });
  t.equal(
    (await patched('alive', { deletionTimestamp: past, deletionGracePeriodSeconds: 30 })).json.message,
    `ConfigMap "alive" is invalid: [metadata.deletionTimestamp: Invalid value: "${past}": field is immutable, ${grace}]`,
    'no update begins a deletion',
  );
  const added = await server.call('PATCH', `${cms}/fin`, {
    type: merge,
    body: { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } },
  });
  t.match(added.json, { code: 422, message: /no new finalizers can be added if the object is being deleted/ });
  const freed = await server.call('PATCH', `${cms}/fin`, { type: merge, body: { metadata: { finalizers: null } } });
  t.equal(freed.status, 200);
  t.equal((await server.call('GET', `${cms}/fin`)).status, 404);
  await server.call('POST', cms, { body: cm('plain') });
  const plain = await server.call('DELETE', `${cms}/plain`);
  t.match(plain.json, { kind: 'Status', status: 'Success', details: { name: 'plain', kind: 'configmaps' } });
});

t.test('deletecollection deletes the selected objects', async (t) => {
  for (const name of ['dc1', 'dc2']) await server.call('POST', cms, { body: cm(name, {}, { labels: { batch: 'x' } }) });
  const answer = await server.call('DELETE', `${cms}?labelSelector=batch%3Dx`);
  t.equal(answer.json.items.length, 2);
  t.equal((await server.call('GET', `${cms}?labelSelector=batch%3Dx`)).json.items.length, 0);
  t.equal((await server.call('GET', `${cms}/one`)).status, 200, 'other objects stay');
});

t.test('all pages of a list show one revision', async (t) => {
  const namespace = '/api/v1/namespaces';
  await server.call('POST', namespace, { body: { metadata: { name: 'pages' } } });
  const path = `${namespace}/pages/configmaps`;
  for (let i = 0; i < 5; i++) await server.call('POST', path, { body: cm(`p${i}`) });
  const first = (await server.call('GET', `${path}?limit=2`)).json;
  t.same(
    first.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['p0', 'p1'],
  );
  t.equal(first.metadata.remainingItemCount, 3);
  await server.call('DELETE', `${path}/p3`);
  const rest = (await server.call('GET', `${path}?limit=10&continue=${first.metadata.continue}`)).json;
  t.same(
    rest.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    ['p2', 'p3', 'p4'],
  );
  t.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  t.equal((await server.call('GET', `${path}?continue=rubbish`)).status, 400);
  const fields = await server.call('GET', `${path}?fieldSelector=metadata.name%3Dp4`);
  t.equal(fields.json.items.length, 1);
  t.match((await server.call('GET', `${path}?fieldSelector=data.a%3D1`)).json, {
    code: 400,
    message: /"data.a" is not a known field selector/,
  });
});

t.test('a list shows the last write', async (t) => {
  const names = async () =>
    (await server.call('GET', cms)).json.items.map((item: { metadata: { name: string } }) => item.metadata.name);
  const before = await names();
  t.same(await names(), before);
  await server.call('POST', cms, { body: cm('zz-last') });
  t.same(await names(), [...before, 'zz-last']);
  await server.call('DELETE', `${cms}/zz-last`);
  t.same(await names(), before);
});

t.test('answers as Table and as metadata only', async (t) => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  const table = (await server.call('GET', `${cms}/one`, { headers: { accept } })).json;
  t.match(table, {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    rows: [{ object: { kind: 'PartialObjectMetadata' } }],
  });
  t.equal(table.columnDefinitions[0].name, 'Name');
  t.equal(table.rows[0].cells[0], 'one');
  const none = (await server.call('GET', `${cms}?includeObject=None`, { headers: { accept } })).json;
  t.equal(none.rows[0].object, null);
  const partial = (
    await server.call('GET', `${cms}/one`, {
      headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
    })
  ).json;
  t.match(partial, { kind: 'PartialObjectMetadata', metadata: { name: 'one' } });
  t.notOk('data' in partial);
  t.equal((await server.call('GET', cms, { headers: { accept: 'text/html' } })).status, 406);
});

t.test('a body beyond the limit is refused', async (t) => {
  const answer = await server.call('POST', cms, { body: cm('big', { x: 'y'.repeat(3 * 1024 * 1024) }) });
  t.match(answer.json, { code: 413, reason: 'RequestEntityTooLarge', message: /limit is 3145728/ });
});

t.test('an invalid object is refused with every wrong field', async (t) => {
  const answer = await server.call('POST', '/apis/apps/v1/namespaces/default/deployments', {
    body: {
      metadata: { name: 'bad' },
      spec: {
        replicas: -1,
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    },
  });
  t.match(answer.json, {
    code: 422,
    reason: 'Invalid',
    message: 'Deployment.apps "bad" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    details: { group: 'apps', kind: 'Deployment', causes: [{ field: 'spec.replicas', reason: 'FieldValueInvalid' }] },
  });
});

t.test('equal owner references are merged, finalizers stay as sent', async (t) => {
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'one', uid: 'u-1' };
  const other = { ...owner, blockOwnerDeletion: true };
  const metadata = {
    ownerReferences: [owner, other, { ...owner }, { ...other }],
    finalizers: ['example.com/a', 'example.com/a'],
  };
  const warning = /duplicate UID\(s\) observed: u-1"$/;
  const created = await server.call('POST', cms, { body: cm('owned', {}, metadata) });
  t.equal(created.status, 201, created.text);
  t.same(created.json.metadata.ownerReferences, [owner, other], 'owner references that differ stay');
  t.same(created.json.metadata.finalizers, metadata.finalizers);
  t.match(created.headers['warning'], warning);
  const patched = await server.call('PATCH', `${cms}/owned`, { type: merge, body: { metadata } });
  t.same(patched.json.metadata.ownerReferences, [owner, other]);
  t.match(patched.headers['warning'], warning);
  const put = await server.call('PUT', `${cms}/owned`, { body: cm('owned', {}, metadata) });
  t.same(put.json.metadata.ownerReferences, [owner, other]);
  t.match(put.headers['warning'], warning);
  await server.call('PATCH', `${cms}/owned`, { type: merge, body: { metadata: { finalizers: null } } });
});
