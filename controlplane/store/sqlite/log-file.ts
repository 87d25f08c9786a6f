// The write-ahead log as a file.
import { fstat, read, write } from 'node:fs';
import { promisify } from 'node:util';

const chunkBytes = 1 << 20;

/**
 * Writes the content of a log over itself. A kernel that could not write a page forgets the error once it has reported it, and calls the
 * page clean: a later sync would succeed without the page on the disk. So a server that was ended by a failed sync makes what it
 * finds dirty again, and its own sync then tells the truth. Takes no space, and a crash in between changes nothing.
 */
export async function rewriteLog(fd: number): Promise<void> {
  const { size } = await promisify(fstat)(fd);
  const chunk = Buffer.allocUnsafe(Math.min(size, chunkBytes));
  for (let at = 0; at < size; ) {
    const { bytesRead } = await promisify(read)(fd, chunk, 0, Math.min(chunk.length, size - at), at);
    if (bytesRead === 0) return;
    for (let done = 0; done < bytesRead; ) {
      const { bytesWritten } = await promisify(write)(fd, chunk, done, bytesRead - done, at + done);
      done += bytesWritten;
    }
    at += bytesRead;
  }
}
