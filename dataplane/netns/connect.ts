// A TCP connection from inside another namespace: port-forward reaches a pod's ports on the pod's own loopback.
import { closeSync } from 'node:fs';
import { isIPv6, Socket, type SocketConstructorOpts } from 'node:net';
import { Unavailable } from '../../controlplane/base/errors';
import { AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';
import type { Netns } from './netns';

/**
 * Node opens the socket of net.connect in a later tick than the call. So socket(2) opens the socket inside the namespace, and
 * Node gets the descriptor.
 */
function openTcpSocket(netns: Netns, family: number): number {
  const { socket } = libc();
  const fd = netns.enter(() => socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) throw new Unavailable(`no socket in ${netns.path}: ${errnoName()}`);
  return fd;
}

export interface ConnectOptions {
  /** An address, not a name: names would be looked up outside the namespace. */
  readonly host: string;
  readonly port: number;
  readonly signal?: AbortSignal;
}

/**
 * Connects from inside `netns`. @throws NotFound when the namespace does not exist any more, Unavailable when the connection
 * fails.
 */
export async function connectInNetns(netns: Netns, { host, port, signal }: ConnectOptions): Promise<Socket> {
  signal?.throwIfAborted();
  const fd = openTcpSocket(netns, isIPv6(host) ? AF_INET6 : AF_INET);
  let socket: Socket;
  try {
    // manualStart keeps Node from reading before the socket is connected, which would fail with ENOTCONN.
    const options: SocketConstructorOpts & { manualStart: boolean } = { fd, allowHalfOpen: true, manualStart: true };
    socket = new Socket(options);
  } catch (err) {
    closeSync(fd);
    throw err;
  }
  return await new Promise<Socket>((resolve, reject) => {
    const settle = (err?: Error) => {
      socket.off('error', settle);
      signal?.removeEventListener('abort', onAbort);
      if (err === undefined) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new Unavailable(`connect ${host}:${port} in ${netns.path} failed`, { cause: err }));
    };
    const onAbort = () => settle(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', settle);
    socket.connect({ host, port }, () => settle());
  });
}
