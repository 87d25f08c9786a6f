// Which fields of a message are forwarded, and which the proxy writes itself (pure). One function decides for all requests (plain
// and upgrades, HTTP/1.1 and HTTP/2), one for answers, one for trailers. Source: RFC 9110 sections 6.5.1 (trailers) and 7.6.1
// (Connection).

/** Fields of one connection, and fields that only this proxy may write. */
const notForwarded = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Node answers it; undici refuses to send it.
  'expect',
  'http2-settings',
  // Written by this proxy. The client's own values are dropped, so that backends can trust these fields. Forwarded (RFC 7239) has
  // the same content.
  'x-real-ip',
  'forwarded',
  // CGI programs get it as HTTP_PROXY, the variable in which HTTP clients look for their proxy.
  'proxy',
]);

/**
 * Fields for the final recipient. A Connection header cannot remove them: otherwise a client could hide from the backend fields
 * that the backend decides by (Cookie, Authorization), or that frame and route the message (Content-Length, Host). Trailers
 * cannot set them either.
 */
const endToEnd = new Set(
  (
    'host cookie set-cookie authorization www-authenticate authentication-info origin referer user-agent from date server via age ' +
    'content-type content-length content-encoding content-language content-location content-range content-disposition ' +
    'content-security-policy accept accept-charset accept-encoding accept-language accept-ranges range if-match if-none-match ' +
    'if-modified-since if-unmodified-since if-range etag last-modified cache-control expires pragma vary location retry-after allow ' +
    'max-forwards expect strict-transport-security access-control-allow-origin access-control-allow-credentials ' +
    'access-control-allow-headers access-control-allow-methods access-control-request-headers access-control-request-method ' +
    'x-frame-options x-content-type-options x-request-id traceparent tracestate'
  ).split(' '),
);
const isEndToEnd = (name: string): boolean =>
  endToEnd.has(name) || name.startsWith('sec-') || name.startsWith('x-forwarded') || name === 'x-real-ip';

/** Backends that turn header names into variables (CGI, WSGI) treat `_` and `-` as equal. */
function isNotForwarded(lower: string): boolean {
  const name = lower.includes('_') ? lower.replaceAll('_', '-') : lower;
  return notForwarded.has(name) || (name.startsWith('x-forwarded') && (name.length === 11 || name[11] === '-'));
}

export interface ClientFacts {
  readonly address: string;
  readonly tls: boolean;
  readonly port: number;
}
/** Name, value, name, value... as Node returns them, with HTTP/2's pseudo headers first. */
export type RawHeaders = readonly string[];

export interface RequestHead {
  /** In the form of RawHeaders, including `host` and the forwarding headers. */
  readonly headers: string[];
  /** The Host header or :authority; '' when there is none. */
  readonly authority: string;
}
export interface HeadProblem {
  readonly status: number;
  readonly reason: string;
}

/** The head that the backend gets, or why the request cannot be forwarded. */
export function requestHead(raw: RawHeaders, client: ClientFacts): RequestHead | HeadProblem {
  const headers: string[] = [];
  let authority: string | undefined;
  let host: string | undefined;
  let hasLength = false;
  let options = '';
  let cookie = -1;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name.charCodeAt(0) === 58 /* ':' of an HTTP/2 pseudo header */) {
      if (name === ':authority') authority = value;
      continue;
    }
    const lower = name.toLowerCase();
    if (lower === 'host') {
      // RFC 9112, section 3.2: proxy and backend could each use another one.
      if (host !== undefined) return { status: 400, reason: 'there is more than one Host header' };
      host = value;
    } else if (lower === 'connection') {
      options += `,${value}`;
    } else if (isNotForwarded(lower)) {
      if (lower === 'te' && /(?:^|,)\s*trailers\s*(?:$|[,;])/i.test(value)) headers.push('te', 'trailers');
    } else if (lower === 'cookie' && authority !== undefined) {
      // HTTP/2 may send one field per cookie; HTTP/1.1 has one field for all (RFC 9113, section 8.2.3).
      if (cookie < 0) cookie = headers.push(name, value) - 1;
      else headers[cookie] += `; ${value}`;
    } else if (lower === 'content-length' && hasLength) {
      return { status: 400, reason: 'there is more than one Content-Length header' };
    } else {
      hasLength ||= lower === 'content-length';
      headers.push(name, value);
    }
  }
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    return { status: 400, reason: ':authority and the Host header differ' };
  }
  const kept = options === '' ? headers : withoutNamed(headers, options);
  const used = authority ?? host ?? '';
  const proto = client.tls ? 'https' : 'http';
  kept.push('host', used, 'x-forwarded-for', client.address, 'x-real-ip', client.address, 'x-forwarded-host', used);
  kept.push('x-forwarded-proto', proto, 'x-forwarded-port', String(client.port));
  return { headers: kept, authority: used };
}

const plainOptions = /^[\s,]*(?:keep-alive|close|upgrade)[\s,]*$/i;

/** The fields that Connection names, without those for the final recipient. */
function namedIn(options: string): ReadonlySet<string> {
  const names = options.split(',').map((one) => one.trim().toLowerCase());
  return new Set(names.filter((name) => !isEndToEnd(name)));
}

function withoutNamed(headers: string[], options: string): string[] {
  if (plainOptions.test(options)) return headers;
  const named = namedIn(options);
  // TE must be named in Connection whenever it is sent; this proxy wrote its value.
  return headers.filter((_, i) => {
    const name = headers[i - (i % 2)]!.toLowerCase();
    return name === 'te' || !named.has(name);
  });
}

/** Values by lower-case name, as the clients of Node and undici return them. */
export type HeaderRecord = Readonly<Record<string, string | string[] | undefined>>;

/** The backend's headers as name, value pairs, without headers of its own connection and headers that the status forbids. */
export function responseHeaders(headers: HeaderRecord, status?: number): string[] {
  const out: string[] = [];
  const { connection } = headers;
  const options = typeof connection === 'object' ? connection.join() : connection;
  const named = options === undefined || plainOptions.test(options) ? undefined : namedIn(options);
  let server = false;
  for (const name in headers) {
    if (connectionOnly.has(name) || named?.has(name)) continue;
    // An answer with a length has no trailers to announce, and Node refuses the header.
    if (name === 'trailer' && headers['content-length'] !== undefined) continue;
    // RFC 9110, section 8.6: a client would wait for a body that never comes.
    if (name === 'content-length' && status === 204) continue;
    if (name === 'server') server = true;
    const value = headers[name];
    if (typeof value === 'string') out.push(name, value);
    else if (value) for (const one of value) out.push(name, one);
  }
  if (!server) out.push('server', 'k8ts');
  return out;
}
const connectionOnly = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te']);

/** The allowed trailers: no fields that frame, route, authenticate or describe the body, because the body has ended by then. */
export function trailersOf(trailers: HeaderRecord): [name: string, value: string][] {
  return Object.entries(trailers).flatMap(([name, value]): [string, string][] =>
    value === undefined || isEndToEnd(name) || isNotForwarded(name) ? [] : [[name, String(value)]],
  );
}
