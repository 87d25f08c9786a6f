import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  createServer as createH2cServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { get, request } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import t, { type Test } from 'tap';
import { createAuthority, issueCertificate } from '../../controlplane/pki/issue';
import type { BackendInput } from './backends';
import { IngressServer } from './server';
import { compileTls, contextFor, type TlsInput } from './tls';

const now = Date.now();
const authority = createAuthority('test', now);

async function certificateFor(...hosts: string[]): Promise<TlsInput> {
  const pair = await issueCertificate(await authority, { commonName: hosts[0]!, usages: ['server'], hosts }, now);
  return { hosts, certificate: pair.cert, key: pair.key, secret: `shop/${hosts[0]}` };
}

async function listen(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A proxy with one backend for a.local, b.local and *.c.local; resolves with its HTTPS port. */
async function start(t: Test, port: number, protocol: BackendInput['protocol'] = 'http') {
  const server = new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0 });
  const route = { ingress: 's/i', createdMs: 1, path: '/', pathType: 'Prefix' as const, backend: 's/b:1' };
  server.update({
    rules: ['a.local', 'b.local', '*.c.local'].map((host) => ({ ...route, host })),
    defaults: [],
    backends: [{ id: 's/b:1', protocol, endpoints: [{ address: '127.0.0.1', port }] }],
    tls: [await certificateFor('a.local'), await certificateFor('b.local'), await certificateFor('*.c.local')],
  });
  const { httpsPort } = await server.listen();
  t.teardown(() => server.close(0));
  return httpsPort;
}

function askTls(port: number, servername: string, host: string, ca: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername, ca, headers: { host }, agent: false as const };
    get(options, (res) => {
      let body = '';
      res.setEncoding('utf8');
      res.on('data', (text: string) => {
        body += text;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    }).on('error', reject);
  });
}

void t.test('each name has its own certificate; other names are refused', async (t) => {
  const backend = createServer((req, res) => res.end(`${req.headers['x-forwarded-proto']} ${req.headers.host}`));
  const port = await start(t, await listen(t, backend));
  const { cert } = await authority;
  t.same(await askTls(port, 'a.local', 'a.local', cert), { status: 200, body: 'https a.local' });
  t.same(await askTls(port, 'x.c.local', 'x.c.local', cert), { status: 200, body: 'https x.c.local' });
  t.match(await askTls(port, 'a.local', 'b.local', cert), { status: 421 }, 'one certificate, another host');
  await t.rejects(askTls(port, 'nobody.local', 'nobody.local', cert), 'without a certificate the handshake fails');
});

function call(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: string,
): Promise<{ head: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (found) => {
      head = found;
    });
    stream.on('trailers', (found) => {
      trailers = found;
    });
    stream.on('data', (part: string) => {
      text += part;
    });
    stream.on('error', reject);
    stream.on('end', () => resolve({ head, trailers, body: text }));
    stream.end(body);
  });
}

void t.test('HTTP/2 from the client, HTTP/1.1 to the backend', async (t) => {
  const backend = createServer((req, res) => {
    res.setHeader('connection', 'keep-alive');
    res.end(`${req.method} ${req.url} ${req.headers.host} ${req.httpVersion}`);
  });
  const port = await start(t, await listen(t, backend));
  const session = connect(`https://a.local:${port}`, {
    ca: (await authority).cert,
    servername: 'a.local',
    lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }] as never, 4),
  });
  t.teardown(() => session.destroy());
  const { head, body } = await call(session, { ':path': '/p?q=1', ':method': 'POST' }, 'x');
  t.equal(head[':status'], 200);
  t.match(body, /^POST \/p\?q=1 a\.local:\d+ 1\.1$/);
});

void t.test('gRPC: HTTP/2 on both sides, with trailers', async (t) => {
  const backend = createH2cServer();
  backend.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-te': String(headers.te) }));
    stream.pipe(stream);
  });
  const port = await start(t, await listen(t, backend as unknown as Server), 'h2c');
  const session = connect(`https://a.local:${port}`, {
    ca: (await authority).cert,
    servername: 'a.local',
    lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }] as never, 4),
  });
  t.teardown(() => session.destroy());
  const headers = { ':path': '/shop.Api/Get', ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  const { head, trailers, body } = await call(session, headers, 'message');
  t.equal(head['content-type'], 'application/grpc');
  t.equal(body, 'message');
  t.equal(trailers['grpc-status'], '0');
  t.equal(trailers['x-te'], 'trailers');
});

void t.test('a broken pair is reported and does not affect the others', async (t) => {
  const good = await certificateFor('a.local');
  const table = compileTls([{ ...good, hosts: ['b.local'], certificate: 'nonsense', secret: 's/bad' }, good]);
  t.equal(table.broken[0]?.secret, 's/bad');
  t.ok(contextFor(table, 'A.local'));
  t.notOk(contextFor(table, 'b.local'));
});

void t.test('a request with Expect is answered', async (t) => {
  const backend = createServer((req, res) => void req.pipe(res));
  const port = await start(t, await listen(t, backend));
  const req = request({
    port,
    host: '127.0.0.1',
    servername: 'a.local',
    ca: (await authority).cert,
    method: 'PUT',
    headers: { host: 'a.local', expect: '100-continue' },
    agent: false,
  });
  req.flushHeaders();
  await once(req, 'continue');
  req.end('body');
  const [res] = await once(req, 'response');
  res.setEncoding('utf8');
  const [body] = await once(res, 'data');
  t.equal(body, 'body');
});
