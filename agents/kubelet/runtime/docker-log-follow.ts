// A followed log with every line exactly once, in order. Docker sends lines twice when it rotates the file (LogRepeats), jumps over the
// files that were rotated while its reader was slow (LogRotations), and drops lines that are unread when the container ends. After
// each of these the log is opened again from the last line on: to a new request Docker sends all files that it keeps, in order.
// Lines are lost only when Docker has deleted their file before the reader came to them.
import type { Container } from 'dockerode';
import { FrameDecoder } from './docker-frames';
import { LogRepeats, secondsOf, splitTime } from './docker-log-repeats';
import { type LogRequest, logRequest, openLog } from './docker-log-request';
import { LogRotations } from './docker-log-rotation';
import type { LogChunk, LogOptions } from './runtime';

/** How long nothing comes before the kubelet looks whether Docker's reader is stuck in an old file. */
const quietMs = 1000;

/** `path` is the log's file, when it is on this machine. */
export async function* followLog(
  container: Container,
  options: LogOptions,
  path: string | undefined,
): AsyncGenerator<LogChunk> {
  const openedMs = Date.now();
  const repeats = new LogRepeats();
  const rotations = new LogRotations(path);
  let request = logRequest({ ...options, timestamps: true });
  for (let ended = false; ; ) {
    const before = repeats.last;
    await rotations.start();
    const isEnd = yield* followOnce(container, request, options, repeats, rotations);
    if (options.signal?.aborted) return;
    // Docker ends a log although it has more lines. It sends all of them to a request that comes after the end.
    if (isEnd && ended && repeats.last === before) return;
    ended ||= isEnd;
    repeats.expectLast();
    request = repeats.last === '' ? againFromStart(options, openedMs) : againFrom(repeats.last);
  }
}

const againFrom = (last: string): LogRequest => ({ follow: true, timestamps: true, since: secondsOf(last) });

/** For a log that has sent no line yet. With `tail` this means that all lines to send are newer than the first request. */
function againFromStart({ tailLines, sinceMs }: LogOptions, openedMs: number): LogRequest {
  const since = Math.max(sinceMs ?? 0, tailLines === undefined ? 0 : openedMs);
  return logRequest({ follow: true, timestamps: true, ...(since > 0 ? { sinceMs: since } : {}) });
}

/** Returns true at the end of the log, and false when Docker has left out lines. */
async function* followOnce(
  container: Container,
  request: LogRequest,
  { signal, timestamps = false }: LogOptions,
  repeats: LogRepeats,
  rotations: LogRotations,
): AsyncGenerator<LogChunk, boolean> {
  const decoder = new FrameDecoder();
  const stream = await openLog(container, request, signal);
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const chunk = await nextUnlessStuck(chunks, repeats, rotations);
      if (chunk === undefined) return false;
      if (chunk.done) return true;
      await rotations.look(repeats.last);
      for (const frame of decoder.push(chunk.value)) {
        const line = splitTime(frame.data);
        if (!line) yield frame;
        else if (rotations.isGap(repeats.last, line.time)) return false;
        else if (!repeats.isRepeat(line.time)) yield timestamps ? frame : { ...frame, data: line.text };
      }
    }
  } finally {
    stream.destroy();
  }
}

/**
 * Docker's follower can wait for more lines in an old file, while the lines are in newer ones. When the end of a rotated file has not come
 * for a while in which nothing came, it does not come.
 */
async function nextUnlessStuck(
  chunks: AsyncIterator<Buffer>,
  repeats: LogRepeats,
  rotations: LogRotations,
): Promise<IteratorResult<Buffer> | undefined> {
  const next = chunks.next();
  for (;;) {
    const { pending } = rotations;
    if (await settlesWithin(next, quietMs)) return next;
    if (pending) {
      // The stream is destroyed now, and this request fails.
      next.catch(() => {});
      return undefined;
    }
    await rotations.look(repeats.last);
  }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
