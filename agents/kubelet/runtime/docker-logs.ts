// The log of a container, from Docker. A followed log has every line exactly once, although Docker 20.10 sends lines twice when it rotates
// the file, and drops lines that a slow reader has not read when the container ends.
import type { Readable } from 'node:stream';
import type { Container } from 'dockerode';
import { translateDockerError } from './docker-errors';
import { FrameDecoder } from './docker-frames';
import { LogRepeats, secondsOf, splitTime } from './docker-log-repeats';
import type { LogChunk, LogOptions } from './runtime';

/** @throws AppError */
export async function* containerLogs(container: Container, options: LogOptions): AsyncGenerator<LogChunk> {
  const { signal, follow = false } = options;
  try {
    const { Config } = await container.inspect();
    if (Config.Tty) {
      for await (const data of await open(container, firstPart(options), signal)) yield { stream: 'stdout', data };
    } else if (follow) {
      yield* everyLineOnce(container, options);
    } else {
      yield* framesOf(await open(container, firstPart(options), signal));
    }
  } catch (err) {
    if (!signal?.aborted) throw translateDockerError(err, `logs of ${container.id}`);
  }
}

/** Parameters of the Engine API's GET containers/ID/logs. */
interface Query {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tail?: number;
  /** Seconds, with nine digits behind the point at most. */
  readonly since?: string;
}

const firstPart = ({ follow = false, timestamps = false, tailLines, sinceMs }: LogOptions): Query => ({
  follow,
  timestamps,
  ...(tailLines === undefined ? {} : { tail: tailLines }),
  ...(sinceMs === undefined ? {} : { since: String(sinceMs / 1000) }),
});

async function* everyLineOnce(container: Container, options: LogOptions): AsyncGenerator<LogChunk> {
  const { signal, timestamps = false } = options;
  const repeats = new LogRepeats();
  for (let query: Query = { ...firstPart(options), timestamps: true }; ; ) {
    const before = repeats.last;
    for await (const frame of framesOf(await open(container, query, signal))) {
      const line = splitTime(frame.data);
      if (!line) yield frame;
      else if (!repeats.isRepeat(line.time)) yield timestamps ? frame : { ...frame, data: line.text };
    }
    // Docker has ended the log. It may have more lines, so ask again from the last line on.
    if (repeats.last === before || signal?.aborted) return;
    repeats.expectLast();
    query = { follow: true, timestamps: true, since: secondsOf(repeats.last) };
  }
}

async function* framesOf(stream: Readable): AsyncGenerator<LogChunk> {
  const decoder = new FrameDecoder();
  try {
    for await (const data of stream as AsyncIterable<Buffer>) yield* decoder.push(data);
  } finally {
    stream.destroy();
  }
}

/** dockerode reads a log that is not followed into memory, up to 50 MB. Its client docker-modem streams it. */
function open({ id, modem }: Container, query: Query, abortSignal: AbortSignal | undefined): Promise<Readable> {
  const request = {
    path: `/containers/${id}/logs?`,
    method: 'GET',
    options: { stdout: true, stderr: true, ...query },
    isStream: true,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    abortSignal,
  };
  return new Promise((resolve, reject) => {
    (modem as Modem).dial(request, (err, stream) => (err ? reject(err) : resolve(stream)));
  });
}

/** The part of docker-modem that this code calls; dockerode has no types for it. */
interface Modem {
  dial(request: object, answered: (err: Error | null, stream: Readable) => void): void;
}
