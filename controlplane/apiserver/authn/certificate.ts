// The user of a TLS connection: the CN of the verified client certificate is the user name, its O entries are the groups.
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { AppError } from '../../base/errors';
import type { UserInfo } from '../request';

interface Known {
  readonly user: UserInfo;
  readonly endMs: number;
}
const known = new WeakMap<TLSSocket, Known | null>();

/**
 * Undefined when the client showed no certificate, or one this CA did not sign; looked up once per connection.
 * @throws Unauthorized when the certificate has expired since: a connection may outlive its certificate, a permission may not
 */
export function certificateUser(socket: TLSSocket, nowMs: number): UserInfo | undefined {
  let found = known.get(socket);
  if (found === undefined) {
    found = readUser(socket) ?? null;
    known.set(socket, found);
  }
  if (found && found.endMs < nowMs) {
    throw new AppError('Unauthorized', 'Unauthorized', { cause: new Error('the client certificate has expired') });
  }
  return found?.user;
}

function readUser(socket: TLSSocket): Known | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  const subject = certificate.subject as Readonly<Record<string, string | string[] | undefined>> | undefined;
  const name = first(subject?.['CN']);
  if (!name) return undefined;
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex');
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] };
  const user = { name, groups: [...list(subject?.['O']), 'system:authenticated'], extra };
  return { user, endMs: Date.parse(certificate.valid_to) };
}

const list = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const first = (value: string | string[] | undefined): string | undefined => list(value)[0];
