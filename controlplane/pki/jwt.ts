// JSON Web Tokens in the compact form (RFC 7515, 7518): reading, checking and writing signatures. Pure.
//
// The caller names the algorithm that a key may have, never the token: so a token cannot turn a public key into the secret of an
// HMAC, and `none` is no algorithm here.
import { constants, createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { AppError } from '../base/errors';

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

export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Claims;
  /** What the signature signs. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** The algorithms of upstream; all have asymmetric keys. */
export const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const;
export type Algorithm = (typeof algorithms)[number];
export const isAlgorithm = (name: unknown): name is Algorithm => (algorithms as readonly unknown[]).includes(name);

const curves: Readonly<Record<string, Algorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
/** Shorter keys of RSA are broken (RFC 7518, section 3.3). */
const minRsaBits = 2048;

/** The algorithm with which this server signs, and the only one in which it accepts its own tokens. Undefined for other keys. */
export function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm | undefined {
  if (asymmetricKeyType === 'rsa') return 'RS256';
  return asymmetricKeyType === 'ec' ? curves[asymmetricKeyDetails?.namedCurve ?? ''] : undefined;
}

/** Whether a key can belong to the algorithm: its type, its curve or its length. */
function fits(key: KeyObject, algorithm: Algorithm): boolean {
  if (algorithm.startsWith('ES')) return algorithmOf(key) === algorithm;
  return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= minRsaBits;
}

const hashOf = (algorithm: Algorithm): string => `sha${algorithm.slice(2)}`;

function withForm(key: KeyObject, algorithm: Algorithm) {
  if (algorithm.startsWith('ES')) return { key, dsaEncoding: 'ieee-p1363' } as const;
  if (algorithm.startsWith('RS')) return { key, padding: constants.RSA_PKCS1_PADDING };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The key id: the same for the same public key on every server, as upstream makes it. */
export function keyId(key: KeyObject): string {
  const der = publicOf(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('base64url');
}

/** @throws AppError Unsupported for a key that no algorithm has */
export function signJwt(claims: Claims, key: KeyObject, algorithm = algorithmOf(key)): string {
  if (!algorithm)
    throw new AppError('Unsupported', 'keys of tokens are RSA, or EC with the curve P-256, P-384 or P-521');
  const head = `${encode({ alg: algorithm, kid: keyId(key) })}.${encode(claims)}`;
  const signature = sign(hashOf(algorithm), Buffer.from(head), withForm(key, algorithm));
  return `${head}.${signature.toString('base64url')}`;
}

const base64url = /^[\w-]+$/;

/** Checks only the form. @throws AppError Unauthorized */
export function parseJwt(token: string): Jwt {
  const [head, body, signature, extra] = token.split('.');
  if (!head || !body || !signature || extra !== undefined) throw malformed();
  // Node's decoder also accepts other alphabets, padding and unused bits: one token would have many spellings (RFC 7515, appendix C).
  const bytes = Buffer.from(signature, 'base64url');
  if (![head, body].every((part) => base64url.test(part)) || bytes.toString('base64url') !== signature)
    throw malformed();
  const header = decode(head);
  // An extension that the server must understand and does not (RFC 7515, section 4.1.11).
  if (header['crit'] !== undefined) throw malformed();
  return { header, claims: decode(body), signed: `${head}.${body}`, signature: bytes };
}

/** Whether the key signed the token with this algorithm; false when token or key have another one. */
export function isSignedBy({ header, signed, signature }: Jwt, key: KeyObject, algorithm: Algorithm): boolean {
  if (header['alg'] !== algorithm || !fits(key, algorithm)) return false;
  return verify(hashOf(algorithm), Buffer.from(signed), withForm(key, algorithm), signature);
}

/** Checks form and signature, not times or audience; each key counts with its own algorithm. @throws AppError Unauthorized */
export function verifyJwt(token: string, ...keys: readonly KeyObject[]): Claims {
  const jwt = parseJwt(token);
  const good = keys.some((key) => {
    const algorithm = algorithmOf(key);
    return algorithm !== undefined && isSignedBy(jwt, key, algorithm);
  });
  if (!good) throw new AppError('Unauthorized', 'the token has an invalid signature');
  return jwt.claims;
}

const publicOf = (key: KeyObject): KeyObject => (key.type === 'public' ? key : createPublicKey(key));

function decode(part: string): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  } catch (cause) {
    throw malformed(cause);
  }
  throw malformed();
}

class Malformed extends AppError {
  constructor(cause?: unknown) {
    super('Unauthorized', 'the token is malformed', { cause });
  }
}
const malformed = (cause?: unknown) => new Malformed(cause);

/** The text is no JSON Web Token at all. */
export const isMalformed = (err: unknown): boolean => err instanceof Malformed;
