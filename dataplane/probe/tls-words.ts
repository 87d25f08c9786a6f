// TLS of a probe in words: the name that it asks for, and what failed. Pure.
import { isIP } from 'node:net';
import type { Verdict } from './outcomes';
import type { ProbeRequest } from './request';

/** The name for SNI, if there is one: addresses are not allowed there (RFC 6066, section 3). */
export function serverNameOf({ http }: Pick<ProbeRequest, 'http'>): { servername?: string } {
  const host = http?.host ?? '';
  const name = http?.serverName ?? (isIP(host) === 0 ? host.replace(/:\d+$/, '') : '');
  return name === '' || name.startsWith('[') || isIP(name) !== 0 ? {} : { servername: name };
}

/** OpenSSL's codes when the first bytes of the server are no TLS record. */
const notTls = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_UNEXPECTED_MESSAGE'];

/** Undefined for an error of the connection below TLS. */
export function tlsVerdict(err: NodeJS.ErrnoException & { reason?: string }): Verdict | undefined {
  const { code = '', reason, syscall, message } = err;
  // Node's own error for a FIN during the handshake: the code of a reset, but no system call failed.
  if (code === 'ECONNRESET' && syscall === undefined) {
    return { outcome: 'closed', error: 'the server closed during the TLS handshake' };
  }
  if (!code.startsWith('ERR_SSL_') && code !== 'EPROTO') return undefined;
  const words = reason ?? message;
  return { outcome: 'tls', error: notTls.includes(code) ? `the server does not speak TLS (${words})` : words };
}
