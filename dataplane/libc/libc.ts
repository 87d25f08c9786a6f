// The functions of libc that k8ts calls, loaded at the first call: importing this module does nothing. Each function returns a
// negative number when it fails; errnoName(), called directly after, says why.
import koffi from 'koffi';

export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  connect(fd: number, address: Buffer, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  /** `length`: 4 bytes, the size of `value`; the kernel writes the used size. */
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number;
  /** `length` as for getsockopt. */
  getsockname(fd: number, address: Buffer, length: Buffer): number;
  sendto(fd: number, data: Buffer, length: number, flags: number, address: Buffer, addressLength: number): number;
  /** Headers: a pointer to struct mmsghdr. */
  recvmmsg(fd: number, headers: bigint, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, headers: bigint, count: number, flags: number): number;
  dup3(from: number, to: number, flags: number): number;
  /** 0 when there is no such link. */
  if_nametoindex(name: string): number;
  setns(fd: number, kind: number): number;
  /** The memory address, or -1. */
  mmap(address: number, length: number, protection: number, flags: number, fd: number, offset: number): number | bigint;
  munmap(address: bigint, length: number): number;
  mount(source: string, target: string, type: string, flags: number, data: string): number;
  umount2(target: string, flags: number): number;
  /** `argument`: the memory address of a structure. */
  ioctl(fd: number, request: number, argument: bigint): number;
  /** Any system call of four arguments, by its number: for those that libc has no function for. */
  syscall(number: number, a: number, b: number, c: number, address: bigint): number;
}
const declarations: Readonly<Record<keyof Libc, string>> = {
  socket: 'int socket(int domain, int type, int protocol)',
  bind: 'int bind(int fd, const uint8_t *address, uint32_t length)',
  connect: 'int connect(int fd, const uint8_t *address, uint32_t length)',
  setsockopt: 'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)',
  getsockopt: 'int getsockopt(int fd, int level, int name, uint8_t *value, uint8_t *length)',
  getsockname: 'int getsockname(int fd, uint8_t *address, uint8_t *length)',
  sendto:
    'int64_t sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *address, uint32_t address_length)',
  recvmmsg: 'int recvmmsg(int fd, void *headers, uint32_t count, int flags, void *timeout)',
  sendmmsg: 'int sendmmsg(int fd, void *headers, uint32_t count, int flags)',
  dup3: 'int dup3(int from, int to, int flags)',
  if_nametoindex: 'uint32_t if_nametoindex(const char *name)',
  mmap: 'int64_t mmap(int64_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(void *address, size_t length)',
  setns: 'int setns(int fd, int nstype)',
  mount: 'int mount(str source, str target, str type, unsigned long flags, str data)',
  umount2: 'int umount2(str target, int flags)',
  // In C both take a variable number of arguments. On x86-64 and arm64 a call passes those like all others.
  ioctl: 'int ioctl(int fd, unsigned long request, void *argument)',
  syscall: 'int64_t syscall(int64_t number, int64_t a, int64_t b, int64_t c, void *address)',
};

let loaded: Libc | undefined;

export function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load('libc.so.6');
    const functions = Object.entries(declarations).map(([name, text]) => [name, library.func(text)]);
    loaded = Object.fromEntries(functions) as unknown as Libc;
  }
  return loaded;
}

/** The name of the last call's error, such as ENOENT. Call it directly after the failed call. */
export function errnoName(): string {
  const errno = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}

/** The memory address of a buffer; valid until the buffer is garbage-collected. */
export const addressOf = (buffer: Buffer): bigint => koffi.address(buffer);

export interface NativeMemory {
  readonly address: bigint;
  /** The allocated bytes; must not be used after free(). */
  readonly bytes: ArrayBuffer;
  free(): void;
}

/** A view of memory that the kernel has mapped; must not be used after munmap(). */
export const viewOf = (address: bigint, bytes: number): ArrayBuffer => koffi.view(address, bytes);

/** Zeroed memory outside the heap; the kernel may keep pointers to it. */
export function allocate(bytes: number): NativeMemory {
  const pointer = koffi.alloc('uint8_t', bytes) as bigint;
  const memory = koffi.view(pointer, bytes);
  new Uint8Array(memory).fill(0);
  return { address: pointer, bytes: memory, free: () => koffi.free(pointer) };
}
