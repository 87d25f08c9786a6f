// WebSocket connections, forwarded by http-proxy (the maintained http-proxy-3 under that name). A connection keeps its endpoint;
// later changes of an Ingress do not affect it.
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createProxyServer, type ProxyServer } from 'http-proxy';
import type { Upstream } from './backends';
import { type HeaderRecord, responseHeaders } from './headers';

const connectTimeoutMs = 5_000;

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes that the client sent after its request. */
  readonly head: Buffer;
  /** The headers from headers.ts, as for any other request: name, value, name, value... */
  readonly headers: readonly string[];
  readonly upstream: Upstream;
  readonly fail: (error: Error) => void;
}
export interface Upgrader {
  /** Connects the client to the endpoint. */
  upgrade(upgrade: Upgrade): void;
}

export function createUpgrader(): Upgrader {
  // No xfwd: headers.ts writes the forwarding headers.
  const proxy: ProxyServer = createProxyServer({ ws: true, connectTimeout: connectTimeoutMs });
  proxy.on('proxyReqWs', (outgoing: ClientRequest, request: IncomingMessage) => {
    // http-proxy passes the path through URL, which rewrites it; the backend must get the path that was matched.
    outgoing.path = request.url!;
    // These listeners run before http-proxy's own, which copy the headers to the client.
    outgoing.once('upgrade', (response: IncomingMessage) => {
      response.headers = {
        ...toRecord(responseHeaders(response.headers)),
        connection: 'Upgrade',
        upgrade: 'websocket',
      };
    });
    outgoing.once('response', (response: IncomingMessage) => {
      response.headers = { ...toRecord(responseHeaders(response.headers)), connection: 'close' };
    });
  });
  return {
    upgrade({ request, socket, head, headers, upstream, fail }) {
      const { address, port, agent } = upstream;
      request.headers = { ...toRecord(headers), connection: 'Upgrade', upgrade: 'websocket' } as typeof request.headers;
      proxy.ws(request, socket, head, { agent, target: { host: address, port, protocol: 'http:' } }, fail);
    },
  };
}

/** Fields that occurred more than once stay separate. */
function toRecord(list: readonly string[]): HeaderRecord {
  const record: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!.toLowerCase();
    const before = record[name];
    const value = list[i + 1]!;
    record[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return record;
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  421: 'Misdirected Request',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

/** Sends an HTTP error on a connection that Node has released, and closes it. */
export function refuseUpgrade(socket: Duplex, status: number, body: string): void {
  if (socket.destroyed || !socket.writable) return;
  socket.end(
    `HTTP/1.1 ${status} ${reasons[status]}\r\nserver: k8ts\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
