// Requests of an attacker: each gets a proper answer, and the server continues to work.
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const maps = '/api/v1/namespaces/default/configmaps';
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const patch = (type: string) => ({ type: `application/${type}` });

t.test('bodies with too many levels are refused', async (t) => {
  await server.call('POST', maps, { body: { metadata: { name: 'deep' } } });
  const body = `{"apiVersion":"v1","kind":"ConfigMap","data":${nested(5_000)}}`;
  for (const type of ['merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml', 'json-patch+json']) {
    const answer = await server.call('PATCH', `${maps}/deep?fieldManager=me`, { ...patch(type), body });
    t.match(answer.json, { code: 400, reason: 'BadRequest', message: 'exceeded max depth' }, type);
  }
  t.match((await server.call('POST', maps, { body })).json, { code: 400, message: 'exceeded max depth' });
  t.match((await server.call('PUT', `${maps}/deep`, { body })).json, { code: 400, message: 'exceeded max depth' });
});

t.test('numbers that cannot be stored exactly are refused, at any place', async (t) => {
  const deployment = (seconds: string) =>
    '{"metadata":{"name":"n"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},' +
    `"spec":{"terminationGracePeriodSeconds":${seconds},"containers":[{"name":"c","image":"i"}]}}}}`;
  const path = '/apis/apps/v1/namespaces/default/deployments?dryRun=All';
  const kept = await server.call('POST', path, { body: deployment('9007199254740991') });
  t.equal(kept.json.spec.template.spec.terminationGracePeriodSeconds, Number.MAX_SAFE_INTEGER);
  t.match((await server.call('POST', path, { body: deployment('9007199254740993') })).json, {
    code: 400,
    message: /json: cannot unmarshal number 9007199254740993 into Go value of type int64/,
  });
  const revisions = '/apis/apps/v1/namespaces/default/controllerrevisions';
  const free = await server.call('POST', revisions, {
    body: '{"metadata":{"name":"r"},"revision":1,"data":{"deep":[3546343826724305832]}}',
  });
  t.equal(free.status, 400);
  const merge = await server.call('PATCH', `${maps}/deep`, {
    ...patch('merge-patch+json'),
    body: '{"metadata":{"generation":9007199254740993}}',
  });
  t.equal(merge.status, 400);
});

t.test('malformed fields of managedFields are ignored', async (t) => {
  const managedFields = [
    {
      manager: 'm',
      operation: 'Update',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: JSON.parse('{"__proto__":{}}'),
    },
  ];
  const body = { metadata: { name: 'deep', managedFields }, data: { a: '1' } };
  const { json } = await server.call('PUT', `${maps}/deep`, { body });
  t.notMatch(json.metadata.managedFields, [{ manager: 'm' }]);
  t.notMatch(JSON.stringify(json), /__proto__/);
  t.notOk(Object.hasOwn(Object.prototype, '.'));
});

t.test('a body of YAML with many keys is converted in a separate thread', async (t) => {
  const body = `apiVersion: authentication.k8s.io/v1\nkind: SelfSubjectReview\n${Array.from({ length: 19_000 }, (_, i) => `k${i}: 1\n`).join('')}`;
  const answer = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    type: 'application/yaml',
    body,
  });
  t.equal(answer.status, 201);
  const twice = 'metadata:\n  name: twice\ndata:\n  a: "1"\n  a: "2"\n';
  const strict = await server.call('POST', `${maps}?fieldValidation=Strict`, { type: 'application/yaml', body: twice });
  t.match(strict.json, {
    code: 400,
    message: /strict decoding error: yaml: unmarshal errors:\n {2}line 5: key "a" already set in map$/,
  });
  const warned = await server.call('POST', maps, { type: 'application/yaml', body: twice });
  t.match(warned, { status: 201, json: { data: { a: '2' } }, headers: { warning: /line 5: key/ } });
  const broken = await server.call('POST', maps, { type: 'application/yaml', body: 'a: ]' });
  t.match(broken.json, {
    code: 400,
    message: /^the object provided is unrecognized \(must be of type ConfigMap\): yaml: line 1: /,
  });
});

t.test('an unsupported content encoding is refused, gzip is read', async (t) => {
  const headers = { 'content-encoding': 'br' };
  const body = { metadata: { name: 'encoded' } };
  const answer = await server.call('POST', maps, { headers, body });
  t.match(answer.json, {
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /content encoding "br" is not supported/,
  });
  t.equal((await server.call('POST', maps, { headers: { 'content-encoding': 'identity' }, body })).status, 201);
  const gzip = { 'content-encoding': 'gzip' };
  const packed = gzipSync(JSON.stringify({ metadata: { name: 'packed' } }));
  t.equal((await server.call('POST', maps, { headers: gzip, body: packed })).status, 201);
});

t.test('a request line that is too long is answered with 431', async (t) => {
  const answer = await server.call('GET', `${maps}?fieldSelector=${'a'.repeat(70_000)}`);
  t.equal(answer.status, 431);
});

t.test('a malformed apply configuration is answered with 400', async (t) => {
  for (const body of [
    '{',
    '{"a":',
    '{"kind":{"toString":null}}',
    '{"apiVersion":["v1"],"kind":1}',
    '[]',
    'a: *b',
    '\0',
  ]) {
    const answer = await server.call('PATCH', `${maps}/deep?fieldManager=me`, { ...patch('apply-patch+yaml'), body });
    t.equal(answer.status, 400, `${body}: ${answer.text}`);
  }
});
