// Lets the event loop poll a socket of any kind. Node polls only kinds of descriptors it knows. So Node gets a UDP socket, and
// our socket replaces it under the same number before the event loop has looked at it. Node then only calls recvmsg, which both
// kinds have.
import { createSocket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { Unavailable } from '../../controlplane/base/errors';
import { AF_INET, O_CLOEXEC, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';

export interface PolledSocket {
  /** The descriptor to write to, while the socket is open. */
  readonly fd: number;
  /** From now on the socket does not keep the process alive. */
  unref(): void;
  /** Repeatable. */
  close(): void;
}
export interface PolledSocketEvents {
  /** One message; a message longer than 64 KiB is cut off. */
  readonly onMessage: (message: Buffer) => void;
  /** The error of a recvmsg; the socket stays open. */
  readonly onError: (err: NodeJS.ErrnoException) => void;
}

/** `source` must not block. It is closed here, and the socket stays open under another number. @throws Unavailable */
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
