// One connection through the balancer: bytes of the client to the server and back, as they are. TLS passes through, so the balancer
// holds no keys, and clients see the server's own certificate.
import { connect, type Socket } from 'node:net';
import { Unavailable } from '../../controlplane/base/errors';
import type { Address } from './address';

/** A silent peer that lost power or was cut off is noticed after this long plus ten probes of a second. */
const keepAliveProbeMs = 15_000;

/**
 * Begins to connect. A side that has sent all may still receive, so the end of each direction is passed on by itself.
 */
export const dial = ({ host, port }: Address): Socket => connect({ host, port, allowHalfOpen: true, noDelay: true });

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
    const ends = (socket: Socket, other: Socket) => {
      socket.setKeepAlive(true, keepAliveProbeMs);
      socket.on('error', () => other.resetAndDestroy());
      socket.once('close', () => {
        // Closed from outside before its end: the other direction must not wait for it.
        if (!socket.readableEnded && !other.destroyed) other.resetAndDestroy();
        if (--open === 0) resolve({ fromClient: client.bytesRead, fromServer: server.bytesRead });
      });
      socket.pipe(other);
    };
    ends(client, server);
    ends(server, client);
  });
}
