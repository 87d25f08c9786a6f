// Writes a Reply to a node:http response.
import type { ServerResponse } from 'node:http';
import { noContent, type Reply, type Sink } from '../request';

/** OpenSSL encrypts a whole write at once: the encrypted copy of a large list would take memory that the process never gives back. */
const pieceBytes = 128 * 1024;

/** As upstream: no proxy keeps an answer, unless its own headers say otherwise. */
const cacheControl = 'no-cache, private';

export function writeReply(response: ServerResponse, reply: Reply): void {
  const { status, type, headers } = reply;
  if ('body' in reply) {
    if (response.destroyed) return;
    if (status === noContent.status) {
      response.writeHead(status, { 'cache-control': cacheControl, ...headers }).end();
      return;
    }
    const head: Record<string, string | string[] | number> = {
      'cache-control': cacheControl,
      'content-type': type,
      'content-length': reply.body.length,
      ...headers,
    };
    response.writeHead(status, head);
    if (reply.body.length <= 2 * pieceBytes) response.end(reply.body);
    else writePieces(response, reply.body);
    return;
  }
  if (!response.destroyed) {
    response.writeHead(status, { 'cache-control': cacheControl, 'content-type': type, ...headers });
    response.flushHeaders();
  }
  // Start also when the client has disconnected: the stream holds resources and frees them when its sink reports the end.
  reply.start(sinkOf(response));
}

/** The head must have been written. The next piece is written when the client has taken the one before. */
function writePieces(response: ServerResponse, body: Buffer): void {
  let at = 0;
  const writeNext = () => {
    while (!response.destroyed) {
      const piece = body.subarray(at, at + pieceBytes);
      at += pieceBytes;
      if (at >= body.length) {
        response.off('drain', writeNext);
        response.end(piece);
        return;
      }
      if (!response.write(piece)) return;
    }
  };
  response.on('drain', writeNext);
  writeNext();
}

/**
 * Many readers get a watch event as the same bytes, so its frame of the chunked encoding is built once for all, and each
 * reader costs one write of one buffer. Node would write four parts for each reader.
 */
const frames = new WeakMap<Buffer, Buffer>();
const lineEnd = Buffer.from('\r\n');

function frameOf(chunk: Buffer): Buffer {
  const known = frames.get(chunk);
  if (known) return known;
  const frame = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, lineEnd]);
  frames.set(chunk, frame);
  return frame;
}

/** The head must have been written. */
function sinkOf(response: ServerResponse): Sink {
  // False for a client of HTTP/1.0, whose answer ends with its connection.
  const chunked = response.chunkedEncoding;
  response.chunkedEncoding = false;
  return {
    write: (chunk) => {
      // An empty frame would end the answer.
      if (response.destroyed || response.writableEnded || chunk.length === 0) return true;
      return response.write(chunked ? frameOf(chunk) : chunk);
    },
    end: () => {
      if (response.writableEnded) return;
      // Node writes the last frame.
      response.chunkedEncoding = chunked;
      response.end();
    },
    cut: () => void response.destroy(),
    // The response's own count misses what already waits in the TLS socket.
    buffered: () => response.writableLength + (response.socket?.writableLength ?? 0),
    onDrain: (fn) => response.on('drain', fn),
    onClose: (fn) => {
      if (response.closed || response.destroyed) fn();
      else response.once('close', fn);
    },
  };
}
