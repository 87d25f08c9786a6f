// Listens to multicast groups of a netlink protocol, in a namespace. npm `netlink` is for requests: its socket ends the process
// at the second overflow, and any program that changes many routes can make a listener's buffer overflow.
import { closeSync } from 'node:fs';
import { Unavailable } from '../../controlplane/base/errors';
import {
  AF_NETLINK,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
} from '../libc/constants';
import { errnoName, libc } from '../libc/libc';
import type { Netns } from './netns';
import { type PolledSocket, pollSocket } from './polled-socket';

/** struct nlmsghdr */
const headerBytes = 16;

export interface NetlinkGroupsOptions {
  readonly protocol: number;
  /** 1 to 32; for the route protocol, values of the enumeration rtnetlink_groups. */
  readonly groups: readonly number[];
  /** The desired size; without privileges the kernel gives less. */
  readonly receiveBufferBytes: number;
  readonly onMessage: (type: number, data: Buffer) => void;
  /**
   * Messages were lost. Called when the loss begins, and again when the queue has been read to its end, because more may have
   * been lost meanwhile.
   */
  readonly onOverrun: () => void;
}

/** Does not keep the process alive. @throws NotFound when the namespace is gone, Unavailable */
export function listenToGroups(netns: Netns, options: NetlinkGroupsOptions): Pick<PolledSocket, 'close'> {
  const { onMessage, onOverrun } = options;
  let open = true;
  let heard = false;
  let lossy = false;
  // The kernel reports no further loss until its queue has been empty once.
  const whenDrained = () => {
    if (!open) return;
    if (heard) {
      heard = false;
      setImmediate(whenDrained);
      return;
    }
    lossy = false;
    onOverrun();
  };
  const socket = pollSocket(
    netns.enter(() => openBound(options)),
    {
      onMessage: (bytes) => {
        heard = true;
        for (const { type, data } of messagesIn(bytes)) onMessage(type, data);
      },
      // ENOBUFS: the buffer was full. After any other error it is equally unknown which messages were lost.
      onError: () => {
        onOverrun();
        if (lossy) return;
        lossy = true;
        heard = true;
        setImmediate(whenDrained);
      },
    },
  );
  socket.unref();
  return {
    close() {
      open = false;
      socket.close();
    },
  };
}

function openBound({ protocol, groups, receiveBufferBytes }: NetlinkGroupsOptions): number {
  const { socket, bind, setsockopt } = libc();
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) throw new Unavailable(`netlink socket: ${errnoName()}`);
  const size = Buffer.alloc(4);
  size.writeInt32LE(receiveBufferBytes);
  // With CAP_NET_ADMIN the size may exceed net.core.rmem_max; without it, rmem_max is the limit.
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) < 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
  // struct sockaddr_nl: family, padding, port (the kernel chooses), groups.
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(
    groups.reduce((mask, group) => (mask | (1 << (group - 1))) >>> 0, 0),
    8,
  );
  if (bind(fd, address, address.length) < 0) {
    const err = new Unavailable(`netlink groups ${groups.join(', ')}: ${errnoName()}`);
    closeSync(fd);
    throw err;
  }
  return fd;
}

/** A message shorter than its header says ends the list. */
export function messagesIn(bytes: Buffer): readonly { readonly type: number; readonly data: Buffer }[] {
  const messages: { type: number; data: Buffer }[] = [];
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < headerBytes || at + length > bytes.length) break;
    messages.push({ type: bytes.readUInt16LE(at + 4), data: bytes.subarray(at + headerBytes, at + length) });
    at += (length + 3) & ~3;
  }
  return messages;
}
