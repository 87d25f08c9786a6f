// Remote APIServices over HTTPS, with an API server that checks the certificate of the front proxy: conditions, who the user is, watches,
// upgrades, failures.
import { request as httpsRequest } from 'node:https';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import {
  type ExtensionServer,
  extensionGroup,
  extensionRoot,
  startExtensionServer,
} from '../../../test/lib/extension-server';
import { endpointSlices } from '../../api/endpoint-slice';

const services = '/apis/apiregistration.k8s.io/v1/apiservices';
const name = `v1.${extensionGroup}`;
const flunders = `${extensionRoot}/namespaces/default/flunders`;
const merge = 'application/merge-patch+json';

let server: TestServer;
let extension: ExtensionServer;
t.before(async () => {
  server = await startApiServer({ tokenFile: 'tok,jane,uid-7,"a group,ops"\n' });
  const { json } = await server.call(
    'GET',
    '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
  );
  extension = await startExtensionServer(
    await server.serving('api.wardle.svc'),
    json.data['requestheader-client-ca-file'],
  );
});
t.teardown(async () => {
  await server.close();
  await extension.close();
});

const asJane = { as: null, headers: { authorization: 'Bearer tok' } };
const caBundle = () => Buffer.from(server.ca).toString('base64');

const register = (spec: object = {}) => ({
  metadata: { name },
  spec: {
    group: extensionGroup,
    version: 'v1',
    groupPriorityMinimum: 2000,
    versionPriority: 10,
    service: { namespace: 'wardle', name: 'api' },
    caBundle: caBundle(),
    ...spec,
  },
});

/** Waits for a condition Available with this reason; its events begin with the present state. */
async function until(reason: string): Promise<{ status: string; message: string }> {
  const watch = await server.watch(`${services}?watch=1&fieldSelector=metadata.name%3D${name}`);
  for (;;) {
    const { object } = await watch.next();
    const condition = object.status?.conditions?.find(({ type }: { type: string }) => type === 'Available');
    if (condition?.reason !== reason) continue;
    watch.close();
    return condition;
  }
}

/** Stored without the rules of the API, which refuse loopback addresses. */
const storeSlice = (port: number, ready = true) =>
  server.cache.kind(endpointSlices).create({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'api', namespace: 'wardle', uid: 'u', labels: { 'kubernetes.io/service-name': 'api' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  });
const setSlice = (change: object) =>
  server.cache.kind(endpointSlices).modify('wardle/api', ({ object }) => ({ ...object, ...change }));

t.test('the condition says what is missing, until all checks pass', async (t) => {
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'wardle' } } });
  t.equal((await server.call('POST', services, { body: register() })).status, 201);
  t.match(await until('ServiceNotFound'), { status: 'False', message: 'service/api in "wardle" is not present' });
  const refused = await server.call('GET', flunders);
  t.match(refused, { status: 503, text: 'service unavailable\n' });

  const body = { metadata: { name: 'api' }, spec: { ports: [{ name: 'https', port: 8443 }] } };
  await server.call('POST', '/api/v1/namespaces/wardle/services', { body });
  t.match(await until('ServicePortError'), { message: 'service/api in "wardle" is not listening on port 443' });
  const ports = [{ name: 'https', port: 443 }];
  await server.call('PATCH', '/api/v1/namespaces/wardle/services/api', { type: merge, body: { spec: { ports } } });
  t.match(await until('EndpointsNotFound'), { message: 'cannot find endpointslices for service/api in "wardle"' });
  await storeSlice(extension.port, false);
  t.match(await until('MissingEndpoints'), {
    message: 'endpointslices for service/api in "wardle" have no addresses with port name "https"',
  });
  extension.fail(404);
  await setSlice({ endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }] });
  const url = `https://127.0.0.1:${extension.port}${extensionRoot}`;
  t.match(await until('FailedDiscoveryCheck'), {
    status: 'False',
    message: `failing or missing response from ${url}: bad status from ${url}: 404`,
  });
  extension.fail(undefined);
  t.match(await until('Passed'), { status: 'True', message: 'all checks passed' });
});

