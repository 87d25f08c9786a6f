// A container's log as the bytes for a client.
import type { ContainerRuntime } from '../runtime/runtime';
import type { LogQuery } from './log-query';

/** Ends after limitBytes, with the log, or when the signal is aborted. */
export async function* logBytes(
  runtime: ContainerRuntime,
  id: string,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { follow, tailLines, sinceMs, timestamps, stream } = query;
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const chunk of runtime.logs(id, { follow, tailLines, sinceMs, timestamps, signal })) {
    if (stream !== 'All' && chunk.stream !== stream.toLowerCase()) continue;
    const data = chunk.data.length > left ? chunk.data.subarray(0, left) : chunk.data;
    left -= data.length;
    yield data;
    if (left <= 0) return;
  }
}
