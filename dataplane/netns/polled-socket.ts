// Has the event loop poll a socket of any kind. Node polls no descriptor that it does not know the kind of: it is given a UDP
// socket, and ours is put in its place before the event loop has looked at it. What both have in common, recvmsg, is all that is used.
import { createSocket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { Unavailable } from '../../controlplane/base/errors';
import { AF_INET, O_CLOEXEC, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';

export interface PolledSocket {
  /** What to write to, while the socket is open. */
  readonly fd: number;
  /** It does not keep the process alive any more. */
  unref(): void;
  /** Repeatable. */
  close(): void;
}
export interface PolledSocketEvents {
  /** One message; longer ones than 64 KiB are cut off. */
  readonly onMessage: (message: Buffer) => void;
  /** What recvmsg failed with; the socket goes on. */
  readonly onError: (err: NodeJS.ErrnoException) => void;
}

/** `source` must not block; it is closed here, and the socket lives on under another number. @throws Unavailable */
export function pollSocket(source: number, { onMessage, onError }: PolledSocketEvents): PolledSocket {
  const fd = libc().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    const err = new Unavailable(`no socket: ${errnoName()}`);
    closeSync(source);
    throw err;
  }
  const socket = createSocket('udp4');
  socket.on('message', onMessage);
  socket.on('error', onError);
  socket.bind({ fd });
  const placed = libc().dup3(source, fd, O_CLOEXEC);
  const failure = placed < 0 ? new Unavailable(`dup3: ${errnoName()}`) : undefined;
  closeSync(source);
  let open = true;
  const close = () => {
    if (open) socket.close();
    open = false;
  };
  if (failure) {
    close();
    throw failure;
  }
  return { fd, unref: () => void socket.unref(), close };
}
