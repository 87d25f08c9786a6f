// Paths other than those of stored kinds, and the error of a LIST with an unsupported selector.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import { loadSchemas } from '../api/schema/load';
import { aggregatedSchema } from './discovery/protobuf';
import { decodeMessage } from './protobuf/decode';
import { openEnvelope } from './protobuf/envelope';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

t.test('an unsupported selector is answered with the reason only, because kubectl adds its own words', async (t) => {
  const pods = '/api/v1/namespaces/default/pods';
  const field = await server.call('GET', `${pods}?fieldSelector=spec.foo%3D1`);
  t.match(field.json, { code: 400, reason: 'BadRequest', message: 'field label not supported: spec.foo' });
  const label = await server.call('GET', `${pods}?labelSelector=${encodeURIComponent('app in web')}`);
  t.match(label.json, { code: 400, message: "unable to parse requirement: found 'web' expected: '('" });
});

t.test('the list of paths, and paths that are known exactly', async (t) => {
  const { paths } = (await server.call('GET', '/')).json as { paths: string[] };
  t.same(paths, [...paths].sort());
  for (const path of ['/apis/apps', '/apis/apps/v1', '/livez/etcd', '/readyz/informer-sync', '/metrics/slis']) {
    t.ok(paths.includes(path), path);
  }
  t.notOk(paths.includes('/livez/informer-sync'), 'only of readyz');
  for (const path of ['/healthz/', '/livez/', '/metrics/']) t.equal((await server.call('GET', path)).status, 404, path);
  const version = await server.call('GET', '/version', { headers: { accept: 'text/html' } });
  t.match(version.json, {
    code: 406,
    message: '406: Not Acceptable\n\nAvailable representations: application/json',
  });
});

t.test('aggregated discovery: JSON and protobuf, with an entity tag', async (t) => {
  const form = 'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const protobuf = 'application/vnd.kubernetes.protobuf';
  const get = (path: string, accept: string, more: Record<string, string> = {}) =>
    server.call('GET', path, { headers: { accept, ...more } });
  for (const path of ['/api', '/apis']) {
    const json = await get(path, `application/json;${form},application/json`);
    t.equal(json.headers['content-type'], `application/json;${form}`);
    const binary = await get(path, `${protobuf};${form},application/json;${form}`);
    t.equal(binary.headers['content-type'], `${protobuf};${form}`);
    const { kind, apiVersion, raw } = openEnvelope(binary.bytes);
    t.same([kind, apiVersion], ['APIGroupDiscoveryList', 'apidiscovery.k8s.io/v2']);
    const { items } = decodeMessage(raw, aggregatedSchema(loadSchemas()));
    t.same(withoutEmpty(items), withoutEmpty(json.json.items), path);
    const etag = String(json.headers['etag']);
    t.match(etag, /^"[0-9A-F]{128}"$/);
    t.equal(binary.headers['etag'], etag);
    const again = await get(path, `application/json;${form}`, { 'if-none-match': etag });
    t.same([again.status, again.text, again.headers['vary']], [304, '', 'Accept']);
    t.equal((await get(path, `application/json;${form}`, { 'if-none-match': '"old"' })).status, 200);
  }
  const plain = await get('/apis', `${protobuf},application/json;${form}`);
  t.equal(plain.headers['content-type'], protobuf, 'a plain form that comes first');
});

/** A message does not tell an empty text, list or object from an absent one. */
const withoutEmpty = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, field: unknown) => {
    const isEmpty = field === '' || (typeof field === 'object' && field !== null && Object.keys(field).length === 0);
    return isEmpty ? undefined : field;
  });
