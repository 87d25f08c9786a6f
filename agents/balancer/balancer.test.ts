// Connections through a balancer to servers of this process, over real sockets.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../controlplane/base/clock';
import { silentLogger } from '../../controlplane/base/logger';
import type { KeyPair } from '../../controlplane/pki/certificate';
import { issueCertificate } from '../../controlplane/pki/issue';
import { ensurePki, readAuthority } from '../../controlplane/pki/pki';
import { Balancer } from './balancer';
import { BalancerMetrics } from './metrics';

type Test = Pick<typeof t, 'teardown'>;

let authority: KeyPair;
let identity: KeyPair;
t.before(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-balancer-'));
  t.teardown(() => rm(dir, { recursive: true }));
  await ensurePki(dir, {
    advertiseAddress: '192.0.2.1',
    serviceAddress: '10.96.0.1',
    clusterDomain: 'cluster.local',
  });
  authority = (await readAuthority(dir))!;
  const names = { commonName: 'kube-apiserver', hosts: ['127.0.0.1'], usages: ['server' as const] };
  identity = await issueCertificate(authority, names, Date.now());
});

/** A server at one port: TLS for checks; a connection that begins with another byte gets its bytes back, after the server's name. */
class PlayedServer {
  status = 200;
  private isFrozen = false;
  private readonly sockets = new Set<Socket>();
  private readonly https: HttpsServer;
  private readonly server: Server;
  port = 0;

  constructor(
    readonly name: string,
    keys: KeyPair,
  ) {
    this.https = createHttpsServer({ key: keys.key, cert: keys.cert }, (_request, response) => {
      response.statusCode = this.status;
      response.end('ok');
    });
    this.server = createServer({ allowHalfOpen: true }, (socket) => this.accept(socket));
  }

  async open(port = 0): Promise<void> {
    for (const [server, at] of [
      [this.server, port],
      [this.https, 0],
    ] as const)
      await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** As SIGSTOP: the kernel accepts connections and bytes, and no answer comes. */
  freeze(): void {
    this.isFrozen = true;
    for (const socket of this.sockets) {
      socket.removeAllListeners('data');
      socket.unpipe();
      socket.pause();
    }
  }

  /** As kill -9: connections are reset, new ones refused. */
  kill(): void {
    this.server.close();
    this.https.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.sockets.delete(socket));
    if (this.isFrozen) return;
    socket.once('data', (bytes) => {
      socket.pause();
      socket.unshift(bytes);
      // The first byte of a TLS handshake.
      if (bytes[0] === 22) {
        const inner = connect({ port: (this.https.address() as AddressInfo).port, host: '127.0.0.1' });
        inner.on('error', () => {});
        socket.once('close', () => inner.destroy());
        socket.pipe(inner).pipe(socket);
      } else {
        socket.write(this.name);
        socket.on('data', (data) => socket.write(data));
        socket.once('end', () => socket.end(' and end'));
      }
      socket.resume();
    });
  }
}

async function start(t: Test, count: number): Promise<PlayedServer[]> {
  const servers: PlayedServer[] = [];
  for (const name of ['A', 'B', 'C'].slice(0, count)) {
    const server = new PlayedServer(name, identity);
    await server.open();
    t.teardown(() => server.kill());
    servers.push(server);
  }
  return servers;
}

interface Setup {
  readonly balancer: Balancer;
  readonly port: number;
  readonly metrics: BalancerMetrics;
}

async function balance(t: Test, names: readonly string[], maxConnections = 100): Promise<Setup> {
  const metrics: BalancerMetrics = new BalancerMetrics(() => balancer.servers());
  const balancer = new Balancer(
    { ca: authority.cert, maxConnections, timing: { checkIntervalMs: 100 } },
    { clock: systemClock, log: silentLogger, metrics },
  );
  const stop = new AbortController();
  t.teardown(() => {
    balancer.close();
    stop.abort();
  });
  balancer.use(new Map(names.map((name) => [name, false])));
  const port = await balancer.listen({ host: '127.0.0.1', port: 0 }, stop.signal);
  return { balancer, port, metrics };
}

/** Resolves when the servers have these states. */
async function states(balancer: Balancer, ...wanted: string[]): Promise<void> {
  while (
    balancer
      .servers()
      .map(({ state }) => state)
      .join() !== wanted.join()
  )
    await new Promise((resolve) => setTimeout(resolve, 20));
}

