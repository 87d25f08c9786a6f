// Which headers travel on, and which the proxy writes itself (pure). Source: RFC 9110 section 7.6.1 (hop-by-hop).

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // undici answers these itself or writes them from the request.
  'expect',
  // Written by this proxy; a client's own claim is not passed on, so that backends can trust them.
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
]);

export interface ClientFacts {
  readonly address: string;
  readonly host: string;
  readonly tls: boolean;
  readonly port: number;
}

/** `raw` is name, value, name, value...; the answer has the same form and ends with the forwarding headers. */
export function requestHeaders(raw: readonly string[], connection: string | undefined, client: ClientFacts): string[] {
  const dropped = connection && !/^(?:keep-alive|close)$/i.test(connection) ? tokens(connection) : undefined;
  const headers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    if (name.charCodeAt(0) === 58 /* ':' of an HTTP/2 pseudo header */) continue;
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || dropped?.has(lower)) {
      if (lower === 'te' && raw[i + 1] === 'trailers') headers.push('te', 'trailers');
      continue;
    }
    headers.push(name, raw[i + 1]!);
  }
  const proto = client.tls ? 'https' : 'http';
  headers.push('x-forwarded-for', client.address, 'x-real-ip', client.address, 'x-forwarded-host', client.host);
  headers.push('x-forwarded-proto', proto, 'x-forwarded-port', String(client.port));
  return headers;
}

function tokens(list: string): Set<string> {
  return new Set(list.split(',').map((token) => token.trim().toLowerCase()));
}

const responseHopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
]);

/** The backend's headers as name, value pairs without those that concern its own connection. */
export function responseHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): string[] {
  const out: string[] = [];
  let server = false;
  for (const name in headers) {
    if (responseHopByHop.has(name)) continue;
    if (name === 'server') server = true;
    const value = headers[name];
    if (typeof value === 'string') out.push(name, value);
    else if (value) for (const one of value) out.push(name, one);
  }
  if (!server) out.push('server', 'k8ts');
  return out;
}
