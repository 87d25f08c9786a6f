import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { Way } from './cut';

/** A server that returns what it gets, and the way to it. */
async function open(t: Test) {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const way = await Way.open((server.address() as { port: number }).port);
  t.teardown(() => {
    way.close();
    server.close();
  });
  const client = async () => {
    const socket = connect(way.port, '127.0.0.1').setEncoding('utf8');
    t.teardown(() => socket.destroy());
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  return { way, client };
}
const ask = async (socket: Socket, text: string): Promise<string> => {
  socket.write(text);
  return ((await once(socket, 'data')) as [string])[0];
};

t.test('bytes and connections of a cut way arrive when it is healed', async (t) => {
  const { way, client } = await open(t);
  const one = await client();
  t.equal(await ask(one, 'a'), 'a');
  way.cut();
  const answer = ask(one, 'b');
  const other = ask(await client(), 'c');
  let isAnswered = false;
  void Promise.race([answer, other]).then(() => {
    isAnswered = true;
  });
  // What is not cut is answered meanwhile.
  const { client: free } = await open(t);
  t.equal(await ask(await free(), 'd'), 'd');
  t.equal(isAnswered, false);
  way.heal(true);
  t.same(await Promise.all([answer, other]), ['b', 'c']);
});

t.test('healed without what was under way', async (t) => {
  const { way, client } = await open(t);
  const one = await client();
  t.equal(await ask(one, 'a'), 'a');
  way.cut();
  one.write('b');
  // once() would reject by the error that comes before.
  const closed = new Promise((done) => one.once('close', done));
  way.heal(false);
  await closed;
  t.equal(await ask(await client(), 'c'), 'c');
});