t.test('the other server learns the user, and no secret of the user', async (t) => {
  const rules = [{ apiGroups: [extensionGroup], resources: ['flunders'], verbs: ['create', 'list'] }];
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const denied = await server.call('GET', flunders, asJane);
  t.match(denied.json, {
    code: 403,
    message: `flunders.${extensionGroup} is forbidden: User "jane" cannot list resource "flunders" in API group "${extensionGroup}" in the namespace "default"`,
  });
  await server.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'flunders' }, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'flunders' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }];
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    body: { metadata: { name: 'flunders' }, roleRef, subjects },
  });
  extension.seen.length = 0;
  const body = { metadata: { name: 'one' }, spec: { depth: 2 } };
  const headers = { ...asJane.headers, 'x-remote-user': 'root', 'x-remote-extra-a': 'b', 'x-custom': 'kept' };
  const created = await server.call('POST', `${flunders}?dryRun=`, { ...asJane, headers, body });
  t.match(created, { status: 201, json: { metadata: { name: 'one', namespace: 'default' }, spec: { depth: 2 } } });
  const [seen] = extension.seen;
  t.match(seen, {
    method: 'POST',
    url: `${flunders}?dryRun=`,
    headers: {
      host: ['api.wardle.svc'],
      'x-remote-user': ['jane'],
      'x-remote-uid': ['uid-7'],
      'x-remote-group': ['a group', 'ops', 'system:authenticated'],
      'x-custom': ['kept'],
      'x-forwarded-for': ['127.0.0.1'],
      'x-forwarded-host': [`127.0.0.1:${extension.port}`],
      'x-forwarded-proto': ['https'],
      'x-forwarded-uri': [flunders],
      authorization: undefined,
      'x-remote-extra-a': undefined,
    },
  });
  t.same(JSON.parse(seen?.body ?? ''), body);

  extension.seen.length = 0;
  const extra = {
    'impersonate-user': 'eve',
    'impersonate-group': 'system:masters',
    'impersonate-extra-example.com%2fscope': ['a', 'b'],
  };
  await server.call('GET', flunders, { headers: extra });
  t.match(extension.seen[0]?.headers, {
    'x-remote-user': ['eve'],
    'x-remote-extra-example.com%2fscope': ['a', 'b'],
    'impersonate-user': undefined,
  });
  t.equal((await server.call('GET', flunders, { as: null })).status, 403, 'an anonymous user is not passed on');
});

t.test('paths are sent as they are authorized', async (t) => {
  for (const path of ['namespaces/a%2fb/flunders', 'namespaces/../flunders', 'namespaces/%2e%2e/flunders', '%ff']) {
    t.equal((await server.call('GET', `${extensionRoot}/${path}`)).status, 400, path);
  }
  const redirected = await server.call('GET', `${extensionRoot}/elsewhere`);
  t.match(redirected, {
    status: 502,
    text: /the backend attempted to redirect this request/,
    headers: { location: undefined },
  });
  t.match((await server.call('GET', `${flunders}/none`)).json, { reason: 'NotFound', code: 404 });
});

t.test('a watch is streamed, also to clients in this process', async (t) => {
  const watch = await server.watch(`${flunders}?watch=1`);
  const object = extension.flunders.get('default/one')!;
  extension.emit('MODIFIED', object);
  t.match(await watch.next(), { type: 'MODIFIED', object: { metadata: { name: 'one' } } });
  watch.close();

  const admin = server.api.transport({ name: 'admin', groups: ['system:masters'] });
  const abort = new AbortController();
  const answer = await admin.send({ method: 'GET', path: `${flunders}?watch=1`, decoded: true, signal: abort.signal });
  extension.emit('ADDED', object);
  const first = await answer.events![Symbol.asyncIterator]().next();
  t.match(first.value, [{ type: 'ADDED', object: { metadata: { name: 'one' } } }]);
  abort.abort();
});

