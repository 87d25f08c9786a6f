import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { listenForNotifications } from './listen';
import { openNotifySocket } from './notify';
import { unixAddress } from './unix-address';

t.test('paths as addresses of Unix sockets', async (t) => {
  t.strictSame(unixAddress('/run/a'), Buffer.from('\x01\0/run/a\0', 'latin1'));
  t.strictSame(unixAddress('@a/b'), Buffer.from('\x01\0\0a/b', 'latin1'));
  for (const path of ['', '/', 'run/a', `/${'a'.repeat(107)}`, '/a\0b']) t.equal(unixAddress(path), undefined, path);
  t.equal(unixAddress(`/${'a'.repeat(106)}`)?.length, 2 + 107 + 1);
});

// A short test name: it is part of the socket's path, which must be short.
t.test('messages arrive', async (t) => {
  const path = join(t.testdir(), 's');
  const keepAlive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(keepAlive));
  const heard: string[] = [];
  let wake = Promise.withResolvers<void>();
  const open = () =>
    listenForNotifications(path, (text) => {
      heard.push(text);
      wake.resolve();
    });
  const first = open();
  const socket = openNotifySocket(path)!;
  socket.send('READY=1');
  await wake.promise;
  wake = Promise.withResolvers();
  first.close();
  t.notOk(existsSync(path));
  socket.send('into the void');
  const second = open();
  socket.send('WATCHDOG=1');
  await wake.promise;
  t.strictSame(heard, ['READY=1', 'WATCHDOG=1'], 'a new listener is found at the same path');
  // More messages than the queue holds: the sender continues even so.
  for (let i = 0; i < 10_000; i++) socket.send('WATCHDOG=1');
  second.close();
  socket.close();
  t.equal(openNotifySocket('nothing'), undefined);
  t.throws(() => listenForNotifications(`/${'a'.repeat(200)}`, () => {}), { code: 'BadRequest' });
  t.throws(() => listenForNotifications(join(path, 'missing', 's'), () => {}), { code: 'Unavailable' });
});
