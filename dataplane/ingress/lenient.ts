// Accepts answers that Kubernetes' own clients accept and undici's parser refuses. Many small servers and scripts end lines in LF
// alone; RFC 9112 section 2.2 lets a recipient accept them. This is for answers only: Node's strict parser reads requests.
//
// undici has no option for it, and a second client for such backends would have to know them before the first answer. Its parser,
// llhttp, has switches. They are set on the parser of each new connection, which costs requests nothing.
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/**
 * The part of undici's Parser that this file uses (lib/dispatcher/client-h1.js). This file's test fails when undici changes it.
 */
interface ResponseParser {
  readonly ptr: number;
  readonly llhttp: Readonly<Record<string, unknown>>;
  contentLength: number;
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number;
  onMessageComplete(): number;
}

/**
 * Allowed: LF without CR in the head, and blanks after the size of a chunk. Not allowed: LF alone between chunks (llhttp has no
 * switch for it), two lengths, a length together with chunks, folded or odd header lines, bytes after the end of an answer.
 * Recipients read these differently, so one answer could be taken for two (RFC 9112, section 11.1).
 */
const switches = ['llhttp_set_lenient_optional_cr_before_lf', 'llhttp_set_lenient_spaces_after_chunk_size'];

/** On while body and trailers are read: a trailer named Content-Length is no second length; headers.ts drops it. */
const trailingLength = 'llhttp_set_lenient_chunked_length';

/** RFC 9110 defines 100 to 599; Node can send up to 999, so non-standard codes pass. */
export class StatusNotHttp extends Error {
  readonly code = 'HPE_INVALID_STATUS';
}

/** undici's connector, with connections that accept such answers. */
export function lenientConnector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (to, done) =>
    connect(to, (...result) => {
      const [err, socket] = result;
      // undici creates the parser inside the callback; when the callback returns, no byte has been read.
      done(...result);
      if (err === null && socket && !socket.destroyed) soften(socket);
    });
}

/** False when undici's parser is not as expected; the parser then stays strict. */
function soften(socket: Socket): boolean {
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
  // undici would take a trailer of this name for the length of the body that it has just read.
  let length = -1;
  parser.onHeadersComplete = (status, upgrade, keepAlive) => {
    if (status < 100) {
      socket.destroy(new StatusNotHttp(`status ${status} is none of HTTP's`));
      return -1;
    }
    // undici closes the connection on an unexpected 100 Continue, but ignores any other interim answer, as RFC 9110, 15.2
    // requires: so 100 is passed as 102.
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
