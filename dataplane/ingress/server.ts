// The listeners: HTTP on one port, HTTPS (HTTP/1.1 and HTTP/2) on the other. update() replaces the configuration as one object
// and never touches connections and running requests.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { type AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type BackendInput, Backends, type Endpoint } from './backends';
import { type Dialing, defaultDialing } from './dial';
import { type Failure, failureOf, noEndpoints } from './failure';
import { forward, type ProxyRequest, type ProxyResponse } from './forward';
import type { HeadProblem } from './headers';
import { checkingMs, defaultLimits, http2Limits, type Limits, limitSession } from './limits';
import { otherReadings, parsePath } from './path';
import { isUpgrade, judgeRequest } from './protocol';
import {
  compileRoutes,
  type DefaultRule,
  matchRoute,
  parseHost,
  type Route,
  type RouteRule,
  type RouteTable,
} from './routes';
import { compileTls, contextFor, type TlsInput, type TlsTable } from './tls';
import { createUpgrader, refuseUpgrade } from './upgrade';

export interface IngressConfig {
  readonly rules: readonly RouteRule[];
  readonly defaults: readonly DefaultRule[];
  readonly backends: readonly BackendInput[];
  readonly tls: readonly TlsInput[];
}
/** The client has left before the answer began: nginx's number for it. No such status is ever sent. */
export const clientLeft = 499;

/** What became of a request. */
export interface Answered {
  /** As it was sent, or `clientLeft`. */
  readonly status: number;
  /** Absent: no rule has matched. */
  readonly route?: Route;
  /** ADDRESS:PORT of the endpoint that was tried last; absent: there was none. */
  readonly endpoint?: string;
}
export interface IngressServerOptions {
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly httpPort: number;
  readonly httpsPort: number;
  /** How long a request may wait for the first configuration before it is answered with 503; default 5,000. */
  readonly holdMs?: number;
  readonly limits?: Partial<Limits>;
  /**
   * How names of backends are resolved and checked; default: by the node's name servers, and addresses that only the node has
   * are refused.
   */
  readonly dialing?: Dialing;
  /** Called once per request, when its answer is complete or its client has left; for metrics. */
  readonly onAnswer?: (answered: Answered) => void;
  /** Called for each request that could not be forwarded, with details that its client must not see. */
  readonly onFailure?: (failure: Failure & { readonly requestId: string }) => void;
}
/** The parts of the last update that could not be used. */
export interface UpdateReport {
  readonly conflicts: RouteTable['conflicts'];
  readonly brokenTls: TlsTable['broken'];
}

/** A restarted process has its configuration in well under a second: a late answer is better than a wrong 404. */
const holdMs = 5_000;

type Verdict = { readonly route: Route; readonly headers: string[] } | HeadProblem;

export class IngressServer {
  private table: RouteTable = compileRoutes([], []);
  private tls: TlsTable = compileTls([]);
  private readonly backends: Backends;
  private readonly upgrader = createUpgrader();
  private readonly http: Server;
  private readonly https: Http2SecureServer;
  private readonly sockets = new Set<Duplex>();
  private tlsText = '';
  /** Requests that arrived before the first configuration; undefined after that. */
  private held: Set<() => void> | undefined = new Set();

