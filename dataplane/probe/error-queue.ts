// The ICMP errors that the kernel keeps for a socket: who sent them, and about which bytes (ip(7), IP_RECVERR).
import { getSystemErrorName } from 'node:util';
import { IP_RECVERR, IPPROTO_IP, IPPROTO_IPV6, IPV6_RECVERR, MSG_DONTWAIT, MSG_ERRQUEUE } from '../libc/constants';
import { addressOf, libc } from '../libc/libc';
import { readPeer } from '../udp/socket-address';

/** Quotes are short; a UDP probe does not look at them. */
const quoteBytes = 64;
/** cmsghdr (16), sock_extended_err (16), sockaddr_in6 (28). */
const controlBytes = 128;
const header = { bytes: 64, vector: 16, vectors: 24, control: 32, controlLength: 40, length: 56 } as const;

export interface QueuedError {
  /** ECONNREFUSED. */
  readonly errno: string;
  /** The sender of the ICMP error; undefined when this kernel found the error. */
  readonly reportedBy?: string;
  /** The largest packet that the next link takes, of EMSGSIZE. */
  readonly mtu?: number;
  /** The start of the bytes that were sent. */
  readonly quote: Buffer;
}

/** Takes all errors from the queue of a socket. An error that stayed there would wake the event loop again and again. */
export function takeErrors(fd: number): readonly QueuedError[] {
  const errors: QueuedError[] = [];
  for (let taken = takeError(fd); taken !== undefined; taken = takeError(fd)) if (taken !== 'other') errors.push(taken);
  return errors;
}

function takeError(fd: number): QueuedError | 'other' | undefined {
  const quote = Buffer.alloc(quoteBytes);
  const control = Buffer.alloc(controlBytes);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(addressOf(quote), 0);
  vector.writeBigUInt64LE(BigInt(quoteBytes), 8);
  // struct mmsghdr of 64-bit Linux: struct msghdr without a name, and the length of what was received.
  const message = Buffer.alloc(header.bytes);
  message.writeBigUInt64LE(addressOf(vector), header.vector);
  message.writeBigUInt64LE(1n, header.vectors);
  message.writeBigUInt64LE(addressOf(control), header.control);
  message.writeBigUInt64LE(BigInt(controlBytes), header.controlLength);
  if (libc().recvmmsg(fd, addressOf(message), 1, MSG_ERRQUEUE | MSG_DONTWAIT, null) !== 1) return undefined;
  const length = Math.min(message.readUInt32LE(header.length), quoteBytes);
  const used = Math.min(Number(message.readBigUInt64LE(header.controlLength)), controlBytes);
  return parseQueuedError(control.subarray(0, used), quote.subarray(0, length)) ?? 'other';
}

/** @param control the control messages of one receive: length(8) level(4) type(4) data, each rounded up to 8 bytes */
export function parseQueuedError(control: Buffer, quote: Buffer): QueuedError | undefined {
  for (let at = 0; at + 16 <= control.length; ) {
    const length = Number(control.readBigUInt64LE(at));
    if (length < 16 || at + length > control.length) return undefined;
    const level = control.readUInt32LE(at + 8);
    const type = control.readUInt32LE(at + 12);
    const data = control.subarray(at + 16, at + length);
    const isError = (level === IPPROTO_IP && type === IP_RECVERR) || (level === IPPROTO_IPV6 && type === IPV6_RECVERR);
    if (isError && data.length >= 16) return parseExtendedError(data, quote);
    at += (length + 7) & ~7;
  }
  return undefined;
}

/** struct sock_extended_err: errno(4) origin(1) type(1) code(1) pad(1) info(4) data(4), then the address of the sender. */
function parseExtendedError(data: Buffer, quote: Buffer): QueuedError {
  const local = 1;
  const errno = nameOf(data.readUInt32LE(0));
  const info = data.readUInt32LE(8);
  const sender = data[4] === local ? undefined : readSender(data.subarray(16));
  return {
    errno,
    quote,
    ...(sender !== undefined && { reportedBy: sender }),
    ...(errno === 'EMSGSIZE' && { mtu: info }),
  };
}

/** sockaddr_in has 16 bytes, sockaddr_in6 28. */
const readSender = (bytes: Buffer): string | undefined =>
  bytes.length >= 28 || (bytes.length >= 16 && bytes.readUInt16LE(0) === 2) ? readPeer(bytes)?.address : undefined;

function nameOf(errno: number): string {
  const name = getSystemErrorName(-errno);
  return name.startsWith('E') ? name : `errno ${errno}`;
}
