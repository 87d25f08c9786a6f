// Transport over HTTPS (or plain HTTP) with kept-alive connections, client certificates and bearer tokens.
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { describeError, Unavailable } from '../base/errors';
import type { Request, Response, Transport } from './client';
import type { ConnectionOptions } from './kubeconfig';

/** A dead peer is noticed after this long without traffic (plus ten probes of a second), also on a silent watch. */
const keepAliveProbeMs = 15_000;
/**
 * If the server does not answer a connection attempt, TLS included, in this time, the attempt fails: the kernel alone would wait
 * two minutes. On busy emulated machines a handshake takes seconds.
 */
const connectTimeoutMs = 15_000;
/**
 * No answer at all after this long: the path to the server is broken, or was, and the kernel waits longer before each
 * retransmission (minutes, after a node was cut off for one). A new connection is faster. Watches answer at once.
 */
const answerTimeoutMs = 30_000;
/**
 * Connections for requests whose answer ends; further requests wait for one of these. Without this limit, a node that gets a hundred
 * pods at once opens hundreds of connections. Then a busy server does nothing but handshakes, which reach their time limit and are repeated.
 * Watches keep their connections for minutes, so they do not count. Nor do Leases: a node whose other requests wait must not look dead.
 */
const maxConnections = 16;
/** A token file is read again when it is older than this: projected tokens are replaced long before they expire. */
const tokenMaxAgeMs = 10_000;
const defaultLimits = { connectTimeoutMs, answerTimeoutMs, tokenMaxAgeMs, maxConnections };
export type TransportLimits = Readonly<typeof defaultLimits>;

const unlimitedPath = /^\/apis\/coordination\.k8s\.io\/|[?&]watch=(true|1)(&|$)/;

export class HttpsTransport implements Transport {
  private readonly base: URL;
  private readonly agent: http.Agent;
  private readonly unlimitedAgent: http.Agent;
  private readonly limits: TransportLimits;
  private token: { readonly value: string; readonly readAt: number } | undefined;

  constructor(
    private readonly options: ConnectionOptions,
    limits: Partial<TransportLimits> = {},
  ) {
    this.limits = { ...defaultLimits, ...limits };
    this.base = new URL(options.server);
    this.agent = this.openPool(this.limits.maxConnections);
    this.unlimitedAgent = this.openPool(Number.POSITIVE_INFINITY);
  }

  get host(): string {
    return this.base.host;
  }

  async send(request: Request): Promise<Response> {
    request.signal?.throwIfAborted();
    const headers: Record<string, string> = { ...request.headers };
    const token = await this.bearerToken();
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    request.signal?.throwIfAborted();
    try {
      return await this.exchange(request, headers);
    } catch (err) {
      // The server may close an idle connection at the moment we use it. Reads are safe to retry, once.
      if (request.method === 'GET' && err instanceof StaleConnection) return this.exchange(request, headers);
      throw err;
    }
  }

  close(): void {
    for (const pool of [this.agent, this.unlimitedAgent]) pool.destroy();
  }

  /** For a transport that sends no more requests: idle connections close now, the others when their answer ends. */
  retire(): void {
    for (const pool of [this.agent, this.unlimitedAgent]) {
      pool.maxFreeSockets = 0;
      for (const idle of Object.values(pool.freeSockets)) for (const socket of idle ?? []) socket.destroy();
    }
  }

  private openPool(maxSockets: number): http.Agent {
    const { ca, cert, key, tlsServerName: servername, insecureSkipTlsVerify } = this.options;
    const pool = {
      keepAlive: true,
      keepAliveMsecs: keepAliveProbeMs,
      scheduling: 'lifo',
      maxSockets,
      maxFreeSockets: 16,
    } as const;
    if (this.base.protocol === 'http:') return new http.Agent(pool);
    return new https.Agent({ ...pool, ca, cert, key, servername, rejectUnauthorized: !insecureSkipTlsVerify });
  }

  private exchange(request: Request, headers: Record<string, string>): Promise<Response> {
    const { method, path, body, signal } = request;
    if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
    const prefix = this.base.pathname === '/' ? '' : this.base.pathname.replace(/\/$/, '');
    const start = this.base.protocol === 'http:' ? http.request : https.request;
    return new Promise((resolve, reject) => {
      const outgoing = start(
        {
          host: this.base.hostname.replace(/^\[|\]$/g, ''),
          port: this.base.port || undefined,
          path: `${prefix}${path}`,
          method,
          headers,
          agent: unlimitedPath.test(path) ? this.unlimitedAgent : this.agent,
          signal,
        },
        (incoming) => {
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: this.translateBody(incoming, signal),
          });
        },
      );
      const ms = this.limits.answerTimeoutMs;
      // The time in which the request waits for a connection does not count: the server knows nothing of it yet.
      outgoing.on('socket', (socket) => {
        const timer = setTimeout(() => outgoing.destroy(new Error(`no answer after ${ms} ms`)), ms);
        for (const event of ['response', 'close']) outgoing.once(event, () => clearTimeout(timer));
        socket.setNoDelay(true);
        if (socket.connecting)
          limitConnect(
            socket,
            this.base.protocol === 'http:' ? 'connect' : 'secureConnect',
            this.limits.connectTimeoutMs,
          );
      });
      // A request without a connection reports its abortion only when it gets one.
      const abandon = () => outgoing.socket ?? reject(signal?.reason);
      signal?.addEventListener('abort', abandon, { once: true });
      outgoing.once('close', () => signal?.removeEventListener('abort', abandon));
      outgoing.on('error', (err: NodeJS.ErrnoException) => {
        if (signal?.aborted) reject(signal.reason);
        else if (outgoing.reusedSocket && (err.code === 'ECONNRESET' || err.code === 'EPIPE')) {
          reject(new StaleConnection(this.describe(err), { cause: err }));
        } else reject(new Unavailable(this.describe(err), { cause: err }));
      });
      outgoing.end(body);
    });
  }

  /** A connection that breaks in the middle of a body becomes Unavailable; leaving the loop early closes it. */
  private async *translateBody(incoming: http.IncomingMessage, signal?: AbortSignal): AsyncGenerator<Buffer> {
    try {
      yield* incoming as AsyncIterable<Buffer>;
    } catch (err) {
      if (signal?.aborted) throw signal.reason;
      throw new Unavailable(this.describe(err), { cause: err });
    }
  }

  private describe(err: unknown): string {
    return `cannot reach ${this.options.server}: ${describeError(err)}`;
  }

  private async bearerToken(): Promise<string | undefined> {
    const { token, tokenFile } = this.options;
    if (tokenFile === undefined) return token;
    if (!this.token || performance.now() - this.token.readAt > this.limits.tokenMaxAgeMs) {
      try {
        this.token = { value: (await readFile(tokenFile, 'utf8')).trim(), readAt: performance.now() };
      } catch (cause) {
        throw new Unavailable(`cannot read the token file ${tokenFile}`, { cause });
      }
    }
    return this.token.value;
  }
}

/** Breaks a connection that is not established in time (with TLS: handshake included). */
function limitConnect(socket: Socket, established: 'connect' | 'secureConnect', limitMs: number): void {
  const timer = setTimeout(() => socket.destroy(new Error(`no connection after ${limitMs} ms`)), limitMs);
  for (const event of [established, 'close']) socket.once(event, () => clearTimeout(timer));
}

class StaleConnection extends Unavailable {}
