// Answers that Kubernetes' own clients take and undici's parser does not. Lines that end in LF alone come from many small servers and
// scripts; RFC 9112 section 2.2 lets a recipient take them. Leniency concerns answers alone: requests are read by Node's strict parser.
//
// undici has no option for it, and a second client for such backends would have to know them before the first answer. Its parser, llhttp,
// has switches, which are set on the parser of each new connection, and cost requests nothing.
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/** What is used of undici's Parser (lib/dispatcher/client-h1.js). The test of this file fails when undici changes it. */
interface ResponseParser {
  readonly ptr: number;
  readonly llhttp: Readonly<Record<string, unknown>>;
  contentLength: number;
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number;
  onMessageComplete(): number;
}

/**
 * LF without CR in the head, and blanks behind the size of a chunk. Not: LF alone between chunks (llhttp has no switch for it), two lengths, a length beside chunks, folded or odd header lines, anything behind the
 * end of an answer. Recipients read these differently, so an answer could be taken for two (RFC 9112, section 11.1).
 */
const switches = ['llhttp_set_lenient_optional_cr_before_lf', 'llhttp_set_lenient_spaces_after_chunk_size'];

/** On while body and trailers are read: a trailer named Content-Length says nothing (headers.ts drops it) and is no second length. */
const trailingLength = 'llhttp_set_lenient_chunked_length';

/** RFC 9110 has 100 to 599; Node writes up to 999, so foreign inventions pass. */
export class StatusNotHttp extends Error {
  readonly code = 'HPE_INVALID_STATUS';
}

/** undici's connector, whose connections take such answers. */
export function lenientConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (to, done) =>
    connect(to, (...result) => {
      const [err, socket] = result;
      // undici creates the parser inside the callback; not a byte has been read when it returns.
      done(...result);
      if (err === null && socket && !socket.destroyed) soften(socket);
    });
}

/** False when undici's parser is not as expected: it then stays strict. */
export function soften(socket: Socket): boolean {
  const parser = parserOf(socket);
  if (!parser) return false;
  for (const name of switches) {
    const set = parser.llhttp[name];
    if (typeof set === 'function') set(parser.ptr, 1);
  }
  const allowTrailingLength = (on: 0 | 1) => {
    const set = parser.llhttp[trailingLength];
    if (typeof set === 'function') set(parser.ptr, on);
  };
  const complete = parser.onHeadersComplete.bind(parser);
  const end = parser.onMessageComplete.bind(parser);
  // undici takes a trailer of this name for the length of the body that has just been read.
  let length = -1;
  parser.onHeadersComplete = (status, upgrade, keepAlive) => {
    if (status < 100) {
      socket.destroy(new StatusNotHttp(`status ${status} is none of HTTP's`));
      return -1;
    }
    // undici breaks the connection on 100 Continue that was not asked for; any other interim answer it passes over, as one must (RFC 9110, 15.2).
    const result = complete(status === 100 ? 102 : status, upgrade, keepAlive);
    length = parser.contentLength;
    allowTrailingLength(1);
    return result;
  };
  parser.onMessageComplete = () => {
    parser.contentLength = length;
    allowTrailingLength(0);
    return end();
  };
  return true;
}

function parserOf(socket: Socket): ResponseParser | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  const found = symbol && (socket as unknown as Record<symbol, unknown>)[symbol];
  const parser = found as Partial<ResponseParser> | undefined;
  const isKnown =
    typeof parser?.ptr === 'number' && parser.llhttp && parser.onHeadersComplete && parser.onMessageComplete;
  return isKnown ? (parser as ResponseParser) : undefined;
}
