// Who a TLS connection belongs to: the verified client certificate's CN is the user, its O entries are the groups.
import type { TLSSocket } from 'node:tls';
import type { UserInfo } from '../request';

const known = new WeakMap<TLSSocket, UserInfo | null>();

/** Undefined when the client showed no certificate, or one this CA did not sign; looked up once per connection. */
export function certificateUser(socket: TLSSocket): UserInfo | undefined {
  const seen = known.get(socket);
  if (seen !== undefined) return seen ?? undefined;
  const user = readUser(socket);
  known.set(socket, user ?? null);
  return user;
}

function readUser(socket: TLSSocket): UserInfo | undefined {
  if (!socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as
    | Readonly<Record<string, string | string[] | undefined>>
    | undefined;
  const name = first(subject?.['CN']);
  if (!name) return undefined;
  return { name, groups: [...list(subject?.['O']), 'system:authenticated'] };
}

const list = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
const first = (value: string | string[] | undefined): string | undefined => list(value)[0];
