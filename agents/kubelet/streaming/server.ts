// The kubelet's end points for exec, attach and port-forward: take over an HTTP upgrade, negotiate a protocol, serve it.
// The HTTP server does TLS and authentication; the handlers run commands and connections.
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import { AppError, describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { StreamingHandlers } from './handlers';
import {
  choose,
  parseOffers,
  portForwardChannels,
  portForwardProtocol,
  portForwardTunnel,
  spdyProtocols,
  webSocketProtocols,
} from './negotiate';
import { servePortForwardChannels, servePortForwardSpdy } from './port-forward';
import { parseStreamingRequest, type StreamingRequest } from './requests';
import { runSession } from './session';
import { spdySession } from './spdy-session';
import { webSocketSession } from './websocket-session';

export interface StreamingServerOptions {
  readonly handlers: StreamingHandlers;
  readonly log: Logger;
  /** A connection without a byte in either direction for this long is closed. Default four hours, as the kubelet. */
  readonly idleTimeoutMs?: number;
}

export interface StreamingServer {
  /**
   * Takes over an 'upgrade' of an HTTP server. Does nothing and returns false when the path is not exec, attach or
   * portForward.
   */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Ends all sessions. */
  close(): void;
}

export const defaultIdleTimeoutMs = 4 * 60 * 60 * 1000;
/** After this time the server cuts off a client that has not closed its half of a connection. */
const lingerMs = 5_000;
const maxMessageBytes = 32 * 1024 * 1024;
const noProtocol = { name: '', version: 1, base64: false } as const;

export function createStreamingServer({
  handlers,
  log,
  idleTimeoutMs = defaultIdleTimeoutMs,
}: StreamingServerOptions): StreamingServer {
  const sockets = new Set<Duplex>();
  return {
    handleUpgrade(req, socket, head) {
      let request: StreamingRequest | undefined;
      try {
        request = parseStreamingRequest(req.url ?? '/');
      } catch (err) {
        socket.on('error', () => {});
        refuse(socket, err);
        return true;
      }
      if (request === undefined) return false;
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      // The code that serves the connection notices its end. Before that, an error without a listener would end the process.
      socket.on('error', () => {});
      socket.once('finish', () => {
        const cut = setTimeout(() => socket.destroy(), lingerMs);
        socket.once('close', () => clearTimeout(cut));
      });
      if ('setTimeout' in socket) {
        const timed = socket as Socket;
        timed.setTimeout(idleTimeoutMs, () => timed.destroy());
        timed.setNoDelay(true);
      }
      serve(request, { req, socket, head }, handlers, log).catch((err: unknown) => {
        log.info('streaming connection ended', { kind: request.kind, error: describeError(err) });
        socket.destroy();
      });
      return true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Upgrade {
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

async function serve(
  request: StreamingRequest,
  upgrade: Upgrade,
  handlers: StreamingHandlers,
  log: Logger,
): Promise<void> {
  const wanted = upgrade.req.headers.upgrade?.toLowerCase();
  try {
    const target = request.kind === 'portForward' ? request.pod : request.request;
    await handlers.check?.(request.kind, target);
    if (wanted !== 'websocket' && wanted !== 'spdy/3.1') {
      throw new AppError('BadRequest', `upgrade to ${wanted} is not supported: use SPDY/3.1 or websocket`);
    }
  } catch (err) {
    refuse(upgrade.socket, err);
    return;
  }
  await (wanted === 'websocket'
    ? serveWebSocket(request, upgrade, handlers, log)
    : serveSpdy(request, upgrade, handlers, log));
}

async function serveSpdy(
  request: StreamingRequest,
  { req, socket, head }: Upgrade,
  handlers: StreamingHandlers,
  log: Logger,
): Promise<void> {
  const offers = parseOffers(req.headers['x-stream-protocol-version']);
  const isForward = request.kind === 'portForward';
  const spoken = isForward ? [{ ...noProtocol, name: portForwardProtocol }] : spdyProtocols;
  // A client that offers no protocol is older than the negotiation, and speaks the first version.
  const protocol = offers.length === 0 ? noProtocol : choose(offers, spoken);
  if (protocol === undefined) {
    const accepted = spoken.map(({ name }) => name);
    const err = new AppError(
      'Forbidden',
      `unable to upgrade: unable to negotiate protocol: client supports [${offers.join(' ')}], server accepts [${accepted.join(' ')}]`,
    );
    refuse(
      socket,
      err,
      accepted.map((name) => `X-Accepted-Stream-Protocol-Versions: ${name}`),
    );
    return;
  }
  const answer = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'];
  if (protocol.name !== '') answer.push(`X-Stream-Protocol-Version: ${protocol.name}`);
  socket.write(`${answer.join('\r\n')}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  if (request.kind === 'portForward') {
    await servePortForwardSpdy(socket, request.pod, handlers.portForward, log);
    return;
  }
  const { session, ended } = spdySession(socket, protocol, request);
  const served = session.then((opened) => runSession(request, opened, handlers, log));
  const results = await Promise.allSettled([served, ended]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function serveWebSocket(
  request: StreamingRequest,
  { req, socket, head }: Upgrade,
  handlers: StreamingHandlers,
  log: Logger,
): Promise<void> {
  const offers = parseOffers(req.headers['sec-websocket-protocol']);
  const isForward = request.kind === 'portForward';
  const spoken = isForward ? [{ ...noProtocol, name: portForwardTunnel }, ...portForwardChannels] : webSocketProtocols;
  const protocol = choose(offers, spoken) ?? (offers.length === 0 ? noProtocol : undefined);
  if (protocol === undefined) {
    refuse(
      socket,
      new AppError('Forbidden', `unable to upgrade: none of the protocols [${offers.join(' ')}] is spoken`),
    );
    return;
  }
  const ws = await acceptWebSocket({ req, socket, head }, protocol.name);
  if (ws === undefined) return;
  if (request.kind !== 'portForward') {
    await runSession(request, webSocketSession(ws, protocol, request), handlers, log);
  } else if (protocol.name === portForwardTunnel) {
    const transport = createWebSocketStream(ws);
    await servePortForwardSpdy(transport, request.pod, handlers.portForward, log);
  } else {
    await servePortForwardChannels(ws, protocol, request.pod, request.ports, handlers.portForward);
  }
}

/** Resolves to undefined after it has refused an invalid handshake. */
function acceptWebSocket({ req, socket, head }: Upgrade, protocol: string): Promise<WebSocket | undefined> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  // The library accepts only HTTP tokens, and SPDY/3.1+portforward.k8s.io is none. So this code removes the offers from the
  // request and adds the choice to the library's answer.
  delete req.headers['sec-websocket-protocol'];
  if (protocol !== '') server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return new Promise((resolve) => {
    server.once('wsClientError', (cause) => {
      refuse(socket, new AppError('BadRequest', 'not a WebSocket handshake', { cause }));
      resolve(undefined);
    });
    server.handleUpgrade(req, socket, head, resolve);
  });
}

const statusByCode: Partial<Record<string, number>> = {
  BadRequest: 400,
  Invalid: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  Unavailable: 503,
};

/** Sends a plain HTTP answer instead of an upgrade; kubectl shows its text. */
function refuse(socket: Duplex, err: unknown, extraHeaders: readonly string[] = []): void {
  const status = (err instanceof AppError ? statusByCode[err.code] : undefined) ?? 500;
  const body = `${describeError(err)}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...extraHeaders,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
