// Checks a request before it is routed (pure): the rules of HTTP that Node's parser does not check.
import { type ClientFacts, type HeadProblem, type RawHeaders, type RequestHead, requestHead } from './headers';

/** The fields of Node's requests that are checked, in either HTTP version. */
export interface RequestLine {
  readonly method?: string | undefined;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly rawHeaders: RawHeaders;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The head for the backend, or why the request is refused. `isHttp2` follows from the connection, not from the request line. */
export function judgeRequest(request: RequestLine, isHttp2: boolean, client: ClientFacts): RequestHead | HeadProblem {
  const { method, httpVersionMajor, httpVersionMinor, headers } = request;
  if (!isHttp2) {
    if (httpVersionMajor !== 1) {
      return { status: 505, reason: `HTTP/${httpVersionMajor}.${httpVersionMinor} is not spoken on this connection` };
    }
    const coding = headers['transfer-encoding'];
    if (coding !== undefined) {
      // RFC 9112, section 6.1: such a message has faulty framing.
      if (httpVersionMinor === 0) return { status: 400, reason: 'HTTP/1.0 has no Transfer-Encoding' };
      // The body is framed again when it is forwarded; a coding that is not decoded here would be lost.
      if (String(coding).toLowerCase() !== 'chunked') {
        return { status: 501, reason: 'no Transfer-Encoding but chunked is known here' };
      }
    }
  }
  // TRACE would show the client the backend's request, including headers of other proxies; CONNECT is for forward proxies.
  if (method === 'TRACE' || method === 'CONNECT') return { status: 405, reason: `${method} is not served` };
  return requestHead(request.rawHeaders, client);
}

/**
 * A request that may leave HTTP: a WebSocket without a body, because no program would read the body. All others are plain
 * requests.
 */
export function isUpgrade(request: Pick<RequestLine, 'method' | 'headers'>): boolean {
  const { upgrade, 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  const isEmpty = Number(length) === 0 && coding === undefined;
  return request.method === 'GET' && isEmpty && typeof upgrade === 'string' && upgrade.toLowerCase() === 'websocket';
}
