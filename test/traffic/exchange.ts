// One HTTP/1.1 request and its answer on a socket, so that the client sees how a connection ends; a library would hide it.
import type { Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The server closes the connection after this answer. */
  readonly last: boolean;
}

/** The connection ended before the whole answer. `bytes` is how much of it had arrived. */
export class Closed extends Error {
  readonly code = 'ECONNRESET';
  constructor(
    message: string,
    readonly bytes: number,
  ) {
    super(message);
  }
}

/** @throws Closed, the socket's error, or the signal's reason */
export function exchange(
  socket: Socket,
  host: string,
  path: string,
  close: boolean,
  signal: AbortSignal,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const end = (settle: () => void) => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onData = (data: Buffer) => {
      received = Buffer.concat([received, data]);
      const reply = parseReply(received);
      if (reply) end(() => resolve(reply));
    };
    const onEnd = () =>
      end(() => reject(new Closed(`closed after ${received.length} bytes of the answer`, received.length)));
    const onError = (err: NodeJS.ErrnoException) =>
      end(() =>
        reject(err.code === 'ECONNRESET' || err.code === 'EPIPE' ? new Closed(err.code, received.length) : err),
      );
    const onAbort = () => end(() => reject(signal.reason));
    if (signal.aborted) return reject(signal.reason);
    if (socket.destroyed || socket.readableEnded) return reject(new Closed('closed before the request', 0));
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n${close ? 'connection: close\r\n' : ''}\r\n`);
  });
}

/** undefined while bytes are missing. @throws Error for an answer that has no length */
export function parseReply(bytes: Buffer): Reply | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((text) => {
      const colon = text.indexOf(':');
      return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()] as const;
    }),
  );
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 0);
  const last = headers['connection']?.toLowerCase() === 'close';
  const rest = bytes.subarray(end + 4);
  if (headers['transfer-encoding'] === 'chunked') {
    const body = parseChunks(rest);
    return body === undefined ? undefined : { status, headers, body, last };
  }
  const length = Number(headers['content-length'] ?? 0);
  return rest.length < length ? undefined : { status, headers, body: rest.subarray(0, length).toString('utf8'), last };
}

function parseChunks(bytes: Buffer): string | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16);
    const next = end + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return Buffer.concat(parts).toString('utf8');
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = next;
  }
}
