// The user of a TLS connection: the CN of the verified client certificate is the user name, its O entries are the groups.
import { createHash } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { AppError } from '../../base/errors';
import type { UserInfo } from '../request';

interface Known {
  readonly user: UserInfo;
  readonly endMs: number;
}
/** No certificate, one that this CA did not sign, one that names no user. */
type Unknown = 'none' | 'foreign' | 'nameless';
const known = new WeakMap<TLSSocket, Known | Unknown>();

/**
 * Undefined when the client showed no certificate; looked up once per connection.
 * @throws Unauthorized for a certificate of another CA and one that names no user, and when it has expired since: a connection may outlive its certificate,
 * a permission may not
 */
export function certificateUser(socket: TLSSocket, nowMs: number): UserInfo | undefined {
  let found = known.get(socket);
  if (found === undefined) {
    found = readUser(socket);
    known.set(socket, found);
  }
  if (found === 'none') return undefined;
  if (found === 'foreign') throw refused('the client certificate is of another authority');
  if (found === 'nameless') throw refused('the client certificate names no user');
  if (found.endMs < nowMs) throw refused('the client certificate has expired');
  return found.user;
}

const refused = (why: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(why) });

function readUser(socket: TLSSocket): Known | Unknown {
  const certificate = socket.getPeerCertificate() as PeerCertificate | undefined;
  if (!certificate?.raw) return 'none';
  if (!socket.authorized) return 'foreign';
  const subject = certificate.subject as Readonly<Record<string, string | string[] | undefined>> | undefined;
  const name = first(subject?.['CN']);
  if (!name) return 'nameless';
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex');
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] };
  const user = { name, groups: [...list(subject?.['O']), 'system:authenticated'], extra };
  return { user, endMs: Date.parse(certificate.valid_to) };
}

const list = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const first = (value: string | string[] | undefined): string | undefined => list(value)[0];
