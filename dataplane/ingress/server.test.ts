import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import type { Endpoint } from './backends';
import type { RouteRule } from './routes';
import { type Answered, type IngressConfig, IngressServer, type IngressServerOptions } from './server';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A real backend on loopback; closed with the test. */
async function backend(t: Test, handler: Handler): Promise<Endpoint> {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** A port without a listener: bound once and closed again. */
async function deadEndpoint(): Promise<Endpoint> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return { address: '127.0.0.1', port };
}

function config(endpoints: Endpoint[], host = 'shop.local'): IngressConfig {
  const rule: RouteRule = {
    ingress: 'default/shop',
    createdMs: 1,
    host,
    path: '/',
    pathType: 'Prefix',
    backend: 'default/shop:80',
  };
  return { rules: [rule], defaults: [], tls: [], backends: [{ id: rule.backend, protocol: 'http', endpoints }] };
}

async function proxy(t: Test, first: IngressConfig, options: Partial<IngressServerOptions> = {}) {
  const server = new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0, ...options });
  server.update(first);
  const { httpPort } = await server.listen();
  t.teardown(() => server.close(0));
  return { server, port: httpPort };
}

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}
function ask(
  port: number,
  options: { path?: string; method?: string; host?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { path = '/', method = 'GET', host = 'shop.local', headers = {}, body } = options;
    const req = request({ port, host: '127.0.0.1', path, method, headers: { host, ...headers } }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    req.on('error', reject);
    req.end(body);
  });
}

void t.test('method, path, query, headers and body reach the backend unchanged', async (t) => {
  const endpoint = await backend(t, (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      res.setHeader('x-kept', ['a', 'b']);
      res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body }));
    });
  });
  const { port } = await proxy(t, config([endpoint]));
  const headers = { 'user-agent': 'test/1', 'x-forwarded-for': '6.6.6.6', connection: 'x-secret', 'x-secret': 'hop' };
  const answer = await ask(port, { method: 'PUT', path: '/a%2Fb?c=1&c=2', headers, body: 'payload' });
  const seen = JSON.parse(answer.body);
  t.equal(answer.status, 200);
  t.equal(answer.headers['x-kept'], 'a, b');
  t.equal(answer.headers.server, 'k8ts');
  t.match(seen, { method: 'PUT', url: '/a%2Fb?c=1&c=2', body: 'payload' });
  t.equal(seen.headers['user-agent'], 'test/1');
  t.equal(seen.headers.host, 'shop.local');
  t.equal(seen.headers['x-forwarded-for'], '127.0.0.1', 'a forwarding header of the client is replaced');
  t.equal(seen.headers['x-forwarded-proto'], 'http');
  t.notOk('x-secret' in seen.headers, 'a header named in Connection is not forwarded');
});

void t.test('no rule, no host, a path with dot segments, no endpoints', async (t) => {
  const { port, server } = await proxy(t, config([]));
  t.match(await ask(port, { host: 'other.local' }), {
    status: 404,
    body: /no Ingress has a rule for host other.local/,
  });
  t.match(await ask(port, { host: 'a b' }), { status: 400 });
  t.match(await ask(port, { path: '/x/../y' }), { status: 400 });
  t.match(await ask(port), { status: 503, body: /no ready endpoints/ });
  server.update({ rules: [], defaults: [], tls: [], backends: [] });
  t.match(await ask(port), { status: 404 });
});

void t.test('requests before the first configuration wait, with a time limit', async (t) => {
  const endpoint = await backend(t, (req, res) => void req.pipe(res));
  const start = async (holdMs: number) => {
    const server = new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0, holdMs });
    t.teardown(() => server.close(0));
    return { server, port: (await server.listen()).httpPort };
  };
  const { server, port } = await start(3_600_000);
  const early = ask(port, { method: 'POST', body: 'early' });
  // A second server answers at once: by then the first server has received its request too.
  const { port: impatient } = await start(0);
  t.match(await ask(impatient), { status: 503, body: /just started/ });
  server.update(config([endpoint]));
  t.match(await early, { status: 200, body: 'early' });
});

void t.test('endpoints take turns', async (t) => {
  const endpoints = await Promise.all(['a', 'b', 'c'].map((name) => backend(t, (_req, res) => res.end(name))));
  const { port } = await proxy(t, config(endpoints));
  const counts: Record<string, number> = {};
  for (let i = 0; i < 30; i++) {
    const { body } = await ask(port);
    counts[body] = (counts[body] ?? 0) + 1;
  }
  t.same(counts, { a: 10, b: 10, c: 10 });
});

void t.test('after a refused connection another endpoint is tried, also with a body', async (t) => {
  const live = await backend(t, (req, res) => void req.pipe(res));
  const { port } = await proxy(t, config([await deadEndpoint(), live]));
  for (let i = 0; i < 4; i++) {
    t.match(await ask(port, { method: 'POST', body: `n${i}` }), { status: 200, body: `n${i}` });
  }
  const { port: deadPort } = await proxy(t, config([await deadEndpoint(), await deadEndpoint()]));
  t.match(await ask(deadPort), { status: 502, body: /none of 2 endpoints/ });
});

void t.test('a POST that reached a backend is never sent twice', async (t) => {
  let seen = 0;
  const endpoint = await backend(t, (req) => {
    seen++;
    req.socket.destroy();
  });
  const { port } = await proxy(t, config([endpoint, endpoint]));
  t.match(await ask(port, { method: 'POST', body: 'x' }), { status: 502 });
  t.equal(seen, 1);
});

