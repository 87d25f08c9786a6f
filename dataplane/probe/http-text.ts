// The request of an HTTP probe and the head of the answer, as text (RFC 9112). Pure.
import { hostAndPort, type ProbeRequest, type ProbeResult } from './request';

/** A longer head is not an answer that a probe waits for. */
export const maxHeadBytes = 16_384;
const headEnd = '\r\n\r\n';
/** A line of a request that is longer is refused by many servers. */
const paddingLineBytes = 4_000;

/**
 * `HEAD / HTTP/1.1`, with at least `size` bytes. `Connection: close` makes the server close first, so that the port of the
 * probe is free at once.
 */
export function renderHead(request: Pick<ProbeRequest, 'address' | 'port' | 'http' | 'size'>): Buffer {
  const { http = { host: hostAndPort(request), path: '/' }, size = 0 } = request;
  const lines = [
    `HEAD ${http.path} HTTP/1.1`,
    `Host: ${http.host}`,
    'User-Agent: k8ts-probe',
    'Accept: */*',
    'Connection: close',
  ];
  const bytes = () => lines.reduce((sum, line) => sum + line.length + 2, 2);
  for (let missing = size - bytes(); missing > 0; missing = size - bytes()) {
    lines.push(`X-Padding: ${'k'.repeat(Math.min(missing, paddingLineBytes))}`);
  }
  return Buffer.from(`${lines.join('\r\n')}${headEnd}`, 'latin1');
}

export type ParsedHead =
  | { readonly state: 'answered'; readonly http: NonNullable<ProbeResult['http']> }
  /** More bytes must come. */
  | { readonly state: 'partial' }
  | { readonly state: 'foreign'; readonly error: string };

/** Reads the head of an answer; interim answers (100 to 199) are skipped. `ended`: no more bytes come. Never throws. */
export function parseHead(bytes: Buffer, ended: boolean): ParsedHead {
  const start = 'HTTP/1.';
  const seen = bytes.subarray(0, start.length).toString('latin1');
  if (seen !== start.slice(0, seen.length)) return { state: 'foreign', error: foreign(bytes) };
  const text = bytes.subarray(0, maxHeadBytes).toString('latin1');
  const end = text.indexOf(headEnd);
  if (end < 0) {
    if (bytes.length >= maxHeadBytes) return { state: 'foreign', error: 'the head of the HTTP answer is too long' };
    if (ended) return { state: 'foreign', error: 'the server closed within the head of the HTTP answer' };
    return { state: 'partial' };
  }
  const [first = '', ...headers] = text.slice(0, end).split('\r\n');
  const status = /^HTTP\/1\.\d (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) return { state: 'foreign', error: foreign(bytes) };
  // 101 is final: the server would speak another protocol now.
  if (status.startsWith('1') && status !== '101') return parseHead(bytes.subarray(end + headEnd.length), ended);
  const server = headerOf(headers, 'server');
  const location = headerOf(headers, 'location');
  return {
    state: 'answered',
    http: {
      status: Number(status),
      ...(server !== undefined && { server }),
      ...(location !== undefined && { location }),
    },
  };
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  const header = headers.find((line) => line.slice(0, name.length + 1).toLowerCase() === `${name}:`);
  return header?.slice(name.length + 1).trim();
}

const foreign = (bytes: Buffer): string => `the server does not speak HTTP/1; ${describeSpeech(bytes)}`;

/** What the first bytes of a server look like: `it speaks TLS`, `it sent "SSH-2.0-..."`. */
export function describeSpeech(bytes: Buffer): string {
  // TLS record: alert (21) or handshake (22), version 3.x (RFC 8446, 5.1).
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3) return 'it speaks TLS';
  // A SETTINGS frame on stream 0 (RFC 9113, 3.4): length(3) type(1) flags(1) stream(4).
  if (bytes.length >= 9 && bytes[3] === 4 && bytes.readUInt32BE(5) === 0) return 'it speaks HTTP/2';
  return `it sent ${JSON.stringify(readable(bytes))}`;
}

/** The first bytes, each byte that is not printable ASCII as a dot. */
export const readable = (bytes: Buffer): string =>
  bytes
    .subarray(0, 32)
    .toString('latin1')
    .replace(/\r?\n$/, '')
    .replace(/[^ -~]/g, '.');
