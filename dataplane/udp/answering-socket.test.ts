// Real sockets on loopback.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { type AnsweringSocketOptions, openAnsweringSocket } from './answering-socket';
import { sendMany } from './calls';
import { readPeer, writePeer } from './socket-address';

t.setTimeout(60_000);

const maxBytes = 512;
async function open(t: Test, answer: AnsweringSocketOptions['answer'], more: Partial<AnsweringSocketOptions> = {}) {
  const errors: Error[] = [];
  const onError = (err: Error) => void errors.push(err);
  const given = { host: '127.0.0.1', port: 0, maxBytes, receiveBufferBytes: 1 << 20, answer, onError, ...more };
  const socket = await openAnsweringSocket(given);
  t.teardown(() => socket.close());
  return { socket, errors };
}

/** Sends all questions at once; resolves to the answers, sorted, as soon as there are `wanted` of them. */
async function ask(port: number, questions: readonly Buffer[], wanted = questions.length, host = '127.0.0.1') {
  const client = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const answers: string[] = [];
  const enough = new Promise<void>((resolve) => {
    client.on('message', (bytes) => {
      answers.push(bytes.toString('latin1'));
      if (answers.length === wanted) resolve();
    });
  });
  for (const question of questions) client.send(question, port, host);
  await enough;
  await new Promise<void>((resolve) => client.close(() => resolve()));
  return answers.sort();
}

const echo = (datagram: Buffer) => datagram;
const numbered = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(String(1000 + i)));

t.test('each of many datagrams gets its own answer, from many clients at once', async (t) => {
  const { socket, errors } = await open(t, echo);
  // Few enough for the queue of a socket that is not read yet: all are sent before the first answer.
  const questions = numbered(25);
  const texts = questions.map(String);
  for (let round = 0; round < 20; round++) {
    const all = await Promise.all(Array.from({ length: 8 }, () => ask(socket.port, questions)));
    for (const answers of all) t.strictSame(answers, texts);
  }
  t.strictSame(errors, []);
});

t.test('IPv6, and IPv4 clients of a socket for both', async (t) => {
  const { socket } = await open(t, echo, { host: '::' });
  t.strictSame(await ask(socket.port, numbered(100), 100, '::1'), numbered(100).map(String));
  t.strictSame(await ask(socket.port, numbered(100)), numbered(100).map(String));
});

t.test('answers that come later or never, or that are longer than any question', async (t) => {
  const long = Buffer.alloc(4 * maxBytes, 'x');
  const { socket } = await open(t, (datagram) => {
    const kept = Buffer.from(datagram);
    switch (String(datagram.subarray(0, 5))) {
      case 'later':
        return new Promise((resolve) => setImmediate(() => resolve(kept)));
      case 'never':
        return undefined;
      case 'long!':
        return long;
      default:
        return datagram;
    }
  });
  const questions = ['now', 'later 1', 'never', 'long!', 'later 2', 'now too', 'long!'].map((text) =>
    Buffer.from(text),
  );
  const answers = await ask(socket.port, questions, 6);
  t.strictSame(answers, ['later 1', 'later 2', 'now', 'now too', String(long), String(long)]);
});

t.test('a datagram that is too long is dropped, and the datagrams around it are answered', async (t) => {
  const seen: number[] = [];
  const { socket } = await open(t, (datagram) => {
    seen.push(datagram.length);
    return datagram;
  });
  const most = Buffer.alloc(maxBytes, 'm');
  const questions = [Buffer.from('first'), Buffer.alloc(maxBytes + 1), most, Buffer.from('last'), Buffer.alloc(0)];
  t.strictSame(await ask(socket.port, questions, 4), ['', 'first', 'last', String(most)]);
  t.strictSame(await ask(socket.port, [questions[1]!, most, questions[1]!, questions[0]!], 2), ['first', String(most)]);
  t.ok(seen.every((length) => length <= maxBytes));
});

t.test('a kernel without buffer space, and a kernel that refuses a single answer', async (t) => {
  let calls = 0;
  const send: typeof sendMany = (fd, datagrams, start, end) => {
    calls++;
    if (calls % 3 === 1) return new Error('cannot leave');
    return calls % 3 === 2 ? sendMany(fd, datagrams, start, Math.min(end, start + 2)) : 'full';
  };
  const { socket, errors } = await open(t, echo, { send });
  const client = createSocket('udp4');
  t.teardown(() => client.close());
  const answers = new Set<string>();
  client.on('message', (bytes) => answers.add(String(bytes)));
  // Answers that could not be sent are requested again, as resolvers do.
  while (answers.size < 50) {
    for (const question of numbered(50))
      if (!answers.has(String(question))) client.send(question, socket.port, '127.0.0.1');
    await once(client, 'message');
  }
  t.strictSame([...answers].sort(), numbered(50).map(String));
  t.ok(errors.length > 0);
  t.ok(errors.every(({ message }) => message === 'cannot leave'));
});

t.test('an address in use is refused, and never shared', async (t) => {
  const { socket } = await open(t, echo);
  await t.rejects(open(t, echo, { port: socket.port }), {
    code: 'Unavailable',
    message: `cannot listen on UDP 127.0.0.1:${socket.port}: EADDRINUSE`,
  });
  await t.rejects(open(t, echo, { host: '192.0.2.1' }), { message: /192\.0\.2\.1:0: EADDRNOTAVAIL/ });
  const sharing = createSocket({ type: 'udp4', reuseAddr: true });
  t.teardown(() => sharing.close());
  sharing.bind(socket.port, '127.0.0.1');
  const [err] = await once(sharing, 'error');
  t.equal((err as NodeJS.ErrnoException).code, 'EADDRINUSE');
});

t.test('a closed socket drops pending answers', async (t) => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Buffer>();
  const { socket, errors } = await open(t, () => {
    asked.resolve();
    return answer.promise;
  });
  const client = createSocket('udp4');
  t.teardown(() => client.close());
  client.send('question', socket.port, '127.0.0.1');
  await asked.promise;
  await socket.close();
  answer.resolve(Buffer.from('late'));
  await answer.promise;
  t.strictSame(errors, []);
});

t.test('addresses to bytes and back', async (t) => {
  const bytes = Buffer.alloc(28, 0xff);
  for (const [address, length, hex] of [
    ['192.168.57.10', 16, '02000035c0a8390a0000000000000000'],
    ['2001:db8::a:1', 28, '0a0000350000000020010db80000000000000000000a000100000000'],
    ['::', 28, `0a000035${'0'.repeat(48)}`],
  ] as const) {
    t.equal(writePeer(bytes, { address, port: 53 }), length);
    t.equal(bytes.toString('hex', 0, length), hex);
    t.strictSame(readPeer(bytes), { address, port: 53 });
  }
  t.equal(writePeer(bytes, { address: 'fe80::1%eth0', port: 53 }), 0, 'a zone must be given as a number');
  t.equal(writePeer(bytes, { address: 'localhost', port: 53 }), 0);
  bytes.writeUInt16LE(17, 0);
  t.equal(readPeer(bytes), undefined);
});

t.test('the sender of each datagram is known during the call', async (t) => {
  const { socket } = await open(t, (_datagram, from) => Buffer.from(String(from.address)));
  t.same(await ask(socket.port, numbered(50)), Array(50).fill('127.0.0.1'));
  const { socket: v6 } = await open(t, (_datagram, from) => Buffer.from(String(from.address)), { host: '::1' });
  t.same(await ask(v6.port, numbered(3), 3, '::1'), Array(3).fill('::1'));
});
