// port-forward: many connections of one client to ports of one pod.
//   SPDY (plain, or inside WebSocket messages): per connection one data and one error stream with the same requestid
//   WebSocket channels: per port named in the request channel 2i for data and 2i+1 for errors, one connection each
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { PodRef, StreamingHandlers } from './handlers';
import type { RemoteCommandProtocol } from './negotiate';
import { parsePort } from './requests';
import { SpdyConnection } from './spdy/connection';
import type { SpdyStream } from './spdy/stream';
import { WebSocketChannels } from './websocket-channels';

/** A data stream without its error stream, or the reverse, is closed after this. */
export const pairTimeoutMs = 30_000;
const normalClosure = 1000;

type Forward = StreamingHandlers['portForward'];

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  readonly timer: NodeJS.Timeout;
}

/** Serves until the client disconnects. @throws BadRequest, Unavailable as SpdyConnection.run() */
export async function servePortForwardSpdy(
  transport: Duplex,
  pod: PodRef,
  forward: Forward,
  log: Logger,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  const gone = new AbortController();
  const onStream = (stream: SpdyStream) => {
    const type = stream.header('streamtype');
    // Clients before 1.2 sent no requestid: their error stream comes right before its data stream.
    const id = stream.header('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2);
    if (type !== 'data' && type !== 'error') {
      stream.destroy();
      return;
    }
    const pair = pairs.get(id) ?? { timer: setTimeout(() => giveUp(id), pairTimeoutMs) };
    if (pair[type]) {
      stream.destroy();
      return;
    }
    pair[type] = stream;
    pairs.set(id, pair);
    const { data, error } = pair;
    if (!data || !error) return;
    pairs.delete(id);
    clearTimeout(pair.timer);
    void forwardPair(data, error, pod, forward, gone.signal, log);
  };
  const giveUp = (id: string) => {
    const pair = pairs.get(id);
    pairs.delete(id);
    pair?.data?.destroy();
    pair?.error?.destroy();
  };
  try {
    await new SpdyConnection(transport, { onStream }).run();
  } finally {
    gone.abort(new Error('client has left'));
    for (const { timer } of pairs.values()) clearTimeout(timer);
  }
}

async function forwardPair(
  data: SpdyStream,
  error: SpdyStream,
  pod: PodRef,
  forward: Forward,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  error.resume();
  const reset = new AbortController();
  data.once('close', () => {
    const complete = data.readableEnded && data.writableFinished;
    if (!complete) reset.abort(new Error('connection was closed'));
  });
  try {
    const port = parsePort(data.header('port') ?? '');
    await forward({ ...pod, port }, data, AbortSignal.any([signal, reset.signal]));
  } catch (err) {
    // The client knows of connections that it broke itself; kubectl would end all its connections because of the message.
    if (!signal.aborted && !reset.signal.aborted) report(err);
  }
  error.end();
  // A connection that only the server has half-closed would stay open for ever.
  if (!data.destroyed && !data.writableEnded) data.end();
  data.resume();

  function report(err: unknown): void {
    const message = forwardMessage(pod, data.header('port') ?? '', err);
    log.debug('connection failed', { pod: `${pod.namespace}/${pod.pod}`, error: message });
    if (error.writable) error.write(message);
  }
}

const forwardMessage = ({ pod, uid = '' }: PodRef, port: number | string, err: unknown): string =>
  `error forwarding port ${port} to pod ${pod}, uid ${uid}: ${describeError(err)}`;

/** Serves one connection per port of the request, until all are done. */
export async function servePortForwardChannels(
  socket: WebSocket,
  protocol: RemoteCommandProtocol,
  pod: PodRef,
  ports: readonly number[],
  forward: Forward,
): Promise<void> {
  const channels = new WebSocketChannels(socket, protocol);
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new Error('client has left')));
  const forwards = ports.map(async (port, i) => {
    const connection = channels.duplex(2 * i);
    const error = channels.output(2 * i + 1);
    // Each channel begins with the port it is for, two bytes in little-endian order.
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16LE(port);
    connection.write(prefix);
    error.write(prefix);
    try {
      await forward({ ...pod, port }, connection, gone.signal);
    } catch (err) {
      if (error.writable) error.write(forwardMessage(pod, port, err));
    }
  });
  await Promise.all(forwards);
  socket.close(normalClosure);
}
