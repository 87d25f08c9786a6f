// The headers of a request that goes to an aggregated API server: those of the client, and the user in headers that the other server
// trusts because of our certificate. Pure.
import { type ApiRequest, header, type UserInfo } from '../request';
import { extraHeaderPrefix, groupHeader, uidHeader, userHeader } from './extension-authentication';

/** They belong to one connection, or prove or choose the identity, which the X-Remote-* headers replace. */
const notPassed =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-length|content-encoding|authorization|impersonate-.*|x-remote-.*|expect|http2-settings)$/;

export type OutgoingHeaders = Record<string, string | string[]>;

/** The addresses through which a request came, as Go's reverse proxy adds them, and the path that the client sent. */
export function forwardedHeaders({
  headers,
  path,
  peer,
}: Pick<ApiRequest, 'headers' | 'path' | 'peer'>): OutgoingHeaders {
  const before = header(headers, 'x-forwarded-for');
  const client = peer?.()?.replace(/^::ffff:/, '');
  const all = [before, client].filter(Boolean).join(', ');
  return { 'x-forwarded-uri': path, ...(all === '' ? {} : { 'x-forwarded-for': all }) };
}

export const proxiedHeaders = ({ headers, user }: Pick<ApiRequest, 'headers' | 'user'>): OutgoingHeaders => ({
  ...passedHeaders({ headers }),
  ...userHeaders(user),
});

/** Those of the client that another server may see. */
export function passedHeaders({ headers }: Pick<ApiRequest, 'headers'>): OutgoingHeaders {
  const passed: OutgoingHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !notPassed.test(name)) passed[name] = value;
  }
  return passed;
}

export function userHeaders({ name, uid, groups, extra }: UserInfo): OutgoingHeaders {
  const headers: OutgoingHeaders = { [userHeader]: asBytes(name) };
  if (uid) headers[uidHeader] = asBytes(uid);
  if (groups.length > 0) headers[groupHeader] = groups.map(asBytes);
  for (const [key, values] of Object.entries(extra ?? {})) {
    headers[`${extraHeaderPrefix}${escapeKey(key)}`] = values.map(asBytes);
  }
  return headers;
}

/** Node.js writes one byte for each character of a header. */
const asBytes = (text: string): string => Buffer.from(text).toString('latin1');

const tokenCharacter = /[A-Za-z0-9!#$&'*+.^_`|~-]/;

/** A key may have characters that names of headers cannot have, such as a slash: as client-go, each of their bytes becomes %XX. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return tokenCharacter.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