void t.test('a body that the backend cuts short is not forwarded as complete', async (t) => {
  const endpoint = await backend(t, (_req, res) => {
    res.writeHead(200, { 'content-length': '100' });
    res.write('half');
    res.socket?.end();
  });
  const { port } = await proxy(t, config([endpoint]));
  await t.rejects(ask(port));
});

void t.test('a large body passes in both directions', async (t) => {
  const endpoint = await backend(t, (req, res) => void req.pipe(res));
  const { port } = await proxy(t, config([endpoint]));
  const body = 'x'.repeat(8 << 20);
  const answer = await ask(port, { method: 'POST', body });
  t.equal(answer.body.length, body.length);
});

void t.test('a WebSocket stays open through every change of configuration', async (t) => {
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((_req, res) => res.end('plain'));
  server.on('upgrade', (req, socket, head) => {
    sockets.handleUpgrade(req, socket, head, (ws) => ws.on('message', (data) => ws.send(`echo ${String(data)}`)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
  });
  const endpoint = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const { server: ingress, port } = await proxy(t, config([endpoint]));
  const ws = new WebSocket(`ws://127.0.0.1:${port}/chat`, { headers: { host: 'shop.local' } });
  await once(ws, 'open');
  for (let i = 0; i < 50; i++) ingress.update(config([], `other-${i}.local`));
  ws.send('still here');
  const [data] = await once(ws, 'message');
  t.equal(String(data), 'echo still here');
  ws.close();
  await once(ws, 'close');

  const refused = new WebSocket(`ws://127.0.0.1:${port}/chat`, { headers: { host: 'shop.local' } });
  const [, response] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
  t.equal(response.statusCode, 404);
  response.destroy();
});

void t.test('an upgrade other than WebSocket is answered as a plain request', async (t) => {
  const endpoint = await backend(t, (req, res) => res.end(String(req.headers.upgrade)));
  const { port } = await proxy(t, config([endpoint]));
  const answer = await ask(port, { headers: { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' } });
  t.match(answer, { status: 200, body: 'undefined' });
});

void t.test('running requests finish when their endpoint is removed', async (t) => {
  let finish = () => {};
  const started = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let release: ServerResponse | undefined;
  const endpoint = await backend(t, (_req, res) => {
    res.write('first ');
    release = res;
    finish();
  });
  const { server, port } = await proxy(t, config([endpoint]));
  const answer = ask(port);
  await started;
  server.update(config([]));
  release?.end('second');
  t.equal((await answer).body, 'first second');
});

void t.test('an ExternalName backend is judged by the address of the connection', async (t) => {
  const endpoint = await backend(t, (_req, res) => {
    res.setHeader('connection', 'close');
    res.end('inside');
  });
  let refused: string | undefined;
  const asked: string[] = [];
  const dialing = {
    lookup: async (name: string) => {
      asked.push(name);
      return ['127.0.0.1'];
    },
    refuse: () => refused,
  };
  const named = (address: string) => config([{ address, port: endpoint.port }]);
  const { server, port } = await proxy(t, named('web.t.svc.cluster.local'), { dialing });
  t.match(await ask(port), { status: 200, body: 'inside' });
  refused = 'loopback';
  t.match(await ask(port), { status: 502 }, 'the same name, which now has the address of the node');
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: 'shop.local' } });
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  t.equal(response.statusCode, 502, 'the same for upgrades');
  response.destroy();
  refused = undefined;
  t.match(await ask(port), { status: 200 });
  const before = asked.length;
  for (const name of ['0x7f.1', '127.1', 'localhost', '2130706433']) {
    server.update(named(name));
    t.match(await ask(port), { status: 503 }, name);
  }
  t.equal(asked.length, before, 'refused without a lookup');
});

t.test('each request is reported once, also one whose client has left', async (t) => {
  const seen: Answered[] = [];
  const waiting = Promise.withResolvers<void>();
  const silent = await backend(t, ({ url }, response) => {
    if (url === '/fast') response.end('fast');
    else if (url === '/begun') response.write('begun');
    else waiting.resolve();
  });
  const reported = () => new Promise<void>((resolve) => (wake = resolve));
  let wake: () => void = () => undefined;
  const onAnswer = (answered: Answered) => {
    seen.push(answered);
    wake();
  };
  const { port } = await proxy(t, config([silent]), { onAnswer });
  const leaves = (path: string) => request({ port, path, host: '127.0.0.1', headers: { host: 'shop.local' } });
  const last = reported();
  await ask(port, { path: '/fast' });
  await last;
  t.match(seen, [{ status: 200, route: { ingress: 'default/shop' } }]);

  const left = reported();
  const one = leaves('/never').on('error', () => undefined);
  one.end();
  await waiting.promise;
  one.destroy();
  await left;
  t.match(seen[1], { status: 499, endpoint: `127.0.0.1:${silent.port}` }, 'no answer had begun');

  const cut = reported();
  const other = leaves('/begun');
  other.end();
  const [answer] = (await once(other, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  await once(answer, 'data');
  other.destroy();
  await cut;
  t.match(seen[2], { status: 200 }, 'who stops reading a stream has had an answer');
  t.equal(seen.length, 3);
});
