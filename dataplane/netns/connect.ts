// A TCP connection made from inside another namespace: port-forward reaches what a pod listens to on its own loopback.
import { closeSync } from 'node:fs';
import { isIPv6, Socket, type SocketConstructorOpts } from 'node:net';
import koffi from 'koffi';
import { Unavailable } from '../../controlplane/base/errors';
import { errnoName } from '../libc/errno';
import type { Netns } from './netns';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;

type SocketFunction = (family: number, type: number, protocol: number) => number;
let socketFunction: SocketFunction | undefined;

/**
 * Node opens the socket of net.connect a tick later than the call, so the socket is made by socket(2) inside the
 * namespace and handed to Node.
 */
function openTcpSocket(netns: Netns, family: number): number {
  socketFunction ??= koffi.load('libc.so.6').func('int socket(int domain, int type, int protocol)') as SocketFunction;
  const open = socketFunction;
  const fd = netns.enter(() => open(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) throw new Unavailable(`no socket in ${netns.path}: ${errnoName()}`);
  return fd;
}

export interface ConnectOptions {
  /** An address, not a name: names would be looked up outside the namespace. */
  readonly host: string;
  readonly port: number;
  readonly signal?: AbortSignal;
}

/** Connects from inside `netns`. @throws NotFound when the namespace is gone, Unavailable when nothing answers. */
export async function connectInNetns(netns: Netns, { host, port, signal }: ConnectOptions): Promise<Socket> {
  signal?.throwIfAborted();
  const fd = openTcpSocket(netns, isIPv6(host) ? AF_INET6 : AF_INET);
  let socket: Socket;
  try {
    // manualStart keeps Node from reading before the connection is there, which would fail with ENOTCONN.
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
