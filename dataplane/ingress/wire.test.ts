import { once } from 'node:events';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { bodyOf, get, ok, type RawBackend, rawBackend, send, statusOf, valuesOf } from '../../test/lib/raw-http';
import type { Failure } from './failure';
import { IngressServer, type IngressServerOptions } from './server';

async function proxy(
  t: Test,
  backends: Pick<RawBackend, 'address' | 'port'>[],
  options: Partial<IngressServerOptions> = {},
) {
  const failures: (Failure & { requestId: string })[] = [];
  const onFailure = (failure: Failure & { requestId: string }) => failures.push(failure);
  const server = new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0, onFailure, ...options });
  const rule = { ingress: 'default/shop', createdMs: 1, host: 'shop.local', pathType: 'Prefix' as const };
  const endpoints = backends.map(({ address, port }) => ({ address, port }));
  server.update({
    rules: [{ ...rule, path: '/', backend: 'default/shop:80' }],
    defaults: [],
    tls: [],
    backends: [{ id: 'default/shop:80', protocol: 'http', endpoints }],
  });
  t.teardown(() => server.close(0));
  return { port: (await server.listen()).httpPort, failures };
}

void t.test('requests that are not valid HTTP', async (t) => {
  const backend = await rawBackend(t);
  const { port } = await proxy(t, [backend]);
  const head = 'Host: shop.local\r\nConnection: close\r\n';
  const cases: Record<string, [request: string, status: number]> = {
    'Host twice': [`GET / HTTP/1.1\r\n${head}host: shop.local\r\n\r\n`, 400],
    'another version': [`GET / HTTP/2.0\r\n${head}\r\n`, 505],
    'chunks in HTTP/1.0': [`POST / HTTP/1.0\r\n${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    'another coding': [`POST / HTTP/1.1\r\n${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
    'chunked twice': [`POST / HTTP/1.1\r\n${head}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 400],
    TRACE: [`TRACE / HTTP/1.1\r\n${head}\r\n`, 405],
    CONNECT: [`CONNECT shop.local:80 HTTP/1.1\r\n${head}\r\n`, 405],
    'no host': ['GET / HTTP/1.0\r\n\r\n', 400],
  };
  for (const [name, [request, status]] of Object.entries(cases)) {
    t.equal(statusOf(await send(port, request)), status, name);
  }
  t.same(backend.received, [], 'the backend received nothing');
  t.equal(statusOf(await send(port, get('/', '', 'shop.local:'))), 200, 'an empty port is ignored');
});

void t.test('a chunk extension is hop-by-hop: the body is forwarded without it', async (t) => {
  const backend = await rawBackend(t, (socket) => {
    socket.on('data', () => {
      if (backend.received[0]!.endsWith('0\r\n\r\n')) socket.end(ok('done'));
    });
  });
  const { port } = await proxy(t, [backend]);
  const answer = await send(
    port,
    'POST / HTTP/1.1\r\nHost: shop.local\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3;a="\n"\r\nabc\r\n0\r\n\r\n',
  );
  const [status] = [statusOf(answer)];
  if (status === 200) t.notMatch(backend.received[0], /;a=/);
  else t.equal(status, 400, 'or the request is refused');
});

void t.test('upgrades lose the same headers as other requests', async (t) => {
  const claims =
    'X-Real-IP: 3.3.3.3\r\nX-Forwarded-For: 3.3.3.3\r\nForwarded: for=3.3.3.3\r\nX-Forwarded-Prefix: /p\r\nProxy: p\r\nX-Hop: h\r\nCookie: c\r\n';
  const upgrade = `${claims}Upgrade: websocket\r\nConnection: Upgrade, X-Hop, Cookie, Host\r\nSec-WebSocket-Key: k\r\n`;
  for (const [kind, answer] of [
    [
      'taken',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade, X-S\r\nX-S: s\r\nX-T: t\r\n\r\nhello',
    ],
    ['not taken', ok('plain', 'X-S: s\r\nX-T: t\r\nConnection: X-S\r\n')],
  ] as const) {
    const backend = await rawBackend(t, answer);
    const { port } = await proxy(t, [backend]);
    const got = await send(port, `GET /a%2Fb//c?x=%7e HTTP/1.1\r\nHost: shop.local\r\n${upgrade}\r\n`);
    const [request] = backend.received;
    t.match(request, /^GET \/a%2Fb\/\/c\?x=%7e HTTP\/1\.1\r\n/, `${kind}: the path is not rewritten`);
    t.same(valuesOf(request!, 'x-real-ip'), ['127.0.0.1'], kind);
    t.same(valuesOf(request!, 'x-forwarded-for'), ['127.0.0.1'], kind);
    t.same(valuesOf(request!, 'host'), ['shop.local'], kind);
    t.same(valuesOf(request!, 'cookie'), ['c'], kind);
    t.same(valuesOf(request!, 'connection'), ['Upgrade'], kind);
    for (const name of ['forwarded', 'x-forwarded-prefix', 'proxy', 'x-hop'])
      t.same(valuesOf(request!, name), [], name);
    t.equal(statusOf(got), kind === 'taken' ? 101 : 200, kind);
    t.same(valuesOf(got, 'x-s'), [], `${kind}: named in the backend's Connection header`);
    t.same(valuesOf(got, 'x-t'), ['t'], kind);
    t.match(got, kind === 'taken' ? /hello$/ : /plain$/, kind);
  }
});

void t.test('an upgrade with a body is a plain request', async (t) => {
  const backend = await rawBackend(t, ok('plain'));
  const { port } = await proxy(t, [backend]);
  const headers = 'Upgrade: websocket\r\nConnection: Upgrade, close\r\nContent-Length: 4\r\n';
  const answer = await send(port, `GET / HTTP/1.1\r\nHost: shop.local\r\n${headers}\r\nbody`);
  t.equal(statusOf(answer), 200);
  t.same(valuesOf(backend.received[0]!, 'upgrade'), []);
  t.match(backend.received[0], /\r\n\r\nbody$/);
});

void t.test('answers of small servers are accepted', async (t) => {
  const cases: Record<string, [answer: string, body: string]> = {
    'lines that end in LF alone': ['HTTP/1.1 200 OK\n\nhello\n', 'hello\n'],
    'LF with headers and a length': ['HTTP/1.0 200 OK\nContent-Type: text/plain\nContent-Length: 5\n\nhello', 'hello'],
    'blanks behind a chunk size': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n',
      'hello',
    ],
    'no reason phrase': ['HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
    '100 Continue that was not asked for': [`HTTP/1.1 100 Continue\r\n\r\n${ok('hello')}`, 'hello'],
    'many interim answers': [
      `HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${ok('hello')}`,
      'hello',
    ],
    'something behind the body': [`${ok('hello')}HTTP/1.1 200 OK\r\n\r\nextra`, 'hello'],
  };
  for (const [name, [answer, body]] of Object.entries(cases)) {
    const { port } = await proxy(t, [await rawBackend(t, answer)]);
    const got = await send(port, get('/', '').replace('HTTP/1.1', 'HTTP/1.0'));
    t.equal(statusOf(got), 200, name);
    t.equal(bodyOf(got), body, name);
  }
});

void t.test('ambiguous answers are refused, with the true reason', async (t) => {
  const cases: Record<string, [answer: string, reason: RegExp]> = {
    'two lengths': [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
      /not valid HTTP.*Content-Length/,
    ],
    'length and chunks': [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /not valid HTTP.*(Content-Length|Transfer-Encoding)/,
    ],
    'a status below 100': ['HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n', /not valid HTTP: status 99/],
    'no HTTP': ['hello\r\n', /not valid HTTP/],
    'NUL in a header': ['HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n', /not valid HTTP/],
    'closed without an answer': ['', /accepted the connection and closed it without answering/],
    'endless headers': [`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(10_000)}\r\n`, /too long/],
  };
  for (const [name, [answer, reason]] of Object.entries(cases)) {
    const backend = await rawBackend(t, answer);
    const { port, failures } = await proxy(t, [backend]);
    const got = await send(port, get('/'));
    t.equal(statusOf(got), 502, name);
    t.match(bodyOf(got), reason, name);
    t.notMatch(got, /127\.0\.0\.1|default/, `${name}: the client sees no inner addresses and names`);
    const [failure] = failures;
    t.match(
      failure!.detail,
      new RegExp(`default/shop:80, endpoint 127\\.0\\.0\\.1:${backend.port}`),
      'the log names Service and endpoint',
    );
    t.match(got, new RegExp(failure!.requestId), 'answer and log have the same request ID');
  }
});

void t.test('the answer says why there is no endpoint', async (t) => {
  const { port, failures } = await proxy(t, []);
  t.match(bodyOf(await send(port, get('/'))), /^503: the Service of this rule has no ready endpoints\nrequest /);
  t.match(failures[0], { status: 503, detail: 'default/shop:80: no ready endpoints' });
});

void t.test('trailers and hop-by-hop headers of a backend are not forwarded', async (t) => {
  const head =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Content-Length\r\nConnection: close, X-S\r\nX-S: s\r\n\r\n';
  const trailers = 'X-Sum: 1\r\nContent-Length: 99\r\nSet-Cookie: a=1\r\nX-Forwarded-For: 6.6.6.6\r\n';
  const { port } = await proxy(t, [await rawBackend(t, `${head}5\r\nhello\r\n0\r\n${trailers}\r\n`)]);
  const got = await send(port, get('/', 'TE: trailers\r\n').replace('Connection: close', 'Connection: close, TE'));
  t.match(bodyOf(got), /^5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n$/i);
  t.same(valuesOf(got, 'x-s'), []);
});

void t.test('bytes after an answer never reach the next client', async (t) => {
  const backend = await rawBackend(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil');
  });
  const { port } = await proxy(t, [backend]);
  for (let i = 0; i < 3; i++) t.equal(bodyOf(await send(port, get('/'))), 'ok');
});

void t.test('when the client leaves, the request to the backend ends', async (t) => {
  const asked = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const backend = await rawBackend(t, (socket) => {
    socket.on('close', () => closed.resolve());
    asked.resolve();
  });
  const { port } = await proxy(t, [backend]);
  const client = connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.write(get('/'));
  await asked.promise;
  client.destroy();
  await closed.promise;
  t.equal(backend.received.length, 1);
});

void t.test('the head of an answer does not wait for its body', async (t) => {
  const backend = await rawBackend(
    t,
    (socket) => void socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
  );
  const { port } = await proxy(t, [backend]);
  const client = connect(port, '127.0.0.1');
  t.teardown(() => client.destroy());
  client.setEncoding('latin1');
  client.write(get('/events'));
  const [head] = await once(client, 'data');
  t.match(head, /^HTTP\/1\.1 200 OK\r\n/);
});

void t.test('no spelling of a path avoids a rule, and the path is forwarded as it was sent', async (t) => {
  const [root, admin] = [await rawBackend(t, ok('root')), await rawBackend(t, ok('admin'))];
  const server = new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0 });
  const rule = { ingress: 'd/s', createdMs: 1, host: 'shop.local', pathType: 'Prefix' as const };
  const backendOf = (id: string, { address, port }: RawBackend) => ({
    id,
    protocol: 'http' as const,
    endpoints: [{ address, port }],
  });
  server.update({
    rules: [
      { ...rule, path: '/', backend: 'root' },
      { ...rule, path: '/admin', backend: 'admin' },
    ],
    defaults: [],
    tls: [],
    backends: [backendOf('root', root), backendOf('admin', admin)],
  });
  t.teardown(() => server.close(0));
  const { httpPort } = await server.listen();
  const ask = async (path: string) => {
    const answer = await send(httpPort, get(path));
    return statusOf(answer) === 200 ? bodyOf(answer) : statusOf(answer);
  };
  const cases: Record<string, string | number> = {
    '/admin': 'admin',
    '/%61dmin': 'admin',
    '/%61%64%6D%69n/x': 'admin',
    '//admin': 400,
    '///admin': 400,
    '/%2Fadmin': 400,
    '/admin%2Fx': 400,
    '/admin%5Cx': 400,
    '/admin;x=1': 400,
    '/admin;/x': 400,
    '/x/..;/admin': 400,
    '/x%2F..%2Fadmin': 400,
    '//other': 'root',
    '/a%2Fb': 'root',
    '/other;x=1': 'root',
    '/administrator': 'root',
    '/admin/a//b%2Fc;d': 'admin',
  };
  for (const [path, want] of Object.entries(cases)) t.equal(await ask(path), want, path);
  t.match(admin.received.join(), 'GET /%61%64%6D%69n/x HTTP/1.1');
  t.match(admin.received.join(), 'GET /admin/a//b%2Fc;d HTTP/1.1');
  t.match(root.received.join(), 'GET //other HTTP/1.1');
});
