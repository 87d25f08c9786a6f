// A body has a bounded number of fields and items, in every encoding, and so has every object that results from it.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { maxJsonValues } from '../../api/json-text';
import { protobufType } from '../protobuf/envelope';

let server: TestServer;
const maps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

t.before(async () => {
  server = await startApiServer();
  await server.call('POST', maps, { body: { metadata: { name: 'target' }, data: { a: 'b' } } });
});
t.teardown(() => server.close());

const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']));
const tooMany = keys(maxJsonValues);
const refused = { code: 413, reason: 'RequestEntityTooLarge', message: /limit is 20000 fields and items/ };

t.test('limits of writes and patches', async (t) => {
  const target = `${maps}/target`;
  const cases: [method: string, path: string, type: string, body: unknown][] = [
    ['POST', maps, 'application/json', { metadata: { name: 'a' }, data: tooMany }],
    ['PUT', target, 'application/json', { metadata: { name: 'target' }, data: tooMany }],
    ['DELETE', target, 'application/json', { unknown: tooMany }],
    ['PATCH', target, 'application/merge-patch+json', { data: tooMany }],
    ['PATCH', target, 'application/strategic-merge-patch+json', { data: tooMany }],
    ['PATCH', target, 'application/json-patch+json', [{ op: 'add', path: '/data', value: tooMany }]],
    [
      'PATCH',
      `${target}?fieldManager=me`,
      'application/apply-patch+yaml',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'target' }, data: tooMany },
    ],
    ['POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', 'application/json', { unknown: tooMany }],
  ];
  for (const [method, path, type, body] of cases) {
    const { json } = await server.call(method, path, { headers: { 'content-type': type }, body });
    t.match(json, refused, `${method} ${type}`);
  }
  const yaml = Object.keys(tooMany).map((key) => `${key}: 1\n`);
  const headers = { 'content-type': 'application/yaml' };
  t.match((await server.call('POST', maps, { headers, body: Buffer.from(yaml.join('')) })).json, refused, 'YAML');
  t.match((await server.call('GET', target)).json, { data: { a: 'b' } }, 'nothing was changed');
});

t.test('a definition may have more fields than other objects', async (t) => {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const definition = (fields: number) => ({
    metadata: { name: 'bigs.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { plural: 'bigs', kind: 'Big' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema(fields) } }],
    },
  });
  const schema = (fields: number) => ({
    type: 'object',
    properties: Object.fromEntries(Array.from({ length: fields }, (_, i) => [`f${i}`, { type: 'string' }])),
  });
  t.match((await server.call('POST', path, { body: definition(20_000) })).json, {
    code: 413,
    message: /limit is 40000 fields and items/,
  });
  t.equal((await server.call('POST', path, { body: definition(19_500) })).status, 201);
});

t.test('commas and brackets in strings do not count', async (t) => {
  const data = { a: ',[{'.repeat(maxJsonValues) };
  t.equal((await server.call('POST', maps, { body: { metadata: { name: 'text' }, data } })).status, 201);
  const body = { metadata: { name: 'many' }, data: keys(maxJsonValues - 100) };
  t.equal((await server.call('POST', maps, { body })).status, 201);
  const stored = (await server.call('GET', `${maps}/many`)).json;
  t.equal((await server.call('PUT', `${maps}/many`, { body: stored })).status, 200, 'with the fields of its owners');
  const [owner] = stored.metadata.managedFields;
  const managedFields = [owner, { ...owner, manager: 'other' }];
  const twice = { ...stored, metadata: { ...stored.metadata, managedFields } };
  t.match((await server.call('PUT', `${maps}/many`, { body: twice })).json, refused);
});

t.test('protobuf', async (t) => {
  const field = (number: number, bytes: Buffer): Buffer => {
    const length: number[] = [];
    let rest = bytes.length;
    for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
    return Buffer.concat([Buffer.from([number * 8 + 2, ...length, rest]), bytes]);
  };
  const entry = field(2, field(1, Buffer.from('k')));
  const type = Buffer.concat([field(1, Buffer.from('v1')), field(2, Buffer.from('ConfigMap'))]);
  const raw = Buffer.alloc(entry.length * (maxJsonValues + 1), entry);
  const body = Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw)]);
  t.match((await server.call('POST', maps, { headers: { 'content-type': protobufType }, body })).json, refused);
});

t.test('the result of a small body is limited too', async (t) => {
  const copies = Array.from({ length: 27 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/k${i}` }));
  const patch = { headers: { 'content-type': 'application/json-patch+json' }, body: copies };
  t.equal((await server.call('PATCH', `${maps}/target`, patch)).status, 422);
  const lines = [...'bcdefghij'].map((name, i) => `${name}: &${name} [${`*${'abcdefghij'[i]},`.repeat(9)}]\n`);
  const yaml = { headers: { 'content-type': 'application/yaml' }, body: Buffer.from(`a: &a [x]\n${lines.join('')}`) };
  t.match((await server.call('POST', maps, yaml)).json, { code: 400, message: /excessive aliasing/ });
});

t.test('fields with owners are limited', async (t) => {
  const containers = Array.from({ length: 2_000 }, (_, i) => ({ name: `c${i}`, image: 'i' }));
  const labels = { a: 'b' };
  const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } };
  const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'big' }, spec };
  const headers = { 'content-type': 'application/apply-patch+yaml' };
  const { json } = await server.call('PATCH', `${deployments}/big?fieldManager=me`, { headers, body });
  t.match(json, { code: 413, message: 'more than 5000 fields of an object cannot be owned' });
  t.equal((await server.call('POST', deployments, { body })).status, 201, 'other writes do not have this limit');
  const data = keys(4_900);
  const shared = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared' }, data };
  const codes: number[] = [];
  for (const manager of ['a', 'b', 'c', 'd', 'e']) {
    codes.push(
      (await server.call('PATCH', `${maps}/shared?fieldManager=${manager}`, { headers, body: shared })).status,
    );
  }
  t.same(codes, [201, 200, 200, 200, 413], 'all managers together');
});
