// The system calls behind the socket.
import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { Unavailable } from '../../controlplane/base/errors';
import { errnoName } from '../libc/errno';
import type { Datagrams } from './datagrams';
import { addressBytes, familyNumber, type Peer, writeAddress } from './socket-address';

const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const MSG_DONTWAIT = 0x40;

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  recvmmsg(fd: number, headers: bigint, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, headers: bigint, count: number, flags: number): number;
}
let loaded: Libc | undefined;

/** Loaded at the first use: importing a module does nothing. */
function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load('libc.so.6');
    loaded = {
      socket: library.func('int socket(int domain, int type, int protocol)'),
      bind: library.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
      setsockopt: library.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)'),
      recvmmsg: library.func('int recvmmsg(int fd, void *headers, uint32_t count, int flags, void *timeout)'),
      sendmmsg: library.func('int sendmmsg(int fd, void *headers, uint32_t count, int flags)'),
    } as unknown as Libc;
  }
  return loaded;
}

/** A UDP socket that does not block, bound to an address. @throws Unavailable with the reason */
export function openBound(at: Peer): number {
  const { socket, bind } = libc();
  const fail = () => new Unavailable(`cannot listen on UDP ${at.address}:${at.port}: ${errnoName()}`);
  const fd = socket(familyNumber(at.address), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw fail();
  const address = Buffer.alloc(addressBytes);
  if (bind(fd, address, writeAddress(address, at)) < 0) {
    const err = fail();
    closeSync(fd);
    throw err;
  }
  return fd;
}

/** The address is this socket's alone. */
export function refuseSharing(fd: number): void {
  libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Buffer.alloc(4), 4);
}

/** Fills `datagrams` with what waits; returns how many those are. */
export function receiveMany(fd: number, datagrams: Datagrams): number {
  datagrams.readyToReceive();
  return Math.max(0, libc().recvmmsg(fd, datagrams.pointer, datagrams.count, MSG_DONTWAIT, null));
}

/** Sends those from `start` on, before `end`: the number that left, 'full' when the kernel has no room, or why the first cannot leave. */
export function sendMany(fd: number, datagrams: Datagrams, start: number, end: number): number | 'full' | Error {
  const count = libc().sendmmsg(fd, datagrams.from(start), end - start, MSG_DONTWAIT);
  if (count > 0) return count;
  const error = errnoName();
  return error === 'EAGAIN' || error === 'ENOBUFS' ? 'full' : new Unavailable(`answer not sent: ${error}`);
}
