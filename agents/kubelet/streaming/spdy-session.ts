// exec and attach over SPDY: the client opens one stream per kind, named by the header streamtype.
import type { Duplex } from 'node:stream';
import { Unavailable } from '../../../controlplane/base/errors';
import type { RemoteIo } from './handlers';
import type { RemoteCommandProtocol } from './negotiate';
import type { RemoteCommand, RemoteSession } from './session';
import { SpdyConnection } from './spdy/connection';
import type { SpdyStream } from './spdy/stream';
import { ResizeFeed, TerminalSizeReader } from './terminal-size';

/** Time for the client to open all its streams. */
export const streamCreationTimeoutMs = 30_000;
/** First protocol with a resize stream. */
const resizeVersion = 3;

export interface SpdySessionStart {
  /** Resolves when the client has opened all streams. @throws Unavailable when it does not in time. */
  readonly session: Promise<RemoteSession>;
  /** Resolves when the connection ends; rejects when it breaks. */
  readonly ended: Promise<void>;
}

export function spdySession(
  transport: Duplex,
  protocol: RemoteCommandProtocol,
  { request }: RemoteCommand,
): SpdySessionStart {
  const expected = new Set<string>(['error']);
  for (const name of ['stdin', 'stdout', 'stderr'] as const) if (request[name]) expected.add(name);
  if (request.tty && protocol.version >= resizeVersion) expected.add('resize');
  const streams = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<void>();
  const connection = new SpdyConnection(transport, {
    onStream: (stream) => {
      const type = stream.header('streamtype') ?? '';
      if (!expected.has(type) || streams.has(type)) {
        stream.destroy();
        return;
      }
      streams.set(type, stream);
      if (streams.size === expected.size) complete.resolve();
    },
  });
  const gone = new AbortController();
  const leave = () => {
    gone.abort(new Error('client has left'));
    complete.reject(new Unavailable('client left before it had opened all streams'));
  };
  const ended = connection.run().finally(leave);
  transport.once('close', leave);
  const timer = setTimeout(() => {
    complete.reject(new Unavailable(`client opened ${streams.size} of ${expected.size} streams in time`));
    connection.close();
  }, streamCreationTimeoutMs);
  const session = complete.promise
    .finally(() => clearTimeout(timer))
    .then(() => buildSession(streams, connection, protocol, gone.signal));
  return { session, ended };
}

function buildSession(
  streams: ReadonlyMap<string, SpdyStream>,
  connection: SpdyConnection,
  protocol: RemoteCommandProtocol,
  signal: AbortSignal,
): RemoteSession {
  const stdin = streams.get('stdin');
  const stdout = streams.get('stdout');
  const stderr = streams.get('stderr');
  const error = streams.get('error');
  if (!error) throw new Unavailable('no error stream');
  const sizes = new ResizeFeed();
  const reader = new TerminalSizeReader();
  streams.get('resize')?.on('data', (chunk: Buffer) => {
    for (const size of reader.push(chunk)) sizes.publish(size);
  });
  // The client sends only its half-close on output streams. The server must read it, or the streams never end.
  for (const stream of [stdout, stderr, error]) stream?.resume();
  const io: RemoteIo = {
    ...(stdin ? { stdin } : {}),
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    onResize: (listener) => sizes.subscribe(listener),
    signal,
  };
  return { io, protocolVersion: protocol.version, sizes, error, close: () => connection.close() };
}
