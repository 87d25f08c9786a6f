// The system calls of a probe's socket: opened inside the namespace, bound to the source that was asked for.
import { closeSync } from 'node:fs';
import { AppError, Unavailable } from '../../controlplane/base/errors';
import {
  AF_INET,
  AF_INET6,
  IP_MTU,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_DO,
  IP_RECVERR,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MTU,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  SO_LINGER,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TIOCOUTQ,
} from '../libc/constants';
import { addressOf, errnoName, libc } from '../libc/libc';
import type { Netns } from '../netns/netns';
import { familyNumber, maxAddressBytes, readPeer, writePeer } from '../udp/socket-address';
import type { ProbeRequest } from './request';

/** A system call about the probe's own addresses failed: an outcome of the probe, not an error of the caller. */
export class CallFailed extends Unavailable {
  readonly errno: string;
  constructor(call: string, errno: string) {
    super(`${call}: ${errno}`);
    this.errno = errno;
  }
}

export type Source = Pick<ProbeRequest, 'address' | 'sourceAddress' | 'sourcePort'>;

/**
 * A non-blocking socket of the family of `address`, bound if the source is given. The caller closes it.
 * @throws NotFound when the namespace is gone, Forbidden without CAP_NET_RAW for a raw socket, Unavailable; CallFailed when the
 * source cannot be bound or the kernel has no such family
 */
export function openSocket(netns: Netns, source: Source, type: number, protocol = 0): number {
  const { socket } = libc();
  const { fd, errno } = netns.enter(() => {
    const fd = socket(familyNumber(source.address), type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    return { fd, errno: fd < 0 ? errnoName() : '' };
  });
  if (fd >= 0) return bindOrClose(fd, source, type);
  if (errno === 'EPERM') throw new AppError('Forbidden', 'an ICMP probe needs CAP_NET_RAW');
  if (errno === 'EAFNOSUPPORT') throw new CallFailed('socket', errno);
  throw new Unavailable(`no socket in ${netns.path}: ${errno}`);
}

function bindOrClose(fd: number, { address, sourceAddress, sourcePort = 0 }: Source, type: number): number {
  if (sourceAddress === undefined && sourcePort === 0) return fd;
  if (type === SOCK_STREAM && sourcePort !== 0) {
    // Probes to several addresses may use one source port at the same time.
    setInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    // struct linger {1, 0}: close() sends RST, so the port does not stay in TIME_WAIT for a minute.
    libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), 8);
  }
  const any = familyNumber(address) === AF_INET6 ? '::' : '0.0.0.0';
  const bytes = Buffer.alloc(maxAddressBytes);
  const length = writePeer(bytes, { address: sourceAddress ?? any, port: sourcePort });
  if (libc().bind(fd, bytes, length) === 0) return fd;
  const failure = new CallFailed('bind', errnoName());
  closeSync(fd);
  throw failure;
}

/** Sets the only peer of a datagram or raw socket; such a socket also hears ICMP errors. @throws CallFailed without a route */
export function connectDatagrams(fd: number, address: string, port = 0): void {
  const bytes = Buffer.alloc(maxAddressBytes);
  if (libc().connect(fd, bytes, writePeer(bytes, { address, port })) < 0) throw new CallFailed('connect', errnoName());
}

/** The local end of a socket. */
export function localEnd(fd: number): { localAddress?: string; localPort?: number } {
  const bytes = Buffer.alloc(maxAddressBytes);
  if (libc().getsockname(fd, bytes, int(bytes.length)) < 0) return {};
  const peer = readPeer(bytes);
  return peer === undefined ? {} : { localAddress: peer.address, ...(peer.port === 0 ? {} : { localPort: peer.port }) };
}

/** ICMP errors also of the kinds that a UDP socket does not report by itself, with their sender (ip(7), IP_RECVERR). */
export function reportErrors(fd: number, address: string): void {
  if (familyNumber(address) === AF_INET) setInt(fd, IPPROTO_IP, IP_RECVERR, 1);
  else setInt(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/** No packet of this socket is divided, neither here nor, for IPv4, by a router. */
export function dontFragment(fd: number, address: string): void {
  if (familyNumber(address) === AF_INET) setInt(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  else setInt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO);
}

/** The largest packet that the path of a connected socket takes, as far as the kernel knows; undefined without a route. */
export function pathMtu(fd: number, address: string): number | undefined {
  const value = Buffer.alloc(4);
  const [level, name] = familyNumber(address) === AF_INET ? [IPPROTO_IP, IP_MTU] : [IPPROTO_IPV6, IPV6_MTU];
  return libc().getsockopt(fd, level, name, value, int(4)) < 0 ? undefined : value.readInt32LE(0);
}

/** The bytes of a TCP socket that are sent or queued and not acknowledged. */
export function unacknowledged(fd: number): number {
  const value = Buffer.alloc(4);
  return libc().ioctl(fd, TIOCOUTQ, addressOf(value)) < 0 ? 0 : value.readInt32LE(0);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value, 0);
  return bytes;
}

const setInt = (fd: number, level: number, name: number, value: number): number =>
  libc().setsockopt(fd, level, name, int(value), 4);
