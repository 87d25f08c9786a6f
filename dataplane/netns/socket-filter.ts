// Classic BPF on a socket: the kernel drops what the program does not select, before the packet is queued (linux/filter.h).
import { SO_ATTACH_FILTER, SOL_SOCKET } from '../libc/constants';
import { addressOf, libc } from '../libc/libc';

/** [code, jump if true, jump if false, value], as in linux/filter.h. */
export type SocketFilter = readonly (readonly [number, number, number, number])[];

/**
 * struct sock_filter: code(2), jt(1), jf(1), k(4); struct sock_fprog: length(2), padding, pointer. Returns a negative number as
 * setsockopt does.
 */
export function attachFilter(fd: number, filter: SocketFilter): number {
  const program = Buffer.alloc(8 * filter.length);
  for (const [i, [code, ifTrue, ifFalse, value]] of filter.entries()) {
    program.writeUInt16LE(code, 8 * i);
    program[8 * i + 2] = ifTrue;
    program[8 * i + 3] = ifFalse;
    program.writeUInt32LE(value, 8 * i + 4);
  }
  const wrapper = Buffer.alloc(16);
  wrapper.writeUInt16LE(filter.length, 0);
  wrapper.writeBigUInt64LE(addressOf(program), 8);
  return libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, wrapper, wrapper.length);
}
