// pods/proxy and services/proxy over HTTPS, to an HTTP server that plays a pod.
import { createServer, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const core = '/api/v1/namespaces/default';
const merge = 'application/merge-patch+json';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
const seen: Seen[] = [];
const asked: { readonly host: string; readonly port: number }[] = [];

const long = `<a href="/x">${'.'.repeat(600_000)}</a>`;
const pages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/page': { body: '<a href="/x">\u00e9</a>' },
  '/long': { body: long },
  '/moved': { location: '/new/' },
  // A header that is not passed on: the client of this test reads no long ones.
  '/far': { location: '/near', 'access-control-allow-origin': 'x'.repeat(100_000) },
};

let server: TestServer;
const pod = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const page = pages[url];
    if (page) {
      const { body, ...others } = page;
      response.writeHead(body ? 200 : 302, { 'content-type': 'text/html; charset=utf-8', ...others });
      response.end(method === 'HEAD' ? undefined : body);
      return;
    }
    if (!response.headersSent) {
      response.writeHead(url.startsWith('/missing') ? 404 : 200, { 'content-type': 'text/plain', 'x-pod': 'yes' });
    }
    response.end(`${method} ${url}`);
  });
  // Proves that a body arrives while its sender is still writing.
  if (request.url === '/piecewise') request.once('data', () => response.write('begun '));
});
pod.on('upgrade', (_, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
});
t.before(async () => {
  await new Promise<void>((resolve) => pod.listen(0, '127.0.0.1', resolve));
  const { port } = pod.address() as AddressInfo;
  server = await startApiServer({
    routeToPods: (address) => {
      asked.push(address);
      return address.port === 9 ? { host: '127.0.0.1', port: 1 } : { host: '127.0.0.1', port };
    },
  });
  await server.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  await createPod('web', '10.244.0.7', [{ containerPort: 8080 }]);
  await createPod('local', '127.0.0.1', []);
});
t.teardown(async () => {
  await server.close();
  pod.closeAllConnections();
  await new Promise((resolve) => pod.close(resolve));
});

async function createPod(name: string, ip: string, ports: object[]): Promise<void> {
  const spec = { containers: [{ name: 'c', image: 'i', ports }], nodeName: 'n' };
  await server.call('POST', `${core}/pods`, { body: { metadata: { name }, spec } });
  const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
  await server.call('PATCH', `${core}/pods/${name}/status`, { type: merge, body: { status } });
}

t.test('a pod gets the request with its path, query, headers and body', async (t) => {
  const headers = { authorization: 'Bearer x', 'x-remote-user': 'root', 'x-custom': 'kept' };
  const path = `${core}/pods/web/proxy/a%20b/../c/?q=1&q=2`;
  const answer = await server.call('POST', path, { body: 'hello', type: 'text/plain', headers });
  t.match(answer, { status: 200, text: 'POST /c/?q=1&q=2', headers: { 'content-type': 'text/plain', 'x-pod': 'yes' } });
  t.match(seen.at(-1), { method: 'POST', body: 'hello', headers: { host: '10.244.0.7:8080', 'x-custom': 'kept' } });
  t.notOk(seen.at(-1)?.headers.authorization || seen.at(-1)?.headers['x-remote-user'], 'no identity');
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
    t.equal((await server.call(method, `${core}/pods/web/proxy/x`)).text, `${method} /x`);
  }
  t.match(await server.call('GET', `${core}/pods/http:web:81/proxy/missing`), { status: 404, text: 'GET /missing' });
  t.same(asked.at(-1), { host: '10.244.0.7', port: 81 });
});

t.test('links of pages and Location headers stay behind the proxy', async (t) => {
  const prefix = `${core}/pods/web/proxy`;
  const page = await server.call('GET', `${prefix}/page`);
  t.match(page, { status: 200, text: `<a href="${prefix}/x">\u00e9</a>`, headers: { 'content-type': /^text\/html/ } });
  t.ok((await server.call('GET', `${prefix}/long`)).text === long, 'a very long page is passed on as it is');
  t.equal((await server.call('GET', `${prefix}/far`)).status, 302, 'long headers of an answer');
  t.match(await server.call('GET', `${prefix}/moved`), { status: 302, headers: { location: `${prefix}/new/` } });
});

t.test('HEAD and OPTIONS reach the pod', async (t) => {
  const head = await server.call('HEAD', `${core}/pods/web/proxy/page`);
  t.match(head, { status: 200, text: '', headers: { 'content-type': /^text\/html/ } });
  t.equal((await server.call('OPTIONS', `${core}/pods/web/proxy/x`)).text, 'OPTIONS /x');
  t.equal((await server.call('OPTIONS', `${core}/pods/web/log`)).status, 405);
  t.equal((await server.call('HEAD', `${core}/pods/web`)).status, 405);
});

