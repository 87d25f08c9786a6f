// Streamed answers on the wire: frames, an empty chunk, the end, and clients of HTTP/1.0.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, get, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import t from 'tap';
import type { Reply } from '../request';
import { writeReply } from './reply';

const shared = Buffer.from('{"type":"ADDED"}\n');
const stream: Reply = {
  status: 200,
  type: 'application/json',
  start: (sink) => {
    sink.write(shared);
    sink.write(Buffer.alloc(0));
    sink.write(shared);
    sink.write(Buffer.from('ü'.repeat(20)));
    sink.end();
    sink.write(shared);
  },
};
const text = `${shared}${shared}${'ü'.repeat(20)}`;

t.test('a streamed answer has chunks, skips empty chunks and ends', async (t) => {
  const server = createServer((_request, response) => writeReply(response, stream));
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  for (let i = 0; i < 2; i++) {
    const [response] = await once(get({ port, host: '127.0.0.1' }), 'response');
    let body = '';
    response.setEncoding('utf8');
    for await (const part of response) body += part;
    t.equal(body, text, 'the client gets the written bytes and the end');
    t.equal(response.headers['transfer-encoding'], 'chunked');
  }

  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  let raw = '';
  for await (const part of socket) raw += part;
  t.equal(raw.slice(raw.indexOf('\r\n\r\n') + 4), text, 'a client of HTTP/1.0 gets no chunk sizes');
});

t.test('a large answer arrives whole, and waits in pieces for a client that does not read', async (t) => {
  // More than the kernel's buffers of a connection take.
  const body = Buffer.alloc(40_000_001, randomBytes(1_000));
  const answers: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    answers.push(response);
    writeReply(response, { status: 200, type: 'application/octet-stream', body });
  });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const { port } = server.address() as AddressInfo;
  for (let i = 0; i < 2; i++) {
    const [response] = await once(get({ port, host: '127.0.0.1', agent }), 'response');
    t.ok(answers[i]!.writableLength < 300_000, 'only a piece waits in the process');
    t.equal(response.headers['content-length'], String(body.length));
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part);
    t.ok(Buffer.concat(parts).equals(body), `answer ${i} on the same connection`);
  }
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable');
  const closed = once(answers[2]!, 'close');
  socket.destroy();
  await closed;
  t.ok(answers[2]!.destroyed, 'a client that leaves ends the writing');
});
