// Answers to requests with an Upgrade header: logs and watches as WebSocket messages, all else as plain HTTP.
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { WebSocket } from 'ws';
import { startApiServer } from '../../../test/lib/api-server';
import { readEnvelope, readEvent } from '../../../test/lib/protobuf';
import { loadSchemas } from '../../api/schema/load';
import { BadRequest } from '../../base/errors';
import { jsonReply, type Reply, type Sink } from '../request';
import { answerUpgrade } from './upgrade-reply';

type Tap = Pick<typeof t, 'teardown'>;

/** Starts a server that answers every upgrade with this reply. Returns its port and the number of refusals. */
async function serving(t: Tap, reply: Reply) {
  const refused: unknown[] = [];
  const server = createServer();
  server.on('upgrade', (message: IncomingMessage, socket, head: Buffer) => {
    try {
      answerUpgrade({ message, socket, head }, reply);
    } catch (err) {
      refused.push(err);
      socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, refused };
}

const stream = (start: (sink: Sink) => void): Reply => ({ status: 200, type: 'text/plain', start });
const twoParts = stream((sink) => {
  sink.write(Buffer.from('first\n'));
  sink.write(Buffer.from([0xff, 0x0a]));
  sink.end();
});

/** All messages until the server closes; binary ones as buffers. */
async function messagesOf(client: WebSocket): Promise<(string | Buffer)[]> {
  const seen: (string | Buffer)[] = [];
  client.on('message', (data: Buffer, isBinary) => seen.push(isBinary ? data : data.toString()));
  await once(client, 'close');
  return seen;
}

t.test('a log is sent as binary messages, or in base64 when the client requests it', async (t) => {
  const { port, refused } = await serving(t, twoParts);
  const connect = (...protocols: string[]) => new WebSocket(`ws://127.0.0.1:${port}/`, protocols);
  const bytes = [Buffer.from('first\n'), Buffer.from([0xff, 0x0a])];
  t.same(await messagesOf(connect()), bytes);
  const binary = connect('unknown.k8s.io', 'binary.k8s.io');
  t.same(await messagesOf(binary), bytes);
  t.equal(binary.protocol, 'binary.k8s.io');
  t.same(await messagesOf(connect('base64.binary.k8s.io')), ['Zmlyc3QK', '/wo=']);
  const [err] = await once(connect('unknown.k8s.io'), 'error');
  t.match(err, { message: /400/ });
  t.match(refused, [new BadRequest('requested protocol(s) are not supported: ["unknown.k8s.io"]')]);
});

t.test('the stream ends when its reader leaves, and waits for a slow reader', async (t) => {
  const events: string[] = [];
  let wroteAll = true;
  const chunk = Buffer.alloc(64 * 1024);
  const { port } = await serving(
    t,
    stream((sink) => {
      sink.onClose(() => events.push('closed'));
      sink.onDrain(() => events.push('drained'));
      for (let i = 0; i < 1000 && wroteAll; i++) wroteAll = sink.write(chunk);
    }),
  );
  const client = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(client, 'message');
  t.equal(wroteAll, false, 'the writer was paused');
  while (!events.includes('drained')) await new Promise((resolve) => setImmediate(resolve));
  client.terminate();
  while (!events.includes('closed')) await new Promise((resolve) => setImmediate(resolve));
});

t.test('any other upgrade gets the plain HTTP answer', async (t) => {
  const ask = async (reply: Reply, upgrade: string) => {
    const { port } = await serving(t, reply);
    const request = httpRequest({ port, host: '127.0.0.1', headers: { connection: 'upgrade', upgrade } }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of response) text += part;
    return { status: response.statusCode, type: response.headers['content-type'], text };
  };
  t.same(await ask(twoParts, 'h2c'), { status: 200, type: 'text/plain', text: 'first\n\ufffd\n' });
  t.same(await ask(jsonReply({ a: 1 }), 'h2c'), { status: 200, type: 'application/json', text: '{"a":1}\n' });
  t.match(
    await ask(jsonReply({ code: 403 }, 403), 'websocket'),
    { status: 403 },
    'the client reads the refusal as HTTP',
  );
});

t.test('a watch of the API server: one event in each message', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const admin = await server.identity('kubernetes-admin', 'system:masters');
  const path = '/api/v1/namespaces/default/configmaps';
  const connect = (query: string, pair = admin) =>
    new WebSocket(`wss://127.0.0.1:${server.port}${path}${query}`, { ca: server.ca, cert: pair.cert, key: pair.key });
  const client = connect('?watch=1');
  await once(client, 'open');
  const seen: string[] = [];
  client.on('message', (data: Buffer) => {
    const { type, object } = JSON.parse(data.toString());
    seen.push(`${type} ${object.metadata.name}`);
  });
  for (const name of ['a', 'b']) await server.call('POST', path, { body: { metadata: { name } } });
  await server.call('DELETE', `${path}/a`);
  while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
  t.same(seen, ['ADDED a', 'ADDED b', 'DELETED a']);
  client.close();
  await once(client, 'close');
  const stranger = await server.identity('stranger');
  t.match(await once(connect('?watch=1', stranger), 'error'), [{ message: /403/ }]);
  t.match(await once(connect(''), 'error'), [{ message: /200/ }], 'a list is not streamed');
});

t.test(
  'a watch in protobuf: each message is an event, without the length that a stream has in front of it',
  async (t) => {
    const server = await startApiServer();
    t.teardown(() => server.close());
    const { cert, key } = await server.identity('kubernetes-admin', 'system:masters');
    const path = '/api/v1/namespaces/default/configmaps';
    for (const name of ['a', 'b']) await server.call('POST', path, { body: { metadata: { name } } });
    const headers = { accept: 'application/vnd.kubernetes.protobuf' };
    const url = `wss://127.0.0.1:${server.port}${path}?watch=1`;
    const client = new WebSocket(url, { ca: server.ca, cert, key, headers });
    const schemas = loadSchemas();
    const seen: unknown[] = [];
    client.on('message', (data: Buffer, isBinary: boolean) => {
      const { type, object } = readEvent(data);
      const { metadata } = readEnvelope(schemas, object) as { metadata: { name: string } };
      seen.push([isBinary, type, metadata.name]);
    });
    await once(client, 'open');
    await server.call('DELETE', `${path}/a`);
    while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
    t.same(seen, [
      [true, 'ADDED', 'a'],
      [true, 'ADDED', 'b'],
      [true, 'DELETED', 'a'],
    ]);
    client.close();
    await once(client, 'close');
  },
);
