// The system calls of the answering socket.
import { closeSync } from 'node:fs';
import { Unavailable } from '../../controlplane/base/errors';
import { MSG_DONTWAIT, SO_REUSEADDR, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOL_SOCKET } from '../libc/constants';
import { errnoName, libc } from '../libc/libc';
import type { Datagrams } from './datagrams';
import { familyNumber, maxAddressBytes, type Peer, writePeer } from './socket-address';

/** A non-blocking UDP socket, bound to an address. @throws Unavailable with the reason */
export function openBound(at: Peer): number {
  const { socket, bind } = libc();
  const fail = () => new Unavailable(`cannot listen on UDP ${at.address}:${at.port}: ${errnoName()}`);
  const fd = socket(familyNumber(at.address), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw fail();
  const address = Buffer.alloc(maxAddressBytes);
  if (bind(fd, address, writePeer(address, at)) < 0) {
    const err = fail();
    closeSync(fd);
    throw err;
  }
  return fd;
}

/** No other socket may bind the same address. */
export function refuseSharing(fd: number): void {
  libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Buffer.alloc(4), 4);
}

/** Fills `datagrams` from the kernel's queue; returns how many were read. */
export function receiveMany(fd: number, datagrams: Datagrams): number {
  datagrams.readyToReceive();
  return Math.max(0, libc().recvmmsg(fd, datagrams.pointer, datagrams.count, MSG_DONTWAIT, null));
}

/**
 * Sends the answers from `start` to before `end`. Returns how many were sent, 'full' when the kernel has no room, or the reason
 * why the first one cannot be sent.
 */
export function sendMany(fd: number, datagrams: Datagrams, start: number, end: number): number | 'full' | Error {
  const count = libc().sendmmsg(fd, datagrams.from(start), end - start, MSG_DONTWAIT);
  if (count > 0) return count;
  const error = errnoName();
  return error === 'EAGAIN' || error === 'ENOBUFS' ? 'full' : new Unavailable(`answer not sent: ${error}`);
}