  constructor(private readonly options: IngressServerOptions) {
    const limits = { ...defaultLimits, ...options.limits };
    this.backends = new Backends({
      dialing: options.dialing ?? defaultDialing(),
      maxHeaderBytes: limits.maxHeaderBytes,
    });
    // Node uses these options for the HTTP/1 connections of both servers, although the type of the second server has only some of
    // them.
    const http1 = {
      maxHeaderSize: limits.maxHeaderBytes,
      // 0: uploads may take as long as they make progress; the limits below close slow clients.
      requestTimeout: 0,
      shouldUpgradeCallback: isUpgrade,
      headersTimeout: limits.headMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: checkingMs(limits),
    };
    this.http = createServer(http1, (req, res) => this.whenConfigured(() => this.answer(req, res, false)));
    this.https = createSecureServer(
      {
        ...http1,
        ...http2Limits,
        handshakeTimeout: limits.headMs,
        allowHTTP1: true,
        minVersion: 'TLSv1.2',
        SNICallback: (name, done) =>
          this.whenConfigured(() => {
            const context = contextFor(this.tls, name);
            if (context) done(null, context);
            else done(new Error(`no certificate for ${name}`));
          }),
      },
      (req, res) => this.answer(req, res as unknown as ProxyResponse, true),
    );
    this.https.on('session', (session) => limitSession(session, limits));
    for (const server of [this.http, this.https] as const) {
      server.setTimeout(limits.stalledMs);
      server.maxConnections = limits.maxConnections;
      server.on('connection', (socket: Duplex) => {
        this.sockets.add(socket);
        socket.once('close', () => this.sockets.delete(socket));
      });
    }
    this.http.on('upgrade', (req, socket, head) => this.whenConfigured(() => this.upgrade(req, socket, head, false)));
    this.https.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.upgrade(req, socket, head, true),
    );
    for (const server of [this.http, this.https] as const) {
      server.on('connect', (request: ProxyRequest, to: Duplex | ProxyResponse) => {
        const problem = { status: 405, reason: 'CONNECT is not served' };
        if (to instanceof Socket) refuseUpgrade(to, problem.status, page(problem));
        else answerProblem(to as ProxyResponse, request, problem.status, page(problem));
      });
    }
    // Scanners and aborted handshakes are normal traffic: closing the connection is enough.
    this.https.on('tlsClientError', (_err, socket) => socket.destroy());
  }

  /** Resolves when both ports listen. @throws the bind error, with port and cause in its message */
  async listen(): Promise<{ httpPort: number; httpsPort: number }> {
    await bind(this.http, this.options.httpPort, this.options.host);
    await bind(this.https, this.options.httpsPort, this.options.host);
    return {
      httpPort: (this.http.address() as AddressInfo).port,
      httpsPort: (this.https.address() as AddressInfo).port,
    };
  }

  /** Replaces the current configuration at once, as one object. */
  update(config: IngressConfig): UpdateReport {
    this.backends.replace(config.backends);
    this.table = compileRoutes(config.rules, config.defaults);
    const text = JSON.stringify(config.tls);
    if (text !== this.tlsText) {
      this.tls = compileTls(config.tls);
      this.tlsText = text;
    }
    const held = this.held ?? [];
    this.held = undefined;
    for (const go of held) go();
    return { conflicts: this.table.conflicts, brokenTls: this.tls.broken };
  }

  /** Stops listening, waits up to `graceMs` for running requests, then closes the remaining connections. */
  async close(graceMs: number): Promise<void> {
    const closed = Promise.all([this.http, this.https].map((server) => new Promise((done) => server.close(done))));
    this.http.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
    await this.backends.close();
  }

  private whenConfigured(work: () => void): void {
    if (!this.held) {
      work();
      return;
    }
    const go = () => {
      clearTimeout(timer);
      this.held?.delete(go);
      work();
    };
    const timer = setTimeout(go, this.options.holdMs ?? holdMs);
    this.held.add(go);
  }

  private answer(request: ProxyRequest, response: ProxyResponse, tls: boolean): void {
    const { onAnswer } = this.options;
    const verdict = this.judge(request, tls);
    let tried: Endpoint | undefined;
    if (onAnswer) {
      // 'close' comes after 'finish', and without it when the connection has ended before.
      response.once('close', () =>
        onAnswer({
          status: response.headersSent ? response.statusCode : clientLeft,
          ...('route' in verdict ? { route: verdict.route } : {}),
          ...(tried ? { endpoint: textOf(tried) } : {}),
        }),
      );
    }
    if ('status' in verdict) {
      answerProblem(response, request, verdict.status, page(verdict));
      return;
    }
    forward({
      backends: this.backends,
      backend: verdict.route.backend,
      request,
      response,
      headers: verdict.headers,
      hasBody: hasRequestBody(request),
      onTry: (endpoint) => {
        tried = endpoint;
      },
      fail: (failure) => answerProblem(response, request, failure.status, this.failed(failure)),
    });
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, tls: boolean): void {
    socket.on('error', () => socket.destroy());
    const verdict = this.judge(request, tls);
    if ('status' in verdict) {
      refuseUpgrade(socket, verdict.status, page(verdict));
      return;
    }
    const { backend } = verdict.route;
    const upstream = this.backends.next(backend);
    const fail = (failure: Failure) => refuseUpgrade(socket, failure.status, this.failed(failure));
    if (!upstream) {
      fail(noEndpoints(backend, this.backends.problem(backend)));
      return;
    }
    const endpoint = textOf(upstream);
    this.upgrader.upgrade({
      request,
      socket,
      head,
      headers: verdict.headers,
      upstream,
      fail: (error) => fail(failureOf(error, backend, endpoint, 1)),
    });
  }

  /** Reports the failure; returns the text for the client. */
  private failed(failure: Failure): string {
    const requestId = randomUUID();
    this.options.onFailure?.({ ...failure, requestId });
    return page(failure, requestId);
  }

  private judge(request: ProxyRequest, tls: boolean): Verdict {
    const { socket } = request;
    const client = { address: plainAddress(socket?.remoteAddress), tls, port: socket?.localPort ?? 0 };
    const head = judgeRequest(request, isHttp2(request), client);
    if ('status' in head) return head;
    const { authority, headers } = head;
    const host = parseHost(authority);
    if (host === undefined)
      return { status: 400, reason: `the Host header ${JSON.stringify(authority)} is not a host name` };
    const path = parsePath(request.url!);
    if (path === undefined) {
      return { status: 400, reason: 'the path has dot segments, a backslash or a broken escape, or is not absolute' };
    }
    if (tls && contextFor(this.tls, host) !== contextFor(this.tls, (socket as TLSSocket).servername || host)) {
      return { status: 421, reason: `this connection was opened for another host than ${host}` };
    }
    if (this.held) return { status: 503, reason: 'this proxy has just started and has not reached the API server yet' };
    const route = matchRoute(this.table, host, path);
    if (!route) return { status: 404, reason: `no Ingress has a rule for host ${host} and path ${path}` };
    for (const other of otherReadings(path)) {
      const elsewhere = matchRoute(this.table, host, other);
      if (elsewhere && elsewhere.backend !== route.backend) {
        return { status: 400, reason: `the path can also be read as ${other}, which has another rule` };
      }
    }
    return { route, headers };
  }
}

const textOf = ({ address, port }: Endpoint): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** From the connection: an HTTP/1 request may claim any version. */
const isHttp2 = (request: ProxyRequest): boolean => 'stream' in request;

const page = ({ status, reason }: HeadProblem, requestId?: string): string =>
  `${status}: ${reason}\n${requestId ? `request ${requestId}\n` : ''}`;

function hasRequestBody(request: ProxyRequest): boolean {
  const { headers } = request;
  if ('stream' in request) return !request.stream.endAfterHeaders;
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function plainAddress(address: string | undefined): string {
  return address?.startsWith('::ffff:') ? address.slice(7) : (address ?? 'unknown');
}

function answerProblem(response: ProxyResponse, request: ProxyRequest, status: number, text: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = Buffer.from(text);
  const headers: Record<string, string | number> = {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    server: 'k8ts',
  };
  if (status === 405) headers.allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
  // After a framing error the next bytes of the connection are not reliable.
  if (closing.has(status) && !isHttp2(request)) headers.connection = 'close';
  response.writeHead(status, headers);
  response.end(body);
}
const closing: ReadonlySet<number> = new Set([400, 501, 505]);

function bind(server: Server | Http2SecureServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
