// Complete Ethernet frames of one protocol on one link, by packet(7): for ARP, neighbour discovery, and beacons between nodes of
// a link. Needs CAP_NET_RAW.
import { closeSync, writeSync } from 'node:fs';
import { AppError, NotFound, Unavailable } from '../../controlplane/base/errors';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';
import type { Netns } from './netns';
import { pollSocket } from './polled-socket';
import { attachFilter, type SocketFilter } from './socket-filter';

/** struct sockaddr_ll */
const addressLength = 20;

export interface PacketSocket {
  /** Sends one frame, its Ethernet header included. @throws Unavailable when the link does not take it */
  send(frame: Buffer): void;
  close(): void;
}
export interface PacketSocketOptions {
  /** Name of the link, in the namespace. */
  readonly link: string;
  /** The EtherType to receive: 0x0806 for ARP. Frames that this machine sends are not received. */
  readonly protocol: number;
  /** Selects frames of the protocol; absent: all. */
  readonly filter?: SocketFilter;
  readonly onFrame: (frame: Buffer) => void;
  /** The link went down or was removed: no further frame comes, so close the socket. */
  readonly onError: (err: Error) => void;
}

/** @throws NotFound without the link or the namespace, Forbidden without CAP_NET_RAW, Unavailable */
export function openPacketSocket(netns: Netns, options: PacketSocketOptions): PacketSocket {
  const { onFrame, onError } = options;
  const socket = pollSocket(
    netns.enter(() => openOn(options)),
    { onMessage: onFrame, onError },
  );
  let open = true;
  return {
    send(frame) {
      if (!open) return;
      try {
        writeSync(socket.fd, frame);
      } catch (cause) {
        throw new Unavailable(`frame not sent on ${options.link}`, { cause });
      }
    },
    close() {
      open = false;
      socket.close();
    },
  };
}

function openOn({ link, protocol, filter }: PacketSocketOptions): number {
  const { socket, bind, if_nametoindex } = libc();
  const index = if_nametoindex(link);
  if (index === 0) throw new NotFound(`no link ${link}`);
  // Protocol 0 until bind() names the link: otherwise the kernel would queue frames of all links before bind().
  const packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (packet < 0) throw failure('packet socket');
  if (filter && attachFilter(packet, filter) < 0) {
    const err = failure(`filter on ${link}`);
    closeSync(packet);
    throw err;
  }
  const address = Buffer.alloc(addressLength);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(protocol, 2);
  address.writeInt32LE(index, 4);
  if (bind(packet, address, addressLength) < 0) {
    const err = failure(`packet socket on ${link}`);
    closeSync(packet);
    throw err;
  }
  return packet;
}

function failure(what: string): AppError {
  const name = errnoName();
  if (name === 'EPERM') return new AppError('Forbidden', `${what}: needs CAP_NET_RAW`);
  return new Unavailable(`${what}: ${name}`);
}
