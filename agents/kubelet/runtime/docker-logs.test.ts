// Against an HTTP server that answers as Docker's Engine API does.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { DockerRuntime } from './docker';

async function playDocker(t: Pick<typeof import('tap').t, 'teardown'>, log: (answer: ServerResponse) => void) {
  const urls: string[] = [];
  const server = createServer((request, answer) => {
    if (request.url?.endsWith('/json')) answer.end(JSON.stringify({ Config: { Tty: false } }));
    else {
      urls.push(request.url ?? '');
      log(answer);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { runtime: new DockerRuntime(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`), urls };
}

function frame(text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 1;
  header.writeUInt32BE(text.length, 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

t.test('a log is streamed, and its request ends with its reader', async (t) => {
  const left = Promise.withResolvers<void>();
  let sent = 0;
  const { runtime, urls } = await playDocker(t, (answer) => {
    const line = frame('x'.repeat(16_000));
    const more = () => {
      while (!answer.destroyed && answer.write(line)) sent++;
    };
    answer.on('drain', more).on('close', left.resolve);
    more();
  });
  let read = 0;
  for await (const { data } of runtime.logs('c', { tailLines: 7, sinceMs: 1500 })) {
    t.equal(data.length, 16_000);
    if (++read === 3) break;
  }
  await left.promise;
  t.ok(sent < 10_000, 'of a log without end');
  t.match(urls, [/stdout=true&stderr=true&follow=false&timestamps=false&tail=7&since=1\.5/]);
});

t.test('refusals and broken answers', async (t) => {
  const { runtime } = await playDocker(t, (answer) => {
    answer.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"No such container: c"}');
  });
  const all = async (from: DockerRuntime) => {
    for await (const _ of from.logs('c', {}));
  };
  await t.rejects(all(runtime), { code: 'NotFound' });
  const huge = await playDocker(t, (answer) => {
    const header = frame('');
    header.writeUInt32BE(0xffffffff, 4);
    answer.write(header);
  });
  await t.rejects(all(huge.runtime), { code: 'Internal' });
});
