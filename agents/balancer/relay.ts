// One connection through the balancer: bytes of the client to the server and back, as they are. TLS passes through, so the balancer
// holds no keys, and clients see the server's own certificate.
import { connect, type Socket } from 'node:net';
import { Unavailable } from '../../controlplane/base/errors';
import type { Address } from './address';

/** A silent peer that lost power or was cut off is noticed after this long plus ten probes of a second. */
const keepAliveProbeMs = 15_000;

/** What one connection may hold of its server's bytes. */
const bufferBytes = 32 * 1024;

/**
 * Begins to connect; what the server sends goes to the client. Into one buffer that is used again when the kernel has taken its bytes: lists and
 * watches are most of the traffic, and new buffers for all of it would cost a quarter more CPU time and twice the memory. A side that
 * has sent all may still receive, so the end of each direction is passed on by itself.
 */
export function dial({ host, port }: Address, client: Socket): Socket {
  let isFull = false;
  const pass = (length: number, buffer: Uint8Array): boolean => {
    client.write(buffer.subarray(0, length), () => {
      if (!isFull) return;
      isFull = false;
      server.resume();
    });
    // The client does not read: the server waits until the buffer is free.
    isFull = client.writableLength > 0;
    return !isFull;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(bufferBytes), callback: pass };
  const server = connect({ host, port, allowHalfOpen: true, noDelay: true, onread });
  return server;
}

/** The kernel alone would wait two minutes for a machine that is cut off. @throws Unavailable; the socket is closed then */
export function connected(socket: Socket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    let failure: Error | undefined;
    const onError = (error: Error) => {
      failure = error;
    };
    const onClose = () => {
      clearTimeout(timer);
      reject(new Unavailable('cannot connect', { cause: failure }));
    };
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      socket.off('close', onClose);
      resolve();
    });
  });
}

export interface RelayedBytes {
  readonly fromClient: number;
  readonly fromServer: number;
}

/**
 * Moves bytes until both directions have ended or one side breaks; then the other side is reset, so that its program does not take a part
 * for the whole. A side that does not read stops the other: at most some 100 kB wait here. Resolves at the end, with what was moved.
 */
export function relay(client: Socket, server: Socket): Promise<RelayedBytes> {
  return new Promise((resolve) => {
    let open = 2;
    const tie = (socket: Socket, other: Socket) => {
      socket.setKeepAlive(true, keepAliveProbeMs);
      socket.on('error', () => other.resetAndDestroy());
      socket.once('close', () => {
        // Closed from outside before its end: the other direction must not wait for it.
        if (!socket.readableEnded && !other.destroyed) other.resetAndDestroy();
        if (--open === 0) resolve({ fromClient: client.bytesRead, fromServer: server.bytesRead });
      });
    };
    tie(client, server);
    tie(server, client);
    client.pipe(server);
    server.once('end', () => client.end());
  });
}
