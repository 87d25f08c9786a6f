// Pumps between the caller's streams and a connection that Docker has handed over (exec and attach).
import type { Readable, Writable } from 'node:stream';
import { FrameDecoder } from './docker-frames';
import type { AttachOptions } from './runtime';

/**
 * Resolves when the other side has closed. With `tty` all output is one stream, else it is framed. The end of the caller's
 * stdin half-closes the connection. An abort destroys it and rejects with the signal's reason.
 */
export async function pumpHijacked(
  socket: NodeJS.ReadWriteStream,
  options: AttachOptions,
  resize: (size: { readonly width: number; readonly height: number }) => Promise<unknown>,
): Promise<void> {
  const { stdin, stdout, stderr, tty = false, signal } = options;
  const connection = socket as unknown as Readable & Writable;
  const onAbort = () => connection.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  // A write after the other side has gone is no failure of the command.
  connection.on('error', () => {});
  if (stdin) stdin.pipe(connection);
  const sizes = followSizes(options, resize);
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
    sizes.stop();
  }
}

function followSizes(
  { resize: sizes }: AttachOptions,
  resize: (size: { readonly width: number; readonly height: number }) => Promise<unknown>,
): { stop(): void } {
  const iterator = sizes?.[Symbol.asyncIterator]();
  if (!iterator) return { stop: () => {} };
  let stopped = false;
  const follow = async () => {
    for (;;) {
      const next = await iterator.next();
      if (next.done || stopped) return;
      // Docker refuses a size while the command is still starting or just over; the next one counts.
      await resize(next.value).catch(() => {});
    }
  };
  follow().catch(() => {});
  return {
    stop: () => {
      stopped = true;
      void iterator.return?.();
    },
  };
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
