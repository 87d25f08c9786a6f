// The answer of an aggregated API server as a reply of this server: its status, its headers, its body as a stream. For clients in this
// process, lists are read to their end and watches become events.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { decodeLines } from '../../client/lines';
import type { FullReply, Reply, Sink, StreamReply } from '../request';
import { textReply } from '../request';

/** They belong to one connection. */
const notPassed = /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;
/** What a client in this process may be sent at once. */
const maxReadBytes = 64 * 1024 * 1024;

/** As Go's http.Error. */
export const plainError = (text: string, status: number): FullReply => ({
  ...textReply(`${text}\n`, status),
  headers: { 'x-content-type-options': 'nosniff' },
});

/** Upstream does not pass on redirects: they could lead a client to any address. */
export const isRedirect = ({ statusCode = 0, headers }: IncomingMessage): boolean =>
  statusCode >= 300 && statusCode < 400 && headers.location !== undefined;

export const redirectRefused = (): FullReply =>
  plainError('the backend attempted to redirect this request, which is not permitted', 502);

export function streamed(response: IncomingMessage): StreamReply {
  return { ...headOf(response), start: (sink) => pipe(response, sink) };
}

/** For a client that reads objects. @throws Error when the answer is too large */
export async function decoded(response: IncomingMessage, watch: boolean): Promise<Reply> {
  if (watch && response.statusCode === 200) return { ...headOf(response), start: (sink) => pipeEvents(response, sink) };
  return { ...headOf(response), body: await readAll(response, maxReadBytes) };
}

function headOf({ statusCode = 502, headers }: IncomingMessage) {
  const { 'content-type': type = '', ...others } = headers;
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined && !notPassed.test(name)) passed[name] = value;
  }
  return { status: statusCode, type, headers: passed };
}

function pipe(response: IncomingMessage, sink: Sink): void {
  sink.onClose(() => response.destroy());
  sink.onDrain(() => response.resume());
  response.on('data', (chunk: Buffer) => {
    if (!sink.write(chunk)) response.pause();
  });
  response.on('end', () => sink.end());
  // A part of an answer must not look like a whole one.
  response.on('error', () => sink.cut());
}

function pipeEvents(response: IncomingMessage, sink: Sink): void {
  sink.onClose(() => response.destroy());
  void (async () => {
    try {
      for await (const lines of decodeLines(response)) sink.events?.(lines.map((line) => JSON.parse(line)));
      sink.end();
    } catch {
      sink.cut();
    }
  })();
}

/** @throws Error above `most` bytes, or when the connection ends early */
export async function readAll(response: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) {
      response.destroy();
      throw new Error(`the answer is larger than ${most} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Writes the head of an answer to an upgraded connection, then copies bytes both ways until either side ends. */
export function joinUpgraded(
  client: { readonly socket: Duplex; readonly head: Buffer },
  server: { readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): void {
  const { statusCode, statusMessage, rawHeaders } = server.response;
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  client.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (server.head.length > 0) client.socket.write(server.head);
  if (client.head.length > 0) server.socket.write(client.head);
  for (const [from, to] of [
    [client.socket, server.socket],
    [server.socket, client.socket],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}
