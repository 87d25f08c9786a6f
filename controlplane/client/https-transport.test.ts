// Over real sockets on loopback, with and without TLS.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { ensurePki } from '../pki/pki';
import { HttpsTransport } from './https-transport';
import { readText } from './lines';

async function serve(t: Test, handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('a server that never answers is given up, and the next request opens a new connection', async (t) => {
  const ports: (number | undefined)[] = [];
  const server = await serve(t, (req, res) => {
    ports.push(req.socket.remotePort);
    if (ports.length > 1) res.end('here');
  });
  const transport = new HttpsTransport({ server }, { answerTimeoutMs: 1_000 });
  t.teardown(() => transport.close());
  await t.rejects(transport.send({ method: 'PATCH', path: '/' }), { code: 'Unavailable', message: /no answer/ });
  const answer = await transport.send({ method: 'PATCH', path: '/' });
  t.equal(answer.status, 200);
  t.not(ports[0], ports[1]);
});

t.test('an answer that has begun has no time limit', async (t) => {
  let finish = () => {};
  const server = await serve(t, (_req, res) => {
    res.write('first ');
    finish = () => res.end('last');
  });
  const transport = new HttpsTransport({ server }, { answerTimeoutMs: 1_000 });
  t.teardown(() => transport.close());
  const { body } = await transport.send({ method: 'GET', path: '/' });
  let text = '';
  const read = (async () => {
    for await (const chunk of body) text += chunk;
  })();
  // This request has a longer time limit than the first: when it fails, the limit of the first has passed.
  const silent = new HttpsTransport({ server: await serve(t, () => {}) }, { answerTimeoutMs: 1_500 });
  t.teardown(() => silent.close());
  await t.rejects(silent.send({ method: 'GET', path: '/' }), { code: 'Unavailable' });
  finish();
  await read;
  t.equal(text, 'first last');
});

async function directory(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-https-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

t.test('over TLS: both sides are verified', async (t) => {
  const dir = await directory(t);
  const names = { advertiseAddress: '192.0.2.1', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' };
  await ensurePki(dir, { ...names, extraHosts: [] });
  const pem = (name: string) => readFile(join(dir, name), 'utf8');
  const ca = await pem('ca.crt');
  const server = createTlsServer(
    {
      ca,
      cert: await pem('apiserver.crt'),
      key: await pem('apiserver.key'),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (req, res) => {
      const socket = req.socket as TLSSocket;
      const name = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : 'nobody';
      res.end(`${name} ${socket.isSessionReused() ? 'again' : ''}`.trim());
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (options: Partial<ConstructorParameters<typeof HttpsTransport>[0]>) => {
    const transport = new HttpsTransport({ server: url, ...options });
    try {
      return await readText((await transport.send({ method: 'GET', path: '/' })).body);
    } finally {
      transport.close();
    }
  };
  const cert = await pem('apiserver-kubelet-client.crt');
  const key = await pem('apiserver-kubelet-client.key');
  t.match(await ask({ ca, cert, key }), /kubelet/, 'the client certificate arrives');
  t.equal(await ask({ ca }), 'nobody');
  t.match(await ask({ ca, tlsServerName: 'kubernetes.default.svc' }), 'nobody', 'verified against a name given');
  await t.rejects(ask({ ca, tlsServerName: 'example.com' }), { code: 'Unavailable', message: /altnames/i });
  await t.rejects(ask({}), { code: 'Unavailable' }, 'an unknown CA');
  t.equal(await ask({ insecureSkipTlsVerify: true }), 'nobody');
});

t.test('a replaced token file is read again', async (t) => {
  const tokenFile = join(await directory(t), 'token');
  const server = await serve(t, (req, res) => res.end(req.headers.authorization));
  const ask = async (transport: HttpsTransport) => readText((await transport.send({ method: 'GET', path: '/' })).body);
  const fresh = new HttpsTransport({ server, tokenFile }, { tokenMaxAgeMs: -1 });
  const keeping = new HttpsTransport({ server, tokenFile });
  t.teardown(() => {
    fresh.close();
    keeping.close();
  });
  await t.rejects(ask(fresh), { code: 'Unavailable', message: /cannot read the token file/ });
  await writeFile(tokenFile, 'first\n');
  t.equal(await ask(fresh), 'Bearer first');
  t.equal(await ask(keeping), 'Bearer first');
  await writeFile(tokenFile, 'second\n');
  t.equal(await ask(fresh), 'Bearer second');
  t.equal(await ask(keeping), 'Bearer first', 'not for each request');
});

t.test('a peer that accepts the connection and never completes the handshake is given up', async (t) => {
  const silent = createTcpServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const server = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const transport = new HttpsTransport({ server }, { connectTimeoutMs: 300 });
  t.teardown(() => transport.close());
  await t.rejects(transport.send({ method: 'GET', path: '/' }), {
    code: 'Unavailable',
    message: /no connection after 300 ms/,
  });
});

t.test('many requests at once share a few connections; a watch takes none of them', async (t) => {
  const ports = new Set<number | undefined>();
  const held: (() => void)[] = [];
  const server = await serve(t, (req, res) => {
    if (req.url?.includes('watch=true')) {
      res.write('{}');
      return;
    }
    ports.add(req.socket.remotePort);
    held.push(() => res.end(req.url));
    // The limit is reached: from here on each answer makes room for the next request.
    if (held.length === 2) for (const answer of held.splice(0)) setImmediate(answer);
  });
  const transport = new HttpsTransport({ server }, { maxConnections: 2 });
  t.teardown(() => transport.close());
  const end = new AbortController();
  for (let i = 0; i < 3; i++)
    await transport.send({ method: 'GET', path: `/pods?watch=true&i=${i}`, signal: end.signal });
  const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
  const answers = await Promise.all(
    paths.map(async (path) => readText((await transport.send({ method: 'POST', path })).body)),
  );
  t.same(answers, paths);
  t.equal(ports.size, 2);
  end.abort();
});

t.test('a Lease is renewed while all connections wait for answers', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const server = await serve(t, (req, res) => {
    if (req.url?.startsWith('/apis/coordination.k8s.io/')) res.end('renewed');
    else arrived.resolve();
  });
  const transport = new HttpsTransport({ server }, { maxConnections: 1 });
  t.teardown(() => transport.close());
  const end = new AbortController();
  const slow = transport.send({ method: 'POST', path: '/api/v1/slow', signal: end.signal });
  await arrived.promise;
  const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1';
  t.equal(await readText((await transport.send({ method: 'PUT', path })).body), 'renewed');
  end.abort();
  await t.rejects(slow);
});

t.test('a request that waits for a connection has its whole time once it has one', async (t) => {
  const waiting: (() => void)[] = [];
  const server = await serve(t, (req, res) => {
    if (req.url === '/second') res.end('second');
    else waiting.push(() => res.end('first'));
  });
  const transport = new HttpsTransport({ server }, { maxConnections: 1, answerTimeoutMs: 600 });
  t.teardown(() => transport.close());
  const first = transport.send({ method: 'POST', path: '/first' });
  const second = transport.send({ method: 'POST', path: '/second' });
  await t.rejects(first, { message: /no answer after 600 ms/ });
  t.equal(await readText((await second).body), 'second', 'it waited as long as its own limit');
});

t.test('a request that waits for a connection can be aborted', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const server = await serve(t, () => arrived.resolve());
  const transport = new HttpsTransport({ server }, { maxConnections: 1 });
  t.teardown(() => transport.close());
  const end = new AbortController();
  const first = transport.send({ method: 'POST', path: '/', signal: end.signal });
  await arrived.promise;
  const reason = new Error('no longer needed');
  const stop = new AbortController();
  const second = transport.send({ method: 'POST', path: '/', signal: stop.signal });
  await new Promise(setImmediate);
  stop.abort(reason);
  await t.rejects(second, reason);
  const third = transport.send({ method: 'POST', path: '/', signal: stop.signal });
  await t.rejects(third, reason, 'aborted before it began');
  end.abort(reason);
  await t.rejects(first, reason);
});
