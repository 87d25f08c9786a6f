// Writes a Reply to a node:http response.
import type { ServerResponse } from 'node:http';
import type { Reply, Sink } from '../request';

export function writeReply(response: ServerResponse, reply: Reply): void {
  const { status, type, headers } = reply;
  if ('body' in reply) {
    if (response.destroyed) return;
    const head: Record<string, string | string[] | number> = {
      'content-type': type,
      'content-length': reply.body.length,
      ...headers,
    };
    response.writeHead(status, head);
    response.end(reply.body);
    return;
  }
  if (!response.destroyed) {
    response.writeHead(status, { 'content-type': type, ...headers });
    response.flushHeaders();
  }
  // Also when the client has left: the stream holds resources that it lets go when its sink says so.
  reply.start(sinkOf(response));
}

function sinkOf(response: ServerResponse): Sink {
  return {
    write: (chunk) => (response.destroyed || response.writableEnded ? true : response.write(chunk)),
    end: () => {
      if (!response.writableEnded) response.end();
    },
    // The response's own count misses what already waits in the TLS socket.
    buffered: () => response.writableLength + (response.socket?.writableLength ?? 0),
    onDrain: (fn) => response.on('drain', fn),
    onClose: (fn) => {
      if (response.closed || response.destroyed) fn();
      else response.once('close', fn);
    },
  };
}