t.test('discovery has the resources of the other server', async (t) => {
  const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
  const groupOf = async () => {
    const { items } = (await server.call('GET', '/apis', { headers: aggregated })).json;
    return items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === extensionGroup);
  };
  while ((await groupOf())?.versions[0].freshness !== 'Current');
  t.match(await groupOf(), {
    versions: [
      {
        version: 'v1',
        freshness: 'Current',
        resources: [
          {
            resource: 'flunders',
            responseKind: { group: extensionGroup, version: 'v1', kind: 'Flunder' },
            scope: 'Namespaced',
            singularResource: 'flunder',
            shortNames: ['fl'],
            subresources: [{ subresource: 'status', verbs: ['get', 'update'] }],
          },
        ],
      },
    ],
  });
  const { groups } = (await server.call('GET', '/apis')).json;
  const names = groups.map((group: { name: string }) => group.name);
  t.same(names.slice(-3), [extensionGroup, 'path.k8ts.io', 'metrics.k8s.io'], 'by its priority');
  t.match((await server.call('GET', `/apis/${extensionGroup}`)).json, {
    kind: 'APIGroup',
    preferredVersion: { groupVersion: `${extensionGroup}/v1` },
  });
  t.match((await server.call('GET', extensionRoot)).json, {
    kind: 'APIResourceList',
    groupVersion: `${extensionGroup}/v1`,
  });
});

t.test('OpenAPI v3 lists and passes on the document of the other server', async (t) => {
  const { paths } = JSON.parse((await server.call('GET', '/openapi/v3')).text);
  const address = paths[extensionRoot.slice(1)].serverRelativeURL;
  t.equal(address, `/openapi/v3${extensionRoot}?hash=ABC`);
  t.match((await server.call('GET', address)).json, { openapi: '3.0.0', info: { title: 'wardle' } });
  t.ok(paths['api/v1'], 'the documents of this server are listed, too');
});

t.test('connections are kept and used again', async (t) => {
  const warnings: Error[] = [];
  const collect = (warning: Error) => void warnings.push(warning);
  process.on('warning', collect);
  t.teardown(() => process.off('warning', collect));
  for (let i = 0; i < 15; i++) t.equal((await server.call('GET', flunders)).status, 200);
  t.same(warnings, [], 'a request leaves no listener at its connection');
  // The server closes them while this server believes that they are open.
  extension.dropIdle();
  t.equal((await server.call('GET', flunders)).status, 200, 'a read is sent again on a new connection');
});

t.test('an upgraded connection carries bytes both ways', async (t) => {
  extension.seen.length = 0;
  const admin = await server.identity('kubernetes-admin', 'system:masters');
  const text = await new Promise<string>((resolve, reject) => {
    const { cert, key } = admin;
    const headers = { connection: 'Upgrade', upgrade: 'echo' };
    const request = httpsRequest({
      host: '127.0.0.1',
      port: server.port,
      path: `${flunders}/one/exec`,
      headers,
      cert,
      key,
      ca: server.ca,
    });
    request.on('error', reject);
    request.on('response', ({ statusCode }) => reject(new Error(`status ${statusCode}`)));
    request.on('upgrade', (_, socket) => {
      socket.once('data', (chunk: Buffer) => {
        socket.destroy();
        resolve(chunk.toString());
      });
      socket.write('hello');
    });
    request.end();
  });
  t.equal(text, 'hello');
  t.match(extension.seen[0]?.headers, { 'x-remote-user': ['kubernetes-admin'], upgrade: ['echo'] });
});

t.test('a server that cannot be trusted or reached is not used', async (t) => {
  const foreign = (
    await server.call('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
  ).json.data['requestheader-client-ca-file'];
  const spec = { caBundle: Buffer.from(foreign).toString('base64') };
  await server.call('PATCH', `${services}/${name}`, { type: merge, body: { spec } });
  t.match(
    (await until('FailedDiscoveryCheck')).message,
    /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
  );
  await server.call('PATCH', `${services}/${name}`, {
    type: merge,
    body: { spec: { caBundle: null, insecureSkipTLSVerify: true } },
  });
  await until('Passed');
  t.equal((await server.call('GET', flunders)).status, 200, 'without a check of the certificate');
  await setSlice({ ports: [{ name: 'https', port: 1, protocol: 'TCP' }] });
  t.match((await until('FailedDiscoveryCheck')).message, /dial tcp 127\.0\.0\.1:1: connect: connection refused$/);
  t.equal((await server.call('GET', flunders)).status, 503);
});

t.test('an APIService without a Service is local again, and without objects its paths are not found', async (t) => {
  await server.call('PATCH', `${services}/${name}`, {
    type: merge,
    body: { spec: { service: null, insecureSkipTLSVerify: null } },
  });
  t.match(await until('Local'), { status: 'True' });
  t.equal((await server.call('GET', flunders)).status, 404);
  t.equal((await server.call('DELETE', `${services}/${name}`)).status, 200);
});