interface Client {
  readonly socket: Socket;
  /** Resolves with the text so far when it has at least this length. */
  read(length: number): Promise<string>;
  /** Resolves when the connection is over: with all text, or the error. */
  readonly over: Promise<string>;
}

function open(port: number, say = 'x', from = '127.0.0.1'): Client {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true });
  let text = '';
  let failure = '';
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code ?? error.message;
  });
  const over = new Promise<string>((resolve) => socket.once('close', () => resolve(failure || text)));
  socket.write(say);
  return {
    socket,
    over,
    read: async (length) => {
      while (text.length < length) await new Promise((resolve) => socket.once('data', resolve));
      return text;
    },
  };
}

t.test('connections are spread, bytes pass both ways, and each direction ends by itself', async (t) => {
  const servers = await start(t, 3);
  const { balancer, port, metrics } = await balance(
    t,
    servers.map(({ address }) => address),
  );
  await states(balancer, 'up', 'up', 'up');
  const clients = [open(port), open(port), open(port)];
  const first = await Promise.all(clients.map((client) => client.read(2)));
  t.strictSame(first.sort(), ['Ax', 'Bx', 'Cx']);
  for (const { socket } of clients) socket.end('!');
  const all = await Promise.all(clients.map(({ over }) => over));
  t.strictSame(all.sort(), ['Ax! and end', 'Bx! and end', 'Cx! and end'], 'the answer after the end of the request');
  await states(balancer, 'up', 'up', 'up');
  t.match(metrics.render(), /k8ts_balancer_server_up\{server="127\.0\.0\.1:\d+"\} 1/);
  t.match(metrics.render(), /k8ts_balancer_bytes_total\{from="client"\} 6\n/);
});

t.test('megabytes pass unchanged when the client reads late, both ways', async (t) => {
  const servers = await start(t, 1);
  const { port } = await balance(t, [servers[0]!.address]);
  const said = Array.from({ length: 1_000_000 }, (_, i) => i.toString(36).padStart(8, '.')).join('');
  const { socket, read, over } = open(port, said);
  socket.pause();
  socket.end();
  setImmediate(() => socket.resume());
  await read(said.length + 1);
  t.ok((await over) === `A${said} and end`);
});

t.test('a killed server: the client gets another one and sees nothing of it', async (t) => {
  const servers = await start(t, 2);
  const { balancer, port, metrics } = await balance(
    t,
    servers.map(({ address }) => address),
  );
  await states(balancer, 'up', 'up');
  const held = [open(port), open(port)];
  await Promise.all(held.map((client) => client.read(2)));
  servers[0]!.kill();
  // The checks may not have seen it yet.
  const next = await Promise.all([open(port), open(port)].map((client) => client.read(2)));
  t.strictSame(next, ['Bx', 'Bx']);
  const [a] = await Promise.all(held.map(async (client) => ({ client, text: await client.read(2) }))).then((all) =>
    all.filter(({ text }) => text === 'Ax'),
  );
  t.equal(await a!.client.over, 'ECONNRESET', 'a broken connection is broken for the client');
  await states(balancer, 'down', 'up');
  t.match(metrics.render(), /k8ts_balancer_server_up\{.*\} 0/);
});

t.test('a frozen server: its connections are closed, and it gets no new ones', async (t) => {
  const servers = await start(t, 2);
  const { balancer, port, metrics } = await balance(
    t,
    servers.map(({ address }) => address),
  );
  await states(balancer, 'up', 'up');
  const held = [open(port), open(port)];
  const texts = await Promise.all(held.map((client) => client.read(2)));
  servers[0]!.freeze();
  t.equal(await held[texts.indexOf('Ax')]!.over, 'ECONNRESET');
  await states(balancer, 'down', 'up');
  const next = await Promise.all([open(port), open(port), open(port)].map((client) => client.read(2)));
  t.strictSame(next, ['Bx', 'Bx', 'Bx']);
  t.notOk(held[texts.indexOf('Bx')]!.socket.destroyed, 'the other connection stays');
  t.match(metrics.render(), /k8ts_balancer_closed_connections_total\{.*\} 1/);
});

