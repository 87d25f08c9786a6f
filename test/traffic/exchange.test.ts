import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { failureOf } from './client';
import { Closed, exchange, parseReply } from './exchange';

t.test('an answer is complete with its last byte', async (t) => {
  const cases = [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX-Pod: a\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-pod: a\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n',
  ];
  for (const text of cases) {
    const bytes = Buffer.from(text);
    for (let length = 0; length < bytes.length; length++) t.equal(parseReply(bytes.subarray(0, length)), undefined);
    t.match(parseReply(bytes), { status: 200, body: 'hello', headers: { 'x-pod': 'a' }, last: false });
  }
  t.match(parseReply(Buffer.from('HTTP/1.1 503 no\r\nconnection: close\r\n\r\n')), {
    status: 503,
    body: '',
    last: true,
  });
});

/** A server that does `answer` with each connection after its first bytes. */
async function serve(answer: (socket: Socket) => void): Promise<{ socket: Socket; close: () => void }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  const close = () => {
    socket.destroy();
    server.close();
  };
  return { socket, close };
}

t.test('how a connection ends', async (t) => {
  const cases: readonly { name: string; answer: (socket: Socket) => void; error: object }[] = [
    { name: 'closed before the answer', answer: (socket) => socket.end(), error: { bytes: 0, code: 'ECONNRESET' } },
    { name: 'reset before the answer', answer: (socket) => socket.resetAndDestroy(), error: { bytes: 0 } },
    {
      name: 'closed in the answer',
      answer: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
      error: { bytes: 42 },
    },
    { name: 'silent', answer: () => {}, error: { name: 'TimeoutError' } },
  ];
  for (const { name, answer, error } of cases) {
    const { socket, close } = await serve(answer);
    t.teardown(close);
    const signal = AbortSignal.timeout(name === 'silent' ? 50 : 5_000);
    t.match(await exchange(socket, 'web', '/', false, signal).catch((err: unknown) => err), error, name);
  }
});

t.test('two requests on one connection', async (t) => {
  const { socket, close } = await serve((peer) => {
    const answer = () => peer.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    answer();
    peer.on('data', answer);
  });
  t.teardown(close);
  for (const path of ['/a', '/b']) {
    t.match(await exchange(socket, 'web', path, false, AbortSignal.timeout(5_000)), { status: 200, body: 'ok' });
  }
  socket.destroy();
  const failure = await exchange(socket, 'web', '/c', false, AbortSignal.timeout(5_000)).catch((err: unknown) => err);
  t.match(failure, { bytes: 0 });
});

t.test('errors as outcomes', async (t) => {
  for (const [code, outcome] of [
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ETIMEOUT', 'timed out'],
    ['ENOTFOUND', 'wrong answer'],
    ['ESERVFAIL', 'wrong answer'],
  ] as const) {
    t.equal(failureOf(Object.assign(new Error('x'), { code })).outcome, outcome, code);
  }
  t.equal(failureOf(new Closed('closed', 0)).outcome, 'reset');
  t.equal(failureOf(AbortSignal.abort(new DOMException('x', 'TimeoutError')).reason).outcome, 'timed out');
});
