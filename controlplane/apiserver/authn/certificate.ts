// What the client certificate of a TLS connection says: its CN is the user name, its O entries are the groups; or it is that of a front
// proxy, which names users itself.
import { createHash, type X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';
import { AppError } from '../../base/errors';
import type { UserInfo } from '../request';
import { isIssuedBy } from './authorities';

export interface CertificateUser {
  readonly user: UserInfo;
  readonly endMs: number;
}
/** No certificate, one that this CA did not sign, one that names no user. */
type Unknown = 'none' | 'foreign' | 'nameless';
const known = new WeakMap<TLSSocket, CertificateUser | Unknown>();

/**
 * Undefined when the client showed no certificate; looked up once per connection.
 * @throws Unauthorized for a certificate of another CA and one that names no user, and when it has expired since: a connection may outlive its certificate,
 * a permission may not
 */
export function certificateUser(socket: TLSSocket, nowMs: number, roots?: Roots): CertificateUser | undefined {
  let found = known.get(socket);
  if (found === undefined) {
    found = readUser(socket);
    if (roots && found !== 'none' && !isOfClients(socket, roots, nowMs)) found = 'foreign';
    known.set(socket, found);
  }
  if (found === 'none') return undefined;
  if (found === 'foreign') throw refused('the client certificate is of another authority');
  if (found === 'nameless') throw refused('the client certificate names no user');
  if (found.endMs < nowMs) throw refused('the client certificate has expired');
  return found;
}

const refused = (why: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(why) });

function readUser(socket: TLSSocket): CertificateUser | Unknown {
  const certificate = socket.getPeerCertificate() as PeerCertificate | undefined;
  if (!certificate?.raw) return 'none';
  if (!socket.authorized) return 'foreign';
  const subject = certificate.subject as Readonly<Record<string, string | string[] | undefined>> | undefined;
  const name = first(subject?.['CN']);
  if (!name) return 'nameless';
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex');
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] };
  const endMs = Date.parse(certificate.valid_to);
  const user = { name, groups: [...list(subject?.['O']), 'system:authenticated'], extra, endsMs: endMs };
  return { user, endMs };
}

/** Of a server that also accepts certificates of front proxies. */
export interface Roots {
  readonly clients: readonly X509Certificate[];
  readonly proxies: readonly X509Certificate[];
}

interface Origin {
  readonly isClient: boolean;
  /** The common name of a front proxy's certificate. */
  readonly proxy: string | undefined;
  readonly endMs: number;
}
const origins = new WeakMap<TLSSocket, Origin>();

/** The common name of a valid certificate of a front proxy, undefined for all else; looked up once per connection. */
export function proxyName(socket: TLSSocket, roots: Roots, nowMs: number): string | undefined {
  const { proxy, endMs } = originOf(socket, roots, nowMs);
  return endMs < nowMs ? undefined : proxy;
}

/** Whether the certificate is of an authority of users. */
const isOfClients = (socket: TLSSocket, roots: Roots, nowMs: number): boolean =>
  originOf(socket, roots, nowMs).isClient;

function originOf(socket: TLSSocket, { clients, proxies }: Roots, nowMs: number): Origin {
  let origin = origins.get(socket);
  if (origin === undefined) {
    const certificate = socket.getPeerCertificate(true) as DetailedPeerCertificate | undefined;
    const isVerified = certificate?.raw !== undefined && socket.authorized;
    const isProxy = isVerified && isIssuedBy(certificate, proxies, nowMs);
    origin = {
      isClient: isVerified && isIssuedBy(certificate, clients, nowMs),
      proxy: isProxy ? (first(certificate.subject?.['CN']) ?? '') : undefined,
      endMs: isProxy ? Date.parse(certificate.valid_to) : 0,
    };
    origins.set(socket, origin);
  }
  return origin;
}

const list = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const first = (value: string | string[] | undefined): string | undefined => list(value)[0];