t.test('HEAD and OPTIONS, and through whom a request came', async (t) => {
  const headers = { 'x-forwarded-for': '192.0.2.9' };
  for (const method of ['HEAD', 'OPTIONS']) {
    t.match(await server.call(method, `${core}/pods/web/proxy/x`, { headers }), {
      status: 200,
      headers: { 'x-pod': 'yes' },
    });
    t.match(seen.at(-1), {
      method,
      url: '/x',
      headers: { 'x-forwarded-for': '192.0.2.9, 127.0.0.1', 'x-forwarded-uri': `${core}/pods/web/proxy/x` },
    });
  }
  const body = {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] }],
  };
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  await server.call('POST', `${rbac}/roles`, { body });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }];
  await server.call('POST', `${rbac}/rolebindings`, { body: { metadata: { name: 'reader' }, roleRef, subjects } });
  const as = await server.identity('eve');
  t.equal((await server.call('HEAD', `${core}/pods/web/proxy/x`, { as })).status, 200, 'HEAD needs the verb get');
  t.equal((await server.call('OPTIONS', `${core}/pods/web/proxy/x`, { as })).status, 403, 'OPTIONS has no verb');
});

t.test('a body passes through while it arrives, whatever its length', async (t) => {
  const admin = await server.identity('kubernetes-admin', 'system:masters');
  const { cert, key } = admin;
  const path = `${core}/pods/web/proxy/piecewise`;
  const text = await new Promise<string>((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port: server.port,
      method: 'POST',
      path,
      ca: server.ca,
      cert,
      key,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let all = '';
      response.on('data', (chunk: Buffer) => {
        if (all === '') request.end('x'.repeat(5_000_000));
        all += chunk.toString();
      });
      response.on('end', () => resolve(all));
    });
    request.write('first');
  });
  t.equal(text, 'begun POST /piecewise', 'the answer began before the body ended');
  t.equal(seen.at(-1)?.body.length, 5_000_005, 'more than other requests may have');
  t.equal(seen.at(-1)?.headers['transfer-encoding'], 'chunked');
});

t.test('a path without a slash is redirected, so that relative links work', async (t) => {
  const { status, headers } = await server.call('GET', `${core}/pods/web/proxy?a=1`);
  t.equal(status, 301);
  t.equal(headers['location'], `${core}/pods/web/proxy/?a=1`);
  t.equal((await server.call('HEAD', `${core}/pods/web/proxy`)).status, 301);
  for (const method of ['POST', 'DELETE']) {
    t.equal((await server.call(method, `${core}/pods/web/proxy?a=1`)).text, `${method} /?a=1`, 'no page');
  }
  t.equal((await server.call('GET', `${core}/pods/web/proxy/`)).text, 'GET /');
});

t.test('what cannot be reached', async (t) => {
  const cases: readonly (readonly [path: string, code: number, message: string | RegExp])[] = [
    ['pods/none/proxy/', 404, 'pods "none" not found'],
    ['pods/local/proxy/', 400, 'address not allowed'],
    ['pods/ftp:web:80/proxy/', 400, 'invalid pod request "ftp:web:80"'],
    ['pods/web:x/proxy/', 400, 'invalid pod request "web:x"'],
    ['pods/web:9/proxy/', 503, 'error trying to reach service: dial tcp 10.244.0.7:9: connect: connection refused'],
    ['services/none/proxy/', 404, 'services "none" not found'],
    ['services/web/proxy/', 503, 'no endpoints available for service "web"'],
    ['services/web:81/proxy/', 503, 'no service port 81 found for service "web"'],
  ];
  await server.call('POST', `${core}/services`, {
    body: { metadata: { name: 'web' }, spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] } },
  });
  for (const [path, code, message] of cases) {
    t.match((await server.call('GET', `${core}/${path}`)).json, { kind: 'Status', code, message }, path);
  }
});

t.test('a Service leads to its pods, and to nothing else', async (t) => {
  const slice = (name: string, address: string, targetRef?: object) => ({
    metadata: { name, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true }, ...(targetRef ? { targetRef } : {}) }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  });
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  await server.call('POST', slices, { body: slice('foreign', '198.51.100.9') });
  const before = asked.length;
  t.match((await server.call('GET', `${core}/services/web:http/proxy/`)).json, {
    code: 500,
    message: /the endpoint 198\.51\.100\.9 is no address of a pod of the namespace/,
  });
  const stolen = { kind: 'Pod', name: 'web', namespace: 'default' };
  await server.call('PUT', `${slices}/foreign`, { body: slice('foreign', '198.51.100.9', stolen) });
  t.equal((await server.call('GET', `${core}/services/web:http/proxy/`)).status, 500, 'the pod has another address');
  t.equal(asked.length, before, 'no connection was opened');
  await server.call('DELETE', `${slices}/foreign`);
  await server.call('POST', slices, { body: slice('own', '10.244.0.7', stolen) });
  for (const name of ['web:http', 'web:80', 'http:web:http']) {
    t.equal((await server.call('GET', `${core}/services/${name}/proxy/x`)).text, 'GET /x', name);
  }
  t.same(asked.at(-1), { host: '10.244.0.7', port: 8080 });
});

t.test('an upgraded connection', async (t) => {
  const admin = await server.identity('kubernetes-admin', 'system:masters');
  const text = await new Promise<string>((resolve, reject) => {
    const { cert, key } = admin;
    const request = httpsRequest({
      host: '127.0.0.1',
      port: server.port,
      path: `${core}/pods/web/proxy/socket`,
      headers: { connection: 'Upgrade', upgrade: 'echo' },
      ca: server.ca,
      cert,
      key,
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
});
