// Arbitrary request heads: the listener answers or closes each connection, and serves the next one.
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { fc, fuzz, mutatedBytes } from '../../../test/lib/fuzz';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const paths = fc.oneof(
  fc.constantFrom(
    '/healthz',
    '/api/v1/pods',
    '/api/v1/pods?watch=1',
    '//',
    '/%zz',
    '/api/v1/namespaces/%2e%2e/pods',
    '*',
    '/;a=b?c#d',
  ),
  fc.string({ maxLength: 20 }).map((text) => `/${text}`),
);
const fields = fc.tuple(
  fc.constantFrom(
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Upgrade',
    'Authorization',
    'Accept',
    'Expect',
    'X',
    'Impersonate-User',
  ),
  fc.oneof(
    fc.constantFrom('a', '0', '5', '-1', 'chunked', 'close', 'websocket', 'Bearer a', '100-continue', ''),
    fc.string({ maxLength: 8 }),
  ),
);
const heads = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI'),
    paths,
    fc.array(fields, { maxLength: 5 }),
  )
  .map(([method, path, list]) =>
    Buffer.from(
      `${method} ${path} HTTP/1.1\r\nHost: a\r\n${list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    ),
  );

function open(): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca, ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => {});
  return socket;
}

t.test('any head is answered, or its connection is closed', async (t) => {
  await fuzz(
    t,
    'heads',
    mutatedBytes(heads),
    async (bytes) => {
      const socket = open();
      await once(socket, 'secureConnect');
      let text = '';
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => {
        text += chunk;
        // The first answer is enough: close a connection that stays open.
        if (text.includes('\r\n\r\n')) socket.destroy();
      });
      socket.end(bytes);
      await once(socket, 'close');
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
      if (text !== '' && (status === undefined || Number(status) >= 500)) throw new Error(text.slice(0, 300));
    },
    { runs: 150 },
  );
  t.equal((await server.call('GET', '/healthz')).status, 200);
});
