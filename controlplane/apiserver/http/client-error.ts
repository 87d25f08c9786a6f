// The answer to a connection that fails below HTTP.
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { unauthorized } from '../authn/authenticator';
import { jsonType } from '../request';
import { toStatus } from '../status';

const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Sending an answer may take this long: a client that does not read it must not keep the connection. */
const lastWordsMs = 2_000;

/** Answers if the client can still read an answer, and always closes the connection. */
export function refuseClient({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  // Without a handshake no answer can be sent: it would wait for the keys, and the connection with it, for ever.
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(clientErrorReply(socket, code));
  const cut = setTimeout(() => socket.destroy(), lastWordsMs);
  socket.once('close', () => clearTimeout(cut));
}

/**
 * The bytes of a complete answer; `code` is the error of Node.js. A certificate whose authority only has the same name as
 * our CA fails inside the TLS library: the client gets 401, as with any other invalid certificate.
 */
function clientErrorReply(socket: Duplex, code = ''): string {
  if (!showedForeignCertificate(socket)) return head(statuses[code] ?? '400 Bad Request', '');
  const body = `${JSON.stringify(toStatus(unauthorized()))}\n`;
  return head('401 Unauthorized', `Content-Type: ${jsonType}\r\n`, body);
}

function showedForeignCertificate(socket: Duplex): boolean {
  if (!(socket instanceof TLSSocket) || socket.authorized) return false;
  // Null after the connection closed; an empty object for a client without a certificate.
  return Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
}

const head = (line: string, headers: string, body = ''): string =>
  `HTTP/1.1 ${line}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
