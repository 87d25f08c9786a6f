// Resource paths that are not served, with the answers of kube-apiserver 1.36.3: which words, in which form, and for whom.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { definitionSample } from '../../../test/lib/samples';
import { readRemotePath } from './request-info';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const status = (code: number, reason: string, message: string, details: object = {}) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  details,
  code,
});
const unknown = status(404, 'NotFound', 'the server could not find the requested resource');
const notAllowed = status(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

t.test('built-in groups answer with a Status that has details', async (t) => {
  for (const [method, path, expected] of [
    ['GET', '/api/v1/nothing', unknown],
    ['POST', '/api/v1/namespaces/default/nothing', unknown],
    ['GET', '/api/v1/namespaces/default/configmaps/a/status', unknown],
    ['GET', '/api/v1/configmaps/a', unknown],
    ['GET', '/apis/apps/v9/deployments', unknown],
    ['GET', '/apis/apps/v9', unknown],
    ['GET', '/api/v2', unknown],
    ['PUT', '/api/v1/namespaces', notAllowed],
    ['POST', '/api/v1/namespaces/default/status', notAllowed],
    ['POST', '/api/v1', notAllowed],
  ] as const) {
    const answer = await server.call(method, path, method === 'GET' ? {} : { body: {} });
    t.same(answer.json, expected, `${method} ${path}`);
    t.equal(answer.headers['cache-control'], 'no-cache, private');
  }
  const wrongType = await server.call('PATCH', '/api/v1/namespaces/default', { body: {}, type: 'application/json' });
  t.same(wrongType.json, status(415, 'UnsupportedMediaType', '415: Unsupported Media Type'));
});

t.test('other groups answer with text', async (t) => {
  for (const path of ['/apis/other.example.com/v1/things', '/apis/other.example.com', '/nothing']) {
    for (const method of ['GET', 'POST']) {
      const answer = await server.call(method, path, method === 'GET' ? {} : { body: {} });
      t.match(answer, { status: 404, text: '404 page not found\n', headers: { 'x-content-type-options': 'nosniff' } });
    }
  }
});

t.test('custom kinds', async (t) => {
  const definition = definitionSample('gears');
  const created = await server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: definition,
  });
  t.equal(created.status, 201);
  const { group, versions, names, scope } = created.json.spec;
  const root = `/apis/${group}/${versions[0].name}`;
  const inside = scope === 'Namespaced' ? `${root}/namespaces/default/${names.plural}` : `${root}/${names.plural}`;
  const details = { group, kind: names.plural };
  const missing = await server.call('GET', `${inside}/a/nothing`);
  const notFound = `${names.plural}.${group} "a" not found`;
  t.same(missing.json, status(404, 'NotFound', notFound, { name: 'a', ...details }));
  t.match((await server.call('PUT', inside, { body: {} })).json, { code: 400, message: 'name must be provided' });
  const refused = `create is not supported on resources of kind "${names.plural}.${group}"`;
  const post = await server.call('POST', `${inside}/a`, { body: {} });
  t.same(post.json, status(405, 'MethodNotAllowed', refused, details));
  t.match(await server.call('GET', `${root}/nothing`), { status: 404, text: '404 page not found\n' });
  t.equal((await server.call('HEAD', inside)).status, 200, 'HEAD reads custom objects');
});

t.test('users who may not use a resource do not learn whether it exists', async (t) => {
  const as = await server.identity('jane', 'devs');
  const forbidden = (message: string) => ({ code: 403, reason: 'Forbidden', message });
  const cannot = (verb: string, resource: string, where: string) =>
    `User "jane" cannot ${verb} resource "${resource}" in API group "" ${where}`;
  t.match(
    (await server.call('GET', '/api/v1/nothing', { as })).json,
    forbidden(`nothing is forbidden: ${cannot('list', 'nothing', 'at the cluster scope')}`),
  );
  t.match(
    (await server.call('GET', '/api/v1/namespaces/a/nothing/x/sub', { as })).json,
    forbidden(`nothing "x" is forbidden: ${cannot('get', 'nothing/sub', 'in the namespace "a"')}`),
  );
  t.equal((await server.call('GET', '/api/v1/nothing', { as: null })).status, 403);
});

t.test('the attributes of a path', async (t) => {
  for (const [method, path, watch, expected] of [
    ['GET', '/api/v1/things', false, 'list /v1 things///'],
    ['GET', '/api/v1/things', true, 'watch /v1 things///'],
    ['DELETE', '/apis/g/v2/namespaces/n/things', false, 'deletecollection g/v2 things//n/'],
    ['PATCH', '/apis/g/v2/namespaces/n/things/x/sub/deeper', false, 'patch g/v2 things/x/n/sub'],
    ['GET', '/api/v1/namespaces/n/status', false, 'get /v1 namespaces/n/n/status'],
    ['POST', '/api/v1/watch/things', false, 'watch /v1 things///'],
    ['OPTIONS', '/api/v1/things/x', false, ' /v1 things/x//'],
  ] as const) {
    const { version, attributes } = readRemotePath(method, path, watch)!;
    const { verb, group, resource, name, namespace, subresource } = attributes!;
    t.equal(
      `${verb} ${group}/${version} ${resource}/${name}/${namespace}/${subresource}`,
      expected,
      `${method} ${path}`,
    );
  }
});
