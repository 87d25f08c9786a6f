// The sockets: UDP and TCP on one address. The Responder handles the meaning of a query.
import { createServer, type Server, type Socket } from 'node:net';
import { describeError, Unavailable } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { type AnsweringSocket, openAnsweringSocket } from '../udp/answering-socket';
import type { Responder } from './responder';

/** RFC 7766, section 6.2.3: a few seconds; a resolver can open a new connection at any time. */
const idleMs = 10_000;
const maxConnections = 1_000;
const maxPortTries = 10;
/** Maximum of pending questions on one connection; the server stops reading until some are answered. */
const maxPipelined = 64;
/** Real queries have at most some hundred bytes. */
const maxQueryBytes = 4_096;
/** Size of the kernel's queue for the time when the event loop is busy. */
const receiveBufferBytes = 4 << 20;

export interface DnsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on UDP and TCP; port 0 chooses a port that is free for both. @throws Unavailable */
export async function listenDns(
  options: { readonly host: string; readonly port: number },
  responder: Responder,
  log: Logger,
): Promise<DnsServer> {
  const { host } = options;
  const { tcp, udp, port } = await listenBoth(host, options.port, responder, log);
  const connections = new Set<Socket>();
  tcp.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  return {
    port,
    async close() {
      for (const socket of connections) socket.destroy();
      await Promise.all([udp.close(), new Promise<void>((resolve) => tcp.close(() => resolve()))]);
    },
  };
}

async function listenBoth(host: string, wanted: number, responder: Responder, log: Logger) {
  for (let attempt = 1; ; attempt++) {
    const tcp = await listenTcp(host, wanted, responder);
    const { port } = tcp.address() as { port: number };
    try {
      return { tcp, udp: await listenUdp(host, port, responder, log), port };
    } catch (error) {
      tcp.close();
      // The caller allows any port, and the port that TCP got is in use for UDP: try another.
      if (wanted !== 0 || attempt === maxPortTries) throw error;
    }
  }
}

const listenUdp = (host: string, port: number, responder: Responder, log: Logger): Promise<AnsweringSocket> =>
  openAnsweringSocket({
    host,
    port,
    maxBytes: maxQueryBytes,
    receiveBufferBytes,
    answer: (query, from) => responder.handle(query, 'udp', from),
    // A send fails when the client is no longer reachable; that is no fault of the server.
    onError: (error) => log.debug('a UDP answer could not be sent', { error: describeError(error) }),
  });

function listenTcp(host: string, port: number, responder: Responder): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => serveConnection(socket, responder));
  server.maxConnections = maxConnections;
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Unavailable(`cannot listen on TCP ${host}:${port}`, { cause })));
    server.listen({ host, port }, () => resolve(server));
  });
}

/** Serves messages with a length before each (RFC 1035, section 4.2.2); answers may be in any order. */
function serveConnection(socket: Socket, responder: Responder): void {
  let received: Buffer = Buffer.alloc(0);
  let underWay = 0;
  let ended = false;
  const sender = { address: socket.remoteAddress };
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  const write = (answer: Buffer) => {
    if (!socket.writable) return;
    const frame = Buffer.allocUnsafe(answer.length + 2);
    frame.writeUInt16BE(answer.length, 0);
    answer.copy(frame, 2);
    if (!socket.write(frame)) socket.pause();
  };
  const settled = (answer: Buffer) => {
    underWay--;
    write(answer);
    if (ended && underWay === 0) socket.end();
    else drain();
  };
  const drain = () => {
    while (received.length >= 2 && underWay < maxPipelined) {
      const end = 2 + received.readUInt16BE(0);
      if (end > 2 + maxQueryBytes) {
        // Collecting a longer query would copy all earlier pieces for each new piece.
        socket.destroy();
        return;
      }
      if (received.length < end) break;
      const query = received.subarray(2, end);
      received = received.subarray(end);
      const answer = responder.handle(query, 'tcp', sender);
      if (answer instanceof Promise) {
        underWay++;
        void answer.then(settled);
      } else if (answer) write(answer);
      else {
        // Not a query: no resolver sends this.
        socket.destroy();
        return;
      }
    }
    if (underWay >= maxPipelined) socket.pause();
    else if (!socket.writableNeedDrain) socket.resume();
  };
  socket.on('drain', drain);
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    drain();
  });
  socket.on('end', () => {
    ended = true;
    if (underWay === 0) socket.end();
  });
}
