// The side of the service manager: a Unix socket that is bound to a path and hears what processes notify.
import { closeSync, rmSync } from 'node:fs';
import { BadRequest, Unavailable } from '../../controlplane/base/errors';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';
import { pollSocket } from '../netns/polled-socket';
import { unixAddress } from './unix-address';

/** What lies at `path` is replaced. The socket goes with close(). @throws BadRequest for a path too long, Unavailable */
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
    // The next message is heard again.
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
