// The log of a container, from Docker.
import type { Readable } from 'node:stream';
import type { Container, ContainerInspectInfo } from 'dockerode';
import { translateDockerError } from './docker-errors';
import { FrameDecoder } from './docker-frames';
import { followLog } from './docker-log-follow';
import { logRequest, openLog } from './docker-log-request';
import type { LogChunk, LogOptions } from './runtime';

/** @throws AppError */
export async function* containerLogs(container: Container, options: LogOptions): AsyncGenerator<LogChunk> {
  const { signal, follow = false } = options;
  try {
    const info = await container.inspect();
    if (info.Config.Tty) {
      for await (const data of await openLog(container, logRequest(options), signal)) yield { stream: 'stdout', data };
    } else if (follow) {
      yield* followLog(container, options, pathOf(info));
    } else {
      yield* framesOf(await openLog(container, logRequest(options), signal));
    }
  } catch (err) {
    if (!signal?.aborted) throw translateDockerError(err, `logs of ${container.id}`);
  }
}

/** Other log drivers have no such file. */
const pathOf = ({ HostConfig, LogPath }: ContainerInspectInfo): string | undefined =>
  HostConfig?.LogConfig?.Type === 'json-file' && LogPath ? LogPath : undefined;

async function* framesOf(stream: Readable): AsyncGenerator<LogChunk> {
  const decoder = new FrameDecoder();
  try {
    for await (const data of stream as AsyncIterable<Buffer>) yield* decoder.push(data);
  } finally {
    stream.destroy();
  }
}
