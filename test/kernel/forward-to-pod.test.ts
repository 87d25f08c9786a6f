import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { forwardToPod } from '../../agents/kubelet/streaming/forward-to-pod';
import { startProgram } from '../../dataplane/exec/system-exec';
import { inNetns } from '../../dataplane/netns/named';
import { netnsIdentity, netnsOfProcess } from '../../dataplane/netns/system-netns';
import { skipWithoutKernel, type TestNetns, withNetns } from '../lib/netns';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(180_000);

/** A process in the namespace, like a pause container. */
async function withPod<T>(fn: (pod: { netns: TestNetns; pid: number }) => Promise<T>): Promise<T> {
  return withNetns(1, async (netns) => {
    const holder = await startProgram(inNetns(netns, ['sleep', '600']));
    try {
      while (netnsIdentity(netnsOfProcess(holder.pid)) !== netnsIdentity(netns)) await setImmediate();
      return await fn({ netns, pid: holder.pid });
    } finally {
      holder.kill('SIGKILL');
      await holder.exited;
    }
  });
}

/** Both ends of a TCP connection outside: the client's end, and the end that is forwarded. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  const [far] = (await once(server, 'connection')) as [Socket];
  server.close();
  return [client, far];
}

async function listen(netns: TestNetns, port: number, onConnection: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: true }, onConnection);
  await new Promise<void>((resolve) => netns.enter(() => server.listen(port, resolve)));
  return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

const read = async (socket: Socket) => {
  let body = '';
  socket.on('data', (chunk) => {
    body += chunk;
  });
  await once(socket, 'end');
  return body;
};

t.test('forward to a pod', { skip: skipWithoutKernel() }, async (t) => {
  const never = new AbortController().signal;

  await t.test('bytes pass in both directions; the answer may come after the half-close', async (t) => {
    await withPod(async ({ netns, pid }) => {
      await using _server = await listen(netns, 8080, (socket) => {
        void read(socket).then((body) => socket.end(`${body} from ${socket.remoteAddress}`));
      });
      const [client, far] = await socketPair();
      const forwarded = forwardToPod({ pid, port: 8080 }, far, never);
      client.end('hello '.repeat(50_000));
      const answer = await read(client);
      t.equal(answer.length, 'hello '.length * 50_000 + ' from ::ffff:127.0.0.1'.length);
      await forwarded;
    });
  });

  await t.test('a closed port and an ended pod are failures', async (t) => {
    await withPod(async ({ pid }) => {
      const [client, far] = await socketPair();
      await t.rejects(forwardToPod({ pid, port: 9 }, far, never), {
        code: 'Unavailable',
        cause: { code: 'ECONNREFUSED' },
      });
      await t.rejects(forwardToPod({ pid: 2 ** 22 + 1, port: 9 }, far, never), { code: 'NotFound' });
      client.destroy();
      far.destroy();
    });
  });

  await t.test('a connection that the pod or the client resets is not a failure', async (t) => {
    await withPod(async ({ netns, pid }) => {
      const connected: Socket[] = [];
      await using _server = await listen(netns, 8080, (socket) => {
        socket.on('error', () => {});
        connected.push(socket);
        socket.on('data', () => socket.resetAndDestroy());
      });
      const [client, far] = await socketPair();
      client.on('error', () => {});
      far.on('error', () => {});
      const closed = once(client, 'close');
      const forwarded = forwardToPod({ pid, port: 8080 }, far, never);
      client.write('x');
      client.resume();
      client.on('end', () => client.end());
      await forwarded;
      await closed;
      t.ok(far.destroyed);

      const abort = new AbortController();
      const [other, otherFar] = await socketPair();
      other.on('error', () => {});
      otherFar.on('error', () => {});
      const broken = forwardToPod({ pid, port: 8080 }, otherFar, abort.signal);
      while (connected.length < 2) await setImmediate();
      const podSide = new Promise((resolve) => connected[1]!.once('close', resolve));
      connected[1]!.resume();
      connected[1]!.on('end', () => connected[1]!.end());
      abort.abort(new Error('client has left'));
      await broken;
      await podSide;
      t.ok(otherFar.destroyed, 'the pod sees the end');
      other.destroy();
    });
  });
});
