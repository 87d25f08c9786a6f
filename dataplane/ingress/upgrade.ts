// WebSocket connections, carried by http-proxy (the maintained http-proxy-3 under that name). A connection keeps the
// endpoint it was opened to; later changes of any Ingress do not touch it.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ProxyServer } from 'http-proxy';
import type { Upstream } from './backends';

const CONNECT_TIMEOUT_MS = 5_000;

export interface Upgrader {
  /** Connects the client to the endpoint; on failure the client gets a 502 with the reason. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, endpoint: Upstream): void;
}

export function createUpgrader(): Upgrader {
  const proxy: ProxyServer = createProxyServer({ ws: true, xfwd: true, connectTimeout: CONNECT_TIMEOUT_MS });
  return {
    upgrade(request, socket, head, { address, port, agent }) {
      // A client's own claims are not passed on; http-proxy appends to what it finds.
      for (const name of ['for', 'host', 'proto', 'port']) delete request.headers[`x-forwarded-${name}`];
      proxy.ws(request, socket, head, { agent, target: { host: address, port, protocol: 'http:' } }, (err) => {
        refuseUpgrade(socket, 502, `endpoint ${address}:${port}: ${err.message}`);
      });
    },
  };
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  421: 'Misdirected Request',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

/** Answers an upgrade request with an HTTP error and closes the connection. */
export function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  if (socket.destroyed || !socket.writable) return;
  const body = `${status} ${reasons[status]}: ${reason}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${reasons[status]}\r\nserver: k8ts\r\ncontent-type: text/plain\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
