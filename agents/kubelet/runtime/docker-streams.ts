// Copies bytes between the caller's streams and a hijacked connection of Docker (exec and attach).
import type { Readable, Writable } from 'node:stream';
import { FrameDecoder } from './docker-frames';
import type { AttachOptions, TerminalSize } from './runtime';

/**
 * Resolves when Docker has closed the connection. With `tty` all output is one stream, else it is framed. The end of the caller's
 * stdin half-closes the connection. An abort destroys it and rejects with the signal's reason.
 */
export async function pumpHijacked(
  socket: NodeJS.ReadWriteStream,
  options: AttachOptions,
  resize: (size: TerminalSize) => Promise<unknown>,
): Promise<void> {
  const { stdin, stdout, stderr, tty = false, signal } = options;
  const connection = socket as unknown as Readable & Writable;
  const onAbort = () => connection.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  // A write after Docker has closed the connection is no failure of the command.
  connection.on('error', () => {});
  if (stdin) stdin.pipe(connection);
  // Docker refuses a size while the command is starting or has just ended. The next size may succeed.
  options.onResize?.((size) => void resize(size).catch(() => {}));
  const decoder = new FrameDecoder();
  try {
    for await (const data of connection as AsyncIterable<Buffer>) {
      const chunks = tty ? [{ stream: 'stdout' as const, data }] : decoder.push(data);
      for (const chunk of chunks) await write(chunk.stream === 'stderr' ? stderr : stdout, chunk.data);
    }
  } catch (err) {
    signal?.throwIfAborted();
    throw err;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stdin?.unpipe(connection);
    connection.destroy();
  }
}

function write(target: Writable | undefined, data: Buffer): Promise<void> | undefined {
  if (!target || target.destroyed || target.writableEnded) return undefined;
  if (target.write(data)) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      target.off('drain', done);
      target.off('close', done);
      resolve();
    };
    target.on('drain', done);
    target.on('close', done);
  });
}
