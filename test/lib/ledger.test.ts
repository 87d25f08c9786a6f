// The ledger distinguishes all ways in which a request can end.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { answerOf, Ledger, question } from './ledger';

async function serve(t: Test, answer: (socket: Socket) => void): Promise<(signal: AbortSignal) => Promise<Socket>> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return (signal) => dial(port, signal);
}
async function dial(port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect', { signal });
  return socket;
}

for (const connection of ['new', 'kept'] as const) {
  t.test(`answers, ${connection} connections`, async (t) => {
    let connections = 0;
    const dialled = await serve(t, (socket) => socket.write(answerOf('a')));
    const ledger = new Ledger({
      connection,
      workers: 2,
      connect: (signal) => {
        connections++;
        return dialled(signal);
      },
    });
    await ledger.answeredBy('a', 20);
    await ledger.turnover();
    await ledger.stop();
    t.equal(ledger.lost, 0);
    t.equal(ledger.sent, ledger.counts.answered);
    t.equal(ledger.answers.get('a'), ledger.sent);
    t.equal(connections, connection === 'kept' ? 2 : ledger.sent);
  });
}

t.test('losses', async (t) => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const ways = {
    refused: (signal: AbortSignal) => dial(port, signal),
    reset: await serve(t, (socket) => socket.resetAndDestroy()),
    timedOut: await serve(t, () => {}),
  };
  for (const [outcome, connect] of Object.entries(ways)) {
    const ledger = new Ledger({
      connection: 'new',
      connect,
      workers: 1,
      timeoutMs: outcome === 'timedOut' ? 50 : 30_000,
    });
    await ledger.turnover();
    await ledger.stop();
    t.ok(ledger.lost > 0);
    t.equal(ledger.counts[outcome as keyof typeof ledger.counts], ledger.sent, outcome);
  }
});

t.test('an end without an answer is a loss; an unknown failure is an error', async (t) => {
  const silent = new Ledger({ connection: 'new', workers: 1, connect: await serve(t, (socket) => socket.end()) });
  await silent.turnover();
  await silent.stop();
  t.equal(silent.counts.reset, silent.sent);
  t.equal(question.length, 2);
  const odd = new Ledger({ connection: 'new', workers: 1, connect: () => Promise.reject(new Error('odd')) });
  await t.rejects(odd.stop(), /does not know/);
});
