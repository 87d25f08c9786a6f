// What a connection is answered with that fails below HTTP.
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { unauthorized } from '../authn/authenticator';
import { jsonType } from '../request';
import { toStatus } from '../status';

const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Bytes of a whole answer; `code` says what Node.js found wrong. A certificate that only looks like one of ours, because its
 * authority has the name of ours, fails inside the TLS library: its owner is told 401 as everyone else whose certificate does
 * not count.
 */
export function clientErrorReply(socket: Duplex, code = ''): string {
  if (!showedForeignCertificate(socket)) return head(statuses[code] ?? '400 Bad Request', '');
  const body = `${JSON.stringify(toStatus(unauthorized()))}\n`;
  return head('401 Unauthorized', `Content-Type: ${jsonType}\r\n`, body);
}

function showedForeignCertificate(socket: Duplex): boolean {
  if (!(socket instanceof TLSSocket) || socket.authorized) return false;
  // Null once the connection is gone; an empty object for a client without a certificate.
  return Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
}

const head = (line: string, headers: string, body = ''): string =>
  `HTTP/1.1 ${line}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
