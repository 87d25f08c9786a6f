// The side of the service manager: a Unix socket bound to a path, which receives the messages of processes.
import { closeSync, rmSync } from 'node:fs';
import { BadRequest, Unavailable } from '../../controlplane/base/errors';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';
import { pollSocket } from '../netns/polled-socket';
import { unixAddress } from './unix-address';

/** A file at `path` is replaced; close() removes the socket. @throws BadRequest when the path is too long, Unavailable */
export function listenForNotifications(path: string, onMessage: (text: string) => void): { close(): void } {
  const address = unixAddress(path);
  if (address === undefined) throw new BadRequest(`not a path for a Unix socket: ${path}`);
  rmSync(path, { force: true });
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw new Unavailable(`no socket: ${errnoName()}`);
  if (libc().bind(fd, address, address.length) < 0) {
    const err = new Unavailable(`bind ${path}: ${errnoName()}`);
    closeSync(fd);
    throw err;
  }
  const socket = pollSocket(fd, {
    onMessage: (message) => onMessage(message.toString()),
    // After an error the socket reads on: the next message arrives as usual.
    onError: () => {},
  });
  socket.unref();
  return {
    close: () => {
      socket.close();
      rmSync(path, { force: true });
    },
  };
}
