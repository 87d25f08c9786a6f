// HTTP probes against real servers: correct ones, and some that only a lenient client understands.
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import t from 'tap';
import { type HttpProbe, httpProbe } from './http';

type Tap = Pick<typeof t, 'teardown'>;

async function listening(
  t: Tap,
  server: Server,
): Promise<(path: string, more?: Partial<HttpProbe>) => ReturnType<typeof httpProbe>> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { signal } = new AbortController();
  return (path, more) =>
    httpProbe({ host: '127.0.0.1', port, path, scheme: 'HTTP', headers: [], timeoutMs: 20_000, signal, ...more });
}

/** A server that answers every request with these bytes and closes. */
const answering = (t: Tap, bytes: string) =>
  listening(
    t,
    createServer((socket) => socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1')))),
  );

t.test('statuses, redirects and time-outs decide', async (t) => {
  const probe = await listening(
    t,
    http.createServer((request, response) => {
      const to = (location: string, status = 302) => response.writeHead(status, { location }).end('moved');
      if (request.url === '/moved') to('/ok');
      else if (request.url === '/loop') to('/loop');
      else if (request.url?.startsWith('/count/')) to(`/count/${Number(request.url.slice(7)) + 1}`);
      else if (request.url === '/away') to('http://other.test/');
      else if (request.url === '/choices') to('/bad', 300);
      else if (request.url === '/nowhere') response.writeHead(302).end();
      else if (request.url === '/large') response.end('x'.repeat(50_000));
      else if (request.url === '/slow') return;
      else response.writeHead(request.url === '/ok' ? 200 : 500).end('body');
    }),
  );
  t.same(await probe('ok'), { success: true, output: 'body' });
  t.same(await probe('/moved'), { success: true, output: 'body' });
  t.match(await probe('/loop'), { success: false, output: /^Get "http:.*\/loop": stopped after 10 redirects$/ });
  t.match(await probe('/count/1'), { success: false, output: /\/count\/11": stopped after 10 redirects$/ });
  t.same(await probe('/away'), {
    success: true,
    warning: true,
    output: 'Probe terminated redirects, Response body: moved',
  });
  t.equal((await probe('/choices')).success, true, 'only redirects are followed');
  t.equal((await probe('/nowhere')).success, true, 'a redirect without a place counts by its status');
  t.equal((await probe('/large')).output.length, 10 * 1024, 'no more than 10 KiB is read');
  t.same(await probe('/bad'), { success: false, output: 'HTTP probe failed with statuscode: 500' });
  t.match(await probe('/slow', { timeoutMs: 50 }), { success: false, output: /context deadline exceeded/ });
});

t.test('headers are sent as the manifest lists them', async (t) => {
  let seen: string[] = [];
  const probe = await listening(
    t,
    http.createServer((request, response) => {
      seen = request.rawHeaders;
      response.end();
    }),
  );
  const sent = async (...pairs: [string, string][]) => {
    await probe('/', { headers: pairs.map(([name, value]) => ({ name, value })) });
    return seen
      .map((each, i) => (i % 2 ? each : `${each}:`))
      .join(' ')
      .replace(/127\.0\.0\.1:\d+/, 'HOST');
  };
  t.equal(await sent(), 'Host: HOST User-Agent: kube-probe/1.36 Accept: */* Connection: close');
  t.match(await sent(['X-A', '1'], ['x-a', '2'], ['X-A', '1']), / X-A: 1 x-a: 2 X-A: 1 /, 'a repeated header');
  t.equal(await sent(['Accept', ''], ['user-agent', '']), 'Host: HOST Connection: close', 'empty: left out');
  t.match(await sent(['host', 'shop.test'], ['User-Agent', 'mine']), /^Host: shop\.test .*User-Agent: mine/);
  t.notMatch(await sent(['Content-Length', '5'], ['Transfer-Encoding', 'chunked']), /Content-Length|Transfer-Encoding/);
});

const accepted = {
  'lines that end in LF alone': 'HTTP/1.1 200 OK\n\nhello\n',
  'LF alone, with a length': 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
  'HTTP/1.0 until the connection ends': 'HTTP/1.0 200 OK\r\n\r\nhello',
  'equal Content-Length twice': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'Content-Length and chunked':
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'bytes after the body': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloworld',
  'bytes after the body, LF alone': 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello\n',
  '304 with a body': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello',
  '100 Continue first': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'no reason': 'HTTP/1.1 200\r\n\r\nhello',
  'a header of 100 kB': `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\nhello`,
  'latin-1 in a header': 'HTTP/1.1 200 OK\r\nX-A: \xe9\r\n\r\nhello',
};
const refused = {
  'a header name with a blank': 'HTTP/1.1 200 OK\r\nX A: 1\r\n\r\nhello',
  'no status line': 'hello\n',
  'two different lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
  'equal lengths that are not numbers': 'HTTP/1.1 200 OK\r\nContent-Length: x\r\nContent-Length: x\r\n\r\nhello',
  'a body that ends too early': 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello',
  'equal lengths, status 500': 'HTTP/1.1 500 No\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'nothing at all': '',
};
for (const [name, bytes] of Object.entries(accepted)) {
  t.test(`ready: ${name}`, async (t) => t.match(await (await answering(t, bytes))('/'), { success: true }));
}
for (const [name, bytes] of Object.entries(refused)) {
  t.test(`not ready: ${name}`, async (t) => t.match(await (await answering(t, bytes))('/'), { success: false }));
}
