import { readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import t from 'tap';
import { connectInNetns } from '../../dataplane/netns/connect';
import { namedNetns, netnsIdentity, netnsOfProcess, openNetns, ownNetns } from '../../dataplane/netns/system-netns';
import { createNetns, skipWithoutKernel, withNetns } from '../lib/netns';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(180_000);

const here = () => readlinkSync('/proc/thread-self/ns/net');

t.test('network namespaces', { skip: skipWithoutKernel() }, async (t) => {
  const home = here();

  await t.test('enter runs inside the namespace and returns', async (t) => {
    await withNetns(1, async (netns) => {
      const inside = netns.enter(here);
      t.not(inside, home);
      t.equal(here(), home);
      t.equal(
        netns.enter(() => 42),
        42,
      );
    });
  });

  await t.test('enter returns after an error, and throws it', async (t) => {
    await withNetns(1, async (netns) => {
      const err = new Error('inside');
      t.throws(
        () =>
          netns.enter(() => {
            throw err;
          }),
        err,
      );
      t.equal(here(), home);
      t.throws(() => netns.enter(() => Promise.resolve()), { message: /no asynchronous function/ });
      t.equal(here(), home);
    });
  });

  await t.test('nested calls return to the namespace before', async (t) => {
    await withNetns(2, async (a, b) => {
      const [inA, inB, back] = a.enter(() => [here(), b.enter(here), here()] as const);
      t.not(inA, inB);
      t.equal(inA, back);
      t.equal(here(), home);
    });
  });

  await t.test('a removed namespace is NotFound, and the thread stays in its own', async (t) => {
    const netns = await createNetns();
    await netns.teardown();
    t.throws(() => netns.enter(here), { code: 'NotFound' });
    t.throws(() => netnsIdentity(netns), { code: 'NotFound' });
    t.throws(() => netnsOfProcess(2 ** 22 + 1).enter(here), { code: 'NotFound' });
    t.equal(here(), home);
  });

  await t.test('a socket stays in the namespace where it was opened', async (t) => {
    await withNetns(1, async (netns) => {
      const server = createServer();
      await new Promise<void>((resolve) => netns.enter(() => server.listen(8080, resolve)));
      t.match(await netns.run('ss', '-Hltn'), /:8080/);
      await new Promise((resolve) => server.close(resolve));
    });
  });

  await t.test('connects to the loopback of another namespace, half-open', async (t) => {
    await withNetns(1, async (netns) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('data', (chunk) => socket.write(`got ${chunk}`));
        socket.on('end', () => socket.end(' bye'));
      });
      await new Promise<void>((resolve) => netns.enter(() => server.listen(8081, resolve)));
      const socket = await connectInNetns(netns, { host: '127.0.0.1', port: 8081 });
      socket.end('hello');
      let text = '';
      for await (const chunk of socket) text += chunk;
      t.equal(text, 'got hello bye');
      const six = await connectInNetns(netns, { host: '::1', port: 8081 });
      six.destroy();
      await new Promise((resolve) => server.close(resolve));
      const refused = await connectInNetns(netns, { host: '127.0.0.1', port: 8081 }).catch((e: unknown) => e);
      t.match(refused, { code: 'Unavailable', cause: { code: 'ECONNREFUSED' } });
      t.equal(here(), home);
    });
  });

  await t.test('the identity of a namespace is the same for every path', async (t) => {
    await withNetns(1, async (netns) => {
      t.equal(netnsIdentity(netns), netnsIdentity(namedNetns(netns.name)));
      t.not(netnsIdentity(netns), netnsIdentity(ownNetns()));
      t.equal(netnsIdentity(ownNetns()), netnsIdentity(openNetns(`/proc/${process.pid}/ns/net`)));
    });
  });
});
