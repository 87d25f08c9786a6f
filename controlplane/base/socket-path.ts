// Paths of unix sockets that are longer than the kernel takes. A root folder may be long, and names of drivers have up to 63 characters.
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** Length of sun_path without its final zero byte, in bytes (unix(7)). */
const maxSocketPathBytes = 107;

export interface SocketPath {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * A path by which a socket can be made or connected until `close`: the same one, or a short one through an open handle of its folder.
 * @throws nothing
 */
export async function shortSocketPath(path: string): Promise<SocketPath> {
  const same = { path, close: async () => {} };
  if (Buffer.byteLength(path) <= maxSocketPathBytes) return same;
  // A folder that is missing is the failure of what follows.
  const folder = await open(dirname(path)).catch(() => undefined);
  if (!folder) return same;
  return { path: `/proc/self/fd/${folder.fd}/${basename(path)}`, close: () => folder.close() };
}
