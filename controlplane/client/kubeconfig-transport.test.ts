import { once } from 'node:events';
import { rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { KubeconfigTransport } from './kubeconfig-transport';
import { readText } from './lines';

/** Answers its name. On /stream it sends its name and leaves the answer open. */
async function serve(test: Test, name: string) {
  const open: ServerResponse[] = [];
  let sockets = 0;
  const server: Server = createServer((request, response) => {
    if (request.url !== '/stream') return void response.end(name);
    open.push(response);
    response.write(name);
  });
  server.on('connection', (socket) => {
    sockets++;
    socket.on('close', () => {
      sockets--;
      server.emit('left');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const left = async (count: number) => {
    while (sockets > count) await once(server, 'left');
  };
  return { url, open, left };
}

const config = (server: string) => `
apiVersion: v1
kind: Config
clusters: [{ name: a, cluster: { server: "${server}" } }]
contexts: [{ name: a, context: { cluster: a } }]
current-context: a
`;

t.test('a replaced kubeconfig is used, and no answer is cut off', async (t) => {
  const [old, renewed] = [await serve(t, 'old'), await serve(t, 'new')];
  const path = join(t.testdir(), 'kubelet.conf');
  const replace = async (text: string) => {
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  };
  await replace(config(old.url));
  const clock = new FakeClock();
  const transport = await KubeconfigTransport.open(path, clock);
  const ask = async () => readText((await transport.send({ method: 'GET', path: '/' })).body);
  t.equal(await ask(), 'old');
  const stream = (await transport.send({ method: 'GET', path: '/stream' })).body[Symbol.asyncIterator]();
  t.equal(String((await stream.next()).value), 'old');
  await replace(config(renewed.url));
  t.equal(await ask(), 'old', 'the file is not read for every request');
  clock.advance(10_000);
  t.equal(await ask(), 'new');
  await old.left(1);
  t.notOk(old.open[0]!.destroyed, 'idle connections to the old server are closed, and the open stream is not');
  old.open[0]!.write('still here');
  t.equal(String((await stream.next()).value), 'still here');
  old.open[0]!.end();
  t.equal((await stream.next()).done, true);
  await t.resolves(old.left(0), 'the last connection is closed when its answer has ended');
  await replace('a: [');
  clock.advance(10_000);
  t.equal(await ask(), 'new', 'a broken file changes nothing');
  await rm(path);
  clock.advance(10_000);
  t.equal(await ask(), 'new', 'a missing file changes nothing');
  await replace(config(old.url));
  clock.advance(10_000);
  t.equal(await ask(), 'old');
  transport.close();
});

t.test('open() of a missing kubeconfig fails and names the path', async (t) => {
  await t.rejects(KubeconfigTransport.open(join(t.testdir(), 'none')), {
    code: 'BadRequest',
    message: /kubeconfig .*none/,
  });
});
