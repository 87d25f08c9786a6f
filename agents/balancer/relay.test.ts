// Bytes between two sockets, with a client that does not read.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { connected, dial, relay } from './relay';

async function listen(t: Test, accept: (socket: Socket) => void, options = {}): Promise<number> {
  const server: Server = createServer(options, accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** More than the kernel holds for a connection on loopback. */
const size = 48_000_000;
const bytes = Buffer.alloc(size);
for (let at = 0; at < size; at += 4) bytes.writeUInt32LE(at, at);
const hashOf = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

async function open(t: Test, answer: (socket: Socket) => void) {
  const host = '127.0.0.1';
  const serverPort = await listen(t, answer, { allowHalfOpen: true });
  const accepted = Promise.withResolvers<Socket>();
  const port = await listen(t, accepted.resolve, { allowHalfOpen: true, pauseOnConnect: true });
  const peer = connect({ host, port, allowHalfOpen: true });
  const client = await accepted.promise;
  const server = dial({ host, port: serverPort }, client);
  await connected(server, 30_000);
  t.teardown(() => {
    for (const socket of [peer, client, server]) socket.destroy();
  });
  return { peer, client, server, moved: relay(client, server) };
}

t.test('a client that does not read stops the server, and gets every byte later', async (t) => {
  const { peer, client, server, moved } = await open(t, (socket) => socket.end(bytes));
  peer.pause();
  while (client.writableLength === 0) await new Promise((resolve) => setImmediate(resolve));
  const waiting = client.writableLength;
  t.ok(waiting <= 64 * 1024, `${waiting} bytes wait here`);
  t.ok(server.bytesRead < size, 'the rest stays at the server');
  const parts: Buffer[] = [];
  peer.on('data', (part: Buffer) => parts.push(part));
  peer.once('end', () => peer.end());
  peer.resume();
  t.strictSame(await moved, { fromClient: 0, fromServer: size });
  t.equal(hashOf(Buffer.concat(parts)), hashOf(bytes));
});

t.test('a server that does not read stops the client', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const { peer, server, moved } = await open(t, (socket) => {
    socket.pause();
    accepted.resolve(socket);
  });
  peer.end(bytes);
  const far = await accepted.promise;
  while (server.writableLength === 0) await new Promise((resolve) => setImmediate(resolve));
  t.ok(server.writableLength <= 512 * 1024, `${server.writableLength} bytes wait here`);
  const parts: Buffer[] = [];
  far.on('data', (part: Buffer) => parts.push(part));
  far.once('end', () => far.end());
  far.resume();
  t.strictSame(await moved, { fromClient: size, fromServer: 0 });
  t.equal(hashOf(Buffer.concat(parts)), hashOf(bytes));
});

t.test('a broken side breaks the other one', async (t) => {
  const { peer, server, moved } = await open(t, (socket) => {
    socket.on('error', () => {});
    socket.write('x');
  });
  peer.on('error', () => {});
  await once(peer, 'data');
  const closed = new Promise((resolve) => peer.once('close', resolve));
  server.destroy();
  await closed;
  await moved;
  t.ok(peer.destroyed);
});

t.test('an attempt that ends before it is connected', async (t) => {
  const client = connect({ port: await listen(t, () => {}), host: '127.0.0.1' });
  t.teardown(() => client.destroy());
  const port = await listen(t, () => {});
  const refused = dial({ host: '127.0.0.1', port }, client);
  refused.destroy();
  await t.rejects(connected(refused, 30_000), { code: 'Unavailable' });
});