t.test('the only server: its connections stay while it is not ready, and close when another one is', async (t) => {
  const servers = await start(t, 2);
  const [a, b] = servers as [PlayedServer, PlayedServer];
  b.status = 500;
  const { balancer, port } = await balance(t, [a.address, b.address]);
  await states(balancer, 'up', 'down');
  const client = open(port);
  await client.read(2);
  a.status = 503;
  await states(balancer, 'down', 'down');
  t.notOk(client.socket.destroyed);
  const late = open(port);
  t.match(await late.read(2), /[AB]x/, 'all servers are tried');
  b.status = 200;
  await states(balancer, 'down', 'up');
  t.equal(await client.over, 'ECONNRESET');
});

t.test('servers that lose their store together: no connection moves, then or when it comes back', async (t) => {
  const servers = await start(t, 3);
  const { balancer, port, metrics } = await balance(
    t,
    servers.map(({ address }) => address),
  );
  await states(balancer, 'up', 'up', 'up');
  const clients = [open(port), open(port), open(port)];
  await Promise.all(clients.map((client) => client.read(2)));
  for (const server of servers) server.status = 500;
  await states(balancer, 'down', 'down', 'down');
  for (const server of servers) server.status = 200;
  await states(balancer, 'up', 'up', 'up');
  for (const { socket } of clients) t.notOk(socket.destroyed);
  t.notMatch(metrics.render(), /closed_connections_total\{/);
});

t.test('no server accepts: the connection is reset', async (t) => {
  const [a] = await start(t, 1);
  a!.kill();
  const { port, metrics } = await balance(t, [a!.address]);
  t.equal(await open(port).over, 'ECONNRESET');
  t.match(metrics.render(), /k8ts_balancer_refused_connections_total\{reason="no_server"\} 1/);
});

t.test('the number of connections is bounded', async (t) => {
  const [a] = await start(t, 1);
  const { port, metrics } = await balance(t, [a!.address], 1);
  const held = open(port);
  await held.read(2);
  t.equal(await open(port).over, 'ECONNRESET');
  t.match(metrics.render(), /k8ts_balancer_refused_connections_total\{reason="limit"\} 1/);
  held.socket.end();
  await held.over;
});

t.test('a client with many connections does not lock out others', async (t) => {
  const [a] = await start(t, 1);
  const { port, metrics } = await balance(t, [a!.address], 8);
  const held = [open(port), open(port)];
  for (const client of held) await client.read(2);
  t.equal(await open(port).over, 'ECONNRESET');
  t.match(metrics.render(), /k8ts_balancer_refused_connections_total\{reason="client_limit"\} 1/);
  const other = open(port, 'x', '127.0.0.2');
  t.equal(await other.read(2), 'Ax');
  held[0]!.socket.end();
  await held[0]!.over;
  const again = open(port);
  t.equal(await again.read(2), 'Ax', 'a closed connection counts no more');
  for (const { socket } of [held[1]!, other, again]) socket.end();
});

t.test('a program without a certificate of the cluster is no server', async (t) => {
  const [a] = await start(t, 1);
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-balancer-'));
  t.teardown(() => rm(dir, { recursive: true }));
  await ensurePki(dir, { advertiseAddress: '192.0.2.9', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' });
  const foreign = (await readAuthority(dir))!;
  const names = { commonName: 'kube-apiserver', hosts: ['127.0.0.1'], usages: ['server' as const] };
  const impostor = new PlayedServer('I', await issueCertificate(foreign, names, Date.now()));
  await impostor.open();
  t.teardown(() => impostor.kill());
  const { balancer, port } = await balance(t, [impostor.address, a!.address]);
  await states(balancer, 'down', 'up');
  const texts = await Promise.all([open(port), open(port)].map((client) => client.read(2)));
  t.strictSame(texts, ['Ax', 'Ax']);
});

t.test('a server that comes back gets connections again, one that leaves gets none', async (t) => {
  const [a, b] = (await start(t, 2)) as [PlayedServer, PlayedServer];
  const { balancer, port } = await balance(t, [a.address, b.address]);
  await states(balancer, 'up', 'up');
  a.kill();
  await states(balancer, 'down', 'up');
  const again = new PlayedServer('A', identity);
  await again.open(a.port);
  t.teardown(() => again.kill());
  await states(balancer, 'up', 'up');
  t.strictSame((await Promise.all([open(port), open(port)].map((client) => client.read(2)))).sort(), ['Ax', 'Bx']);
  balancer.use(new Map([[a.address, false]]));
  t.strictSame(await Promise.all([open(port), open(port)].map((client) => client.read(2))), ['Ax', 'Ax']);
});
