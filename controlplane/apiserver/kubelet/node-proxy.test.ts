// nodes/proxy over HTTPS, to an HTTPS server that plays a kubelet.
import type { IncomingMessage } from 'node:http';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const merge = 'application/merge-patch+json';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
const seen: Seen[] = [];
let server: TestServer;
let kubelet: Server;

t.before(async () => {
  server = await startApiServer();
  const { cert, key } = await server.serving('127.0.0.1');
  kubelet = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(url.startsWith('/missing') ? 404 : 200, { 'content-type': 'text/plain', 'x-kubelet': 'yes' });
      response.end(`${method} ${url}`);
    });
  });
  kubelet.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  await server.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } });
  const { port } = kubelet.address() as AddressInfo;
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await server.call('PATCH', '/api/v1/nodes/n/status', { type: merge, body: { status } });
});
t.teardown(async () => {
  await server.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
});

t.test('every method reaches the kubelet with its body, and no identity', async (t) => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const answer = await server.call(method, '/api/v1/nodes/n/proxy/run/a?cmd=x%20y', {
      headers: { authorization: 'Bearer x', 'x-custom': 'kept' },
      ...(method === 'POST' ? { body: 'hello', type: 'text/plain' } : {}),
    });
    t.match(answer, { status: 200, headers: { 'x-kubelet': 'yes' } }, method);
    t.match(seen.at(-1), {
      method,
      url: '/run/a?cmd=x%20y',
      headers: { authorization: undefined, 'x-custom': 'kept', 'x-forwarded-for': '127.0.0.1' },
      body: method === 'POST' ? 'hello' : '',
    });
  }
  t.match(await server.call('GET', '/api/v1/nodes/n/proxy/missing'), { status: 404, text: 'GET /missing' });
});

t.test('an upgraded connection', async (t) => {
  const { cert, key } = await server.identity('kubernetes-admin', 'system:masters');
  const text = await new Promise<string>((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port: server.port,
      path: '/api/v1/nodes/n/proxy/exec/a',
      headers: { connection: 'Upgrade', upgrade: 'echo' },
      ca: server.ca,
      cert,
      key,
    });
    request.on('error', reject);
    request.on('response', ({ statusCode }) => reject(new Error(`status ${statusCode}`)));
    request.on('upgrade', (_, socket) => {
      socket.once('data', (chunk: Buffer) => {
        socket.destroy();
        resolve(chunk.toString());
      });
      socket.write('hello');
    });
    request.end();
  });
  t.equal(text, 'hello');
});
