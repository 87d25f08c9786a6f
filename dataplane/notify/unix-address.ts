// struct sockaddr_un: family(2), then the path. Pure.
import { AF_UNIX } from '../libc/constants';

/** Size of sun_path without its final zero byte. */
const maxPath = 107;

/**
 * Undefined when `path` is not an address of a Unix socket. An `@` at the beginning means the zero byte of an abstract address.
 */
export function unixAddress(path: string): Buffer | undefined {
  const bytes = Buffer.from(path);
  if (bytes.length < 2 || bytes.length > maxPath || bytes.includes(0) || !/^[/@]/.test(path)) return undefined;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX, 0);
  if (path.startsWith('@')) return Buffer.concat([family, Buffer.from([0]), bytes.subarray(1)]);
  return Buffer.concat([family, bytes, Buffer.from([0])]);
}
