// The HTTPS listener: TLS 1.2 and later, HTTP/1.1 with keep-alive, bounded headers, time and connections. It finds the user,
// passes the request to the handler and writes the handler's answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../base/logger';
import type { Authenticator, Credentials } from '../authn/authenticator';
import { type FrontProxyConfig, identityHeaders } from '../authn/front-proxy';
import { impersonationHeaders, wantsImpersonation } from '../authn/impersonation';
import { adoptProtocolToken } from '../authn/websocket-token';
import type { ApiHandler } from '../handler';
import type { Headers, Reply, UserInfo } from '../request';
import { toStatus } from '../status';
import { readBody } from './body';
import { refuseClient } from './client-error';
import type { PublicPages } from './public-pages';
import { writeReply } from './reply';
import { answerUpgrade } from './upgrade-reply';

export interface ListenerOptions {
  readonly address: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** PEM texts. */
  readonly certificate: string;
  readonly key: string;
  /** How many connections are open at once; more are closed at once. Default: 10,000. */
  readonly maxConnections?: number;
  /** How long a TLS handshake may take. Default: 20 s. */
  readonly handshakeMs?: number;
  /** Client certificates are checked against this one, */
  readonly ca: string;
  /** and against those of front proxies. */
  readonly frontProxy?: FrontProxyConfig;
  /** Answered before a user is looked for; absent: every path belongs to the API. */
  readonly pages?: PublicPages;
}

const minVersion = 'TLSv1.2';
/** A connection that has sent half a request head, or half a TLS handshake, for this long is closed. */
const headersTimeoutMs = 20_000;
/** How often Node.js looks for half-sent heads and handshakes; with its default of 30 seconds they would stay up to 50 seconds. */
const checkMs = 5_000;
/** A request with its body must arrive within this time; the answer may take longer. */
const requestTimeoutMs = 60_000;
/** Idle keep-alive connections are closed after this; longer than the 90 s client-go keeps them. */
const keepAliveTimeoutMs = 120_000;
const maxHeaderBytes = 64 * 1024;
const defaultMaxConnections = 10_000;
/** On close, connections that still answer after this time are cut. */
const drainMs = 5_000;

export class Listener {
  private server: Server | undefined;
  private readonly upgraded = new Set<Duplex>();
  private readonly namesUser: (header: string) => boolean;

  constructor(
    private readonly options: ListenerOptions,
    private readonly handler: ApiHandler,
    private readonly authenticator: Authenticator,
    private readonly log: Logger,
  ) {
    this.namesUser = identityHeaders(options.frontProxy);
  }

  /** Resolves with the port in use. */
  open(): Promise<number> {
    const {
      address,
      port,
      certificate,
      key,
      ca,
      maxConnections = defaultMaxConnections,
      handshakeMs = headersTimeoutMs,
    } = this.options;
    const server = createServer(
      {
        cert: certificate,
        key,
        ca: this.authorities(ca),
        requestCert: true,
        rejectUnauthorized: false,
        minVersion,
        ALPNProtocols: ['http/1.1'],
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: headersTimeoutMs,
        handshakeTimeout: handshakeMs,
        connectionsCheckingInterval: checkMs,
        keepAliveTimeout: keepAliveTimeoutMs,
        requestTimeout: requestTimeoutMs,
        noDelay: true,
      },
      (message, response) => void this.serve(message, response),
    );
    server.maxConnections = maxConnections;
    server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.upgrade(message, socket, head);
    });
    server.on('clientError', (err: NodeJS.ErrnoException, socket: Duplex) => refuseClient(err, socket));
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.off('error', reject);
        server.on('error', (err) => this.log.error('the HTTPS listener failed', { error: err }));
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  /** New connections use these certificates; open connections stay. */
  renew({ certificate, key, ca }: Pick<ListenerOptions, 'certificate' | 'key' | 'ca'>): void {
    this.server?.setSecureContext({ cert: certificate, key, ca: this.authorities(ca), minVersion });
  }

  private authorities(ca: string): string[] {
    const { frontProxy } = this.options;
    return frontProxy ? [ca, frontProxy.ca] : [ca];
  }

  /** Accepts no new connections, waits a bounded time for open answers, then cuts the remaining connections. */
  async close(): Promise<void> {
    const server = this.server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    for (const socket of this.upgraded) socket.destroy();
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    await closed;
    clearTimeout(cut);
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: Reply;
    try {
      const page = this.page(message);
      if (page) {
        message.resume();
        writeReply(response, await page);
        return;
      }
      const user = this.userOf(message);
      reply = await this.handler.handle(this.toRequest(message, user instanceof Promise ? await user : user));
    } catch (err) {
      reply = this.handler.refuse(this.toRequest(message, undefined), err);
    }
    try {
      // Node would parse an unread body as the next request.
      if (!message.readableEnded && !streaming.has(message)) message.resume();
      writeReply(response, reply);
    } catch (err) {
      this.log.error('cannot write the answer', { path: message.url, error: err });
      response.destroy();
    }
  }

  private page({ method = 'GET', url = '/', headers }: IncomingMessage): Promise<Reply> | undefined {
    return this.options.pages?.answer({ method, path: pathOf(url), headers });
  }

  private userOf(message: IncomingMessage): UserInfo | Promise<UserInfo> {
    // Of an HTTPS server all sockets are TLSSockets.
    return this.authenticator.authenticate(message as IncomingMessage & Credentials, pathOf(message.url ?? '/'));
  }

  /** Users and authorities in headers were for the authenticator alone. */
  private toRequest<U extends UserInfo | undefined>(message: IncomingMessage, user: U) {
    return toRequest(message, user, this.namesUser);
  }

  private async upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.upgraded.add(socket);
    socket.once('close', () => this.upgraded.delete(socket));
    socket.on('error', () => socket.destroy());
    try {
      adoptProtocolToken(message.headers);
      const user = await this.userOf(message);
      const reply = await this.handler.upgrade(this.toRequest(message, user), socket, head);
      if (reply) answerUpgrade({ message, socket, head }, reply);
    } catch (err) {
      const status = toStatus(err);
      const body = JSON.stringify(status);
      socket.end(
        `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    }
  }
}

/** Node joins repeated headers with commas, but names of groups may contain commas. */
function headersOf(message: IncomingMessage, isDropped: (header: string) => boolean): Headers {
  const { headers } = message;
  for (const name in headers) if (isDropped(name)) delete headers[name];
  return wantsImpersonation(headers) ? { ...headers, ...impersonationHeaders(message.headersDistinct) } : headers;
}

function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}

/** Requests whose body another part reads while it arrives. */
const streaming = new WeakSet<IncomingMessage>();

function toRequest<U extends UserInfo | undefined>(
  message: IncomingMessage,
  user: U,
  isDropped: (header: string) => boolean,
) {
  const url = message.url ?? '/';
  const path = pathOf(url);
  return {
    method: message.method ?? 'GET',
    path,
    search: url.slice(path.length + 1),
    headers: headersOf(message, isDropped),
    user,
    peer: () => message.socket.remoteAddress,
    isGone: () => message.socket.destroyed,
    body: () => readBody(message),
    stream: () => {
      streaming.add(message);
      return message;
    },
  };
}
