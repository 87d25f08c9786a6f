// What a request must be before it is routed (pure): the checks of HTTP's own rules that Node's parser leaves to its user.
import { type ClientFacts, type HeadProblem, type RawHeaders, type RequestHead, requestHead } from './headers';

/** What is read of Node's requests, of either HTTP version. */
export interface RequestLine {
  readonly method?: string | undefined;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly rawHeaders: RawHeaders;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The head that reaches the backend, or why there is none. `isHttp2`: by the connection, not by what the request line says. */
export function judgeRequest(request: RequestLine, isHttp2: boolean, client: ClientFacts): RequestHead | HeadProblem {
  const { method, httpVersionMajor, httpVersionMinor, headers } = request;
  if (!isHttp2) {
    if (httpVersionMajor !== 1) {
      return { status: 505, reason: `HTTP/${httpVersionMajor}.${httpVersionMinor} is not spoken on this connection` };
    }
    const coding = headers['transfer-encoding'];
    if (coding !== undefined) {
      // RFC 9112, section 6.1: such a message counts as wrongly framed.
      if (httpVersionMinor === 0) return { status: 400, reason: 'HTTP/1.0 has no Transfer-Encoding' };
      // The body travels on with another framing; a coding that is not taken off would be lost.
      if (String(coding).toLowerCase() !== 'chunked') {
        return { status: 501, reason: 'no Transfer-Encoding but chunked is known here' };
      }
    }
  }
  // TRACE shows the client what the backend got, other proxies' headers among it; CONNECT is for forward proxies.
  if (method === 'TRACE' || method === 'CONNECT') return { status: 405, reason: `${method} is not served` };
  return requestHead(request.rawHeaders, client);
}

/** A request that may leave HTTP: a WebSocket, and no body, which no program would read. Others are answered as plain requests. */
export function isUpgrade(request: Pick<RequestLine, 'method' | 'headers'>): boolean {
  const { upgrade, 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  const isEmpty = Number(length) === 0 && coding === undefined;
  return request.method === 'GET' && isEmpty && typeof upgrade === 'string' && upgrade.toLowerCase() === 'websocket';
}
