// Collects the output of a command, up to a limit.
import { Writable } from 'node:stream';

const maxBytes = 10 * 1024;

/** Output beyond 10 KiB is dropped. */
export function collectOutput(): { readonly stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  let size = 0;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (size < maxBytes) chunks.push(chunk.subarray(0, maxBytes - size));
      size += chunk.length;
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}
