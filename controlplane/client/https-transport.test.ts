// Over real sockets on loopback, without TLS.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { HttpsTransport } from './https-transport';

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

t.test('a server that never answers is given up, and the next request takes a new connection', async (t) => {
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

t.test('an answer that has begun may take its time', async (t) => {
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
  // A request that is given up later than the first would have been shows that its time has passed.
  const silent = new HttpsTransport({ server: await serve(t, () => {}) }, { answerTimeoutMs: 1_500 });
  t.teardown(() => silent.close());
  await t.rejects(silent.send({ method: 'GET', path: '/' }), { code: 'Unavailable' });
  finish();
  await read;
  t.equal(text, 'first last');
});
