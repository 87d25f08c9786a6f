// JSON Web Tokens signed with ES256 (RFC 7515, 7518): sign, verify, and the public key as a JWK set. Pure.
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { AppError } from '../../base/errors';

export interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: readonly string[] | string;
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly [name: string]: unknown;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The key id: the same for the same public key on every server. */
export function keyId(key: KeyObject): string {
  const der = createPublicKeyOf(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('base64url');
}

export function signJwt(claims: Claims, key: KeyObject): string {
  const head = `${encode({ alg: 'ES256', kid: keyId(key) })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(head), { key, dsaEncoding: 'ieee-p1363' });
  return `${head}.${signature.toString('base64url')}`;
}

const base64url = /^[\w-]+$/;

/** Checks form and signature, not times or audience. @throws AppError Unauthorized */
export function verifyJwt(token: string, key: KeyObject): Claims {
  const [head, body, signature, extra] = token.split('.');
  if (!head || !body || !signature || extra !== undefined) throw malformed();
  // Node's decoder also accepts other alphabets and padding: one token would have many spellings (RFC 7515, appendix C).
  if (![head, body, signature].every((part) => base64url.test(part))) throw malformed();
  const header = decode(head);
  if (header['alg'] !== 'ES256') throw malformed();
  const good = verify(
    'sha256',
    Buffer.from(`${head}.${body}`),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  );
  if (!good) throw new AppError('Unauthorized', 'the token has an invalid signature');
  return decode(body);
}

/** The key set served at /openid/v1/jwks. */
export function publicKeySet(key: KeyObject): { keys: readonly Record<string, unknown>[] } {
  const jwk = createPublicKeyOf(key).export({ format: 'jwk' });
  return { keys: [{ ...jwk, use: 'sig', alg: 'ES256', kid: keyId(key) }] };
}

const createPublicKeyOf = (key: KeyObject): KeyObject => (key.type === 'public' ? key : createPublicKey(key));

function decode(part: string): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value as Claims;
  } catch (cause) {
    throw malformed(cause);
  }
  throw malformed();
}

const malformed = (cause?: unknown) => new AppError('Unauthorized', 'the token is malformed', { cause });
