// The streaming server with a plain WebSocket client: every sub-protocol, and the refusals. kubectl.test.ts has real clients.
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { NotFound } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import type { StreamingHandlers, TerminalSize } from './handlers';
import { createStreamingServer } from './server';

const handlers: StreamingHandlers = {
  check: async (_kind, { pod }) => {
    if (pod === 'gone') throw new NotFound('pod does not exist');
  },
  exec: async ({ command }, { stdin, stdout, stderr, onResize, signal }) => {
    if (command[0] === 'size') {
      const size = await new Promise<TerminalSize>((resolve) => onResize(resolve));
      stdout?.write(`${size.width}x${size.height}`);
      return 0;
    }
    if (command[0] === 'wait') {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      left.emit();
      return 0;
    }
    stdout?.write(`out ${await text(stdin!)}`);
    stderr?.write('err');
    return 7;
  },
  attach: async () => {},
  portForward: async ({ port }, connection) => {
    if (port === 9) throw new Error('connection refused');
    for await (const chunk of connection) {
      connection.write(`${port} ${chunk}`);
      break;
    }
    connection.end();
  },
};

const left = { emit: () => {} };

async function start(t: Test): Promise<string> {
  const streaming = createStreamingServer({ handlers, log: silentLogger });
  const server = createServer();
  server.on('upgrade', (req, socket, head) => {
    if (!streaming.handleUpgrade(req, socket, head)) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    streaming.close();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Everything the server sends, per channel, until it closes. */
class Client {
  readonly socket: WebSocket;
  readonly messages: Buffer[] = [];
  readonly closed: Promise<number>;
  constructor(url: string, protocols: string[]) {
    this.socket = new WebSocket(url, protocols);
    this.socket.on('message', (data: Buffer) => this.messages.push(data));
    this.closed = new Promise((resolve, reject) => {
      this.socket.on('close', resolve);
      this.socket.on('error', reject);
    });
  }
  opened = async () => {
    await once(this.socket, 'open');
    return this;
  };
  channel(n: number, base64 = false): string {
    const own = this.messages.filter((m) => m[0] === (base64 ? 0x30 + n : n)).map((m) => m.subarray(1));
    return own.map((m) => (base64 ? Buffer.from(m.toString(), 'base64') : m).toString()).join('');
  }
}

const exitCode = (status: string) => JSON.parse(status).details?.causes?.[0]?.message;
const query = 'command=run&input=1&output=1&error=1';

t.test('v5: stdin closes by signal', async (t) => {
  const client = await new Client(`ws://${await start(t)}/exec/ns/p/c?${query}`, [
    'v5.channel.k8s.io',
    'v4.channel.k8s.io',
  ]).opened();
  t.equal(client.socket.protocol, 'v5.channel.k8s.io');
  client.socket.send(Buffer.from('\0hello '));
  client.socket.send(Buffer.from('\0world'));
  client.socket.send(Buffer.of(255, 0));
  client.socket.send(Buffer.from('\0too late'));
  client.socket.send(Buffer.from([9, 1, 2]));
  t.equal(await client.closed, 1000);
  t.same(client.messages[0], Buffer.of(1), 'first an empty message, for clients that wait for a sign');
  t.equal(client.channel(1), 'out hello world');
  t.equal(client.channel(2), 'err');
  t.equal(exitCode(client.channel(3)), '7');
});

t.test('v4 in base64', async (t) => {
  const url = `ws://${await start(t)}/exec/ns/p/c?command=size&input=1&output=1&tty=1`;
  const client = await new Client(url, ['v4.base64.channel.k8s.io']).opened();
  client.socket.send(`4${Buffer.from('{"Width":120,"Height":40}').toString('base64')}`);
  await client.closed;
  t.equal(client.channel(1, true), '120x40');
  t.match(JSON.parse(client.channel(3, true)), { status: 'Success' });
});

t.test('a client without sub-protocols speaks the first version', async (t) => {
  const client = await new Client(
    `ws://${await start(t)}/exec/ns/p/c?command=size&input=1&output=1&tty=1`,
    [],
  ).opened();
  t.equal(client.socket.protocol, '');
  client.socket.send(Buffer.concat([Buffer.of(4), Buffer.from('{"Width":1,"Height":2}')]));
  await client.closed;
  t.equal(client.channel(1), '1x2');
  t.equal(client.channel(3), '', 'success is silent');
});

t.test('a client that disconnects ends the session', async (t) => {
  const client = await new Client(`ws://${await start(t)}/exec/ns/p/c?command=wait&output=1`, [
    'v4.channel.k8s.io',
  ]).opened();
  const ended = new Promise<void>((resolve) => {
    left.emit = resolve;
  });
  client.socket.terminate();
  await t.resolves(ended, "the handler's signal is aborted");
});

t.test('port-forward by channels', async (t) => {
  const url = `ws://${await start(t)}/portForward/ns/p?ports=80,9`;
  const client = await new Client(url, ['v4.channel.k8s.io']).opened();
  client.socket.send(Buffer.from('\0ping'));
  await client.closed;
  const prefix = (port: number) => Buffer.from([port & 0xff, port >> 8]).toString();
  t.equal(client.channel(0), `${prefix(80)}80 ping`);
  t.equal(client.channel(1), prefix(80));
  t.equal(client.channel(2), prefix(9));
  t.equal(client.channel(3), `${prefix(9)}error forwarding port 9 to pod p, uid : connection refused`);
});

t.test('refusals are plain HTTP', async (t) => {
  const address = await start(t);
  const webSocket = { 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  const cases = [
    {
      name: 'no such pod',
      path: `/exec/ns/gone/c?${query}`,
      upgrade: 'SPDY/3.1',
      status: 404,
      body: /pod does not exist/,
    },
    { name: 'no streams', path: '/exec/ns/p/c?command=x', upgrade: 'websocket', status: 400, body: /at least 1 of/ },
    {
      name: 'another upgrade',
      path: `/exec/ns/p/c?${query}`,
      upgrade: 'h2c',
      status: 400,
      body: /h2c is not supported/,
    },
    {
      name: 'unknown protocols over SPDY',
      path: `/exec/ns/p/c?${query}`,
      upgrade: 'SPDY/3.1',
      headers: { 'X-Stream-Protocol-Version': 'v9.channel.k8s.io' },
      status: 403,
      body: /client supports \[v9\.channel\.k8s\.io\], server accepts \[v4\.channel\.k8s\.io /,
    },
    {
      name: 'unknown protocols over WebSocket',
      path: `/exec/ns/p/c?${query}`,
      upgrade: 'websocket',
      headers: { ...webSocket, 'Sec-WebSocket-Protocol': 'soap' },
      status: 403,
      body: /\[soap\]/,
    },
    { name: 'a broken handshake', path: `/exec/ns/p/c?${query}`, upgrade: 'websocket', status: 400, body: /handshake/ },
  ];
  for (const { name, path, upgrade, headers, status, body } of cases) {
    const req = httpRequest(`http://${address}${path}`, {
      headers: { Connection: 'Upgrade', Upgrade: upgrade, ...headers },
    });
    req.end();
    const [response] = (await once(req, 'response')) as [IncomingMessage];
    t.equal(response.statusCode, status, name);
    t.match(await text(response), body, name);
  }
});
