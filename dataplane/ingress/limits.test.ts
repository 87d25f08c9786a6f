import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectH2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import t, { type Test } from 'tap';
import { createAuthority, issueCertificate } from '../../controlplane/pki/issue';
import { get, ok, type RawBackend, rawBackend, send, statusOf } from '../../test/lib/raw-http';
import type { Limits } from './limits';
import { IngressServer } from './server';

const now = Date.now();
const host = 'a.local';
const authority = createAuthority('test', now);

async function start(t: Test, limits: Partial<Limits>, answer: RawBackend['answer'] = ok('hello')) {
  const endpoint = await rawBackend(t, answer);
  const ca = await authority;
  const pair = await issueCertificate(ca, { commonName: host, usages: ['server'], hosts: [host] }, now);
  const server = new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0, limits });
  const { address, port } = endpoint;
  server.update({
    rules: [{ ingress: 's/i', createdMs: 1, host, path: '/', pathType: 'Prefix', backend: 'b' }],
    defaults: [],
    tls: [{ hosts: [host], certificate: pair.cert, key: pair.key, secret: 's/c' }],
    backends: [{ id: 'b', protocol: 'http', endpoints: [{ address, port }] }],
  });
  const ports = await server.listen();
  t.teardown(() => server.close(0));
  return { ...ports, ca: ca.cert };
}

/** Resolves when the server has closed the connection. */
async function cutOff(socket: Socket): Promise<void> {
  socket.on('error', () => {});
  socket.resume();
  if (!socket.closed) await once(socket, 'close').catch(() => {});
}

async function ended(client: ClientHttp2Session): Promise<void> {
  await new Promise<void>((resolve) => (client.destroyed ? resolve() : client.once('close', () => resolve())));
}

function session(t: Test, port: number, ca: string): ClientHttp2Session {
  const client = connectH2(`https://${host}:${port}`, {
    ca,
    lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }] as never, 4),
  });
  client.on('error', () => {});
  t.teardown(() => client.destroy());
  return client;
}

void t.test('a slow client loses its connection, on every port and protocol', async (t) => {
  const { httpPort, httpsPort, ca } = await start(t, { headMs: 100 });
  const tls = { port: httpsPort, host: '127.0.0.1', servername: host, ca };
  const half = `GET / HTTP/1.1\r\nHost: ${host}\r\n`;
  const plain = connect(httpPort, '127.0.0.1', () => plain.write(half));
  const silent = connect(httpPort, '127.0.0.1');
  const noHandshake = connect(httpsPort, '127.0.0.1');
  const secure = connectTls({ ...tls, ALPNProtocols: ['http/1.1'] }, () => secure.write(half));
  const secureSilent = connectTls({ ...tls, ALPNProtocols: ['http/1.1'] });
  const h2 = session(t, httpsPort, ca);
  const noPreface = connectTls({ ...tls, ALPNProtocols: ['h2'] });
  const all = { plain, silent, noHandshake, secure, secureSilent, noPreface };
  await Promise.all(Object.values(all).map(cutOff));
  for (const [name, socket] of Object.entries(all)) t.ok(socket.closed, name);
  await ended(h2);
  t.ok(h2.closed, 'HTTP/2 without a request');
});

void t.test('HTTP/2 connections without requests, and with a request without progress, are closed', async (t) => {
  const idle = await start(t, { idleMs: 100 });
  const client = session(t, idle.httpsPort, idle.ca);
  const stream = client.request({ ':path': '/' });
  stream.resume();
  const [head] = await once(stream, 'response');
  t.equal(head[':status'], 200);
  await ended(client);
  t.ok(client.closed, 'an idle connection is closed');

  const stalled = await start(t, { stalledMs: 100 }, () => {});
  const other = session(t, stalled.httpsPort, stalled.ca);
  const upload = other.request({ ':path': '/', ':method': 'POST' });
  upload.on('error', () => {});
  upload.write('the first part, and nothing after it');
  await ended(other);
  t.ok(other.closed);
  const plain = connect(stalled.httpPort, '127.0.0.1');
  plain.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nsome`);
  await cutOff(plain);
  t.ok(plain.destroyed, 'the same for HTTP/1.1');
});

void t.test('HTTP/2: concurrent streams are bounded, and repeated resets end the connection', async (t) => {
  const { httpsPort, ca } = await start(t, {});
  const client = session(t, httpsPort, ca);
  await once(client, 'remoteSettings');
  t.equal(client.remoteSettings.maxConcurrentStreams, 100);
  const gone = ended(client);
  for (let i = 0; i < 5_000 && !client.destroyed; i++) {
    const stream = client.request({ ':path': '/' });
    stream.on('error', () => {});
    stream.close(8);
    if (i % 50 === 0) await new Promise((done) => setImmediate(done));
  }
  await gone;
  t.ok(client.destroyed);
});

void t.test('the longest head is an option, for requests and answers', async (t) => {
  const pad = (n: number) => `X-Pad: ${'x'.repeat(n)}\r\n`;
  const small = await start(t, { maxHeaderBytes: 2_000 }, ok('hello', pad(4_000)));
  t.equal(statusOf(await send(small.httpPort, get('/', pad(3_000), host))), 431);
  t.equal(statusOf(await send(small.httpPort, get('/', '', host))), 502, 'the head of the answer is too long');
  const large = await start(t, { maxHeaderBytes: 64_000 }, ok('hello', pad(50_000)));
  t.equal(statusOf(await send(large.httpPort, get('/', pad(50_000), host))), 200);
});

void t.test('more connections than allowed are closed at once', async (t) => {
  const { httpPort } = await start(t, { maxConnections: 2 });
  const held = [connect(httpPort, '127.0.0.1'), connect(httpPort, '127.0.0.1')];
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  t.equal(await send(httpPort, get('/', '', host)), '');
  for (const socket of held) socket.destroy();
});
