// Reports to the service manager that this process is alive: the protocol of sd_notify(3), datagrams of text to a Unix socket.
// The manager is systemd or the supervisor of hack/up.
import { closeSync } from 'node:fs';
import { AF_UNIX, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from '../libc/constants';
import { libc } from '../libc/libc';
import { unixAddress } from './unix-address';

export interface NotifySocket {
  /** Never waits and never fails: a manager that is away for a moment receives the next message. */
  send(text: string): void;
  close(): void;
}

/**
 * `path` as in NOTIFY_SOCKET: absolute, or `@name` for an abstract socket. Undefined when it is neither, or when no socket can
 * be opened.
 */
export function openNotifySocket(path: string): NotifySocket | undefined {
  const address = unixAddress(path);
  if (address === undefined) return undefined;
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return undefined;
  return {
    send: (text) => {
      const data = Buffer.from(text);
      libc().sendto(fd, data, data.length, MSG_DONTWAIT, address, address.length);
    },
    close: () => closeSync(fd),
  };
}
