// What other programs read to check ServiceAccount tokens by themselves: the discovery document of the issuer and its public keys
// as a JWK set (OpenID Connect Discovery 1.0, RFC 7517). The order of the fields is upstream's.
import type { KeyObject } from 'node:crypto';
import { algorithmOf, keyId } from '../../pki/jwt';
import type { FullReply } from '../request';

export interface IssuerFacts {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly keys: readonly KeyObject[];
}

/** Clients may keep both documents for an hour: a new key must be published that long before it signs. */
const headers = { 'cache-control': 'public, max-age=3600' };

export function issuerDocument({ issuer, jwksUri, keys }: IssuerFacts) {
  return {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.flatMap((key) => algorithmOf(key) ?? []))].sort(),
  };
}

export function publicKeySet(keys: readonly KeyObject[]) {
  return {
    keys: keys.map((key) => {
      const { kty, crv, x, y, n, e } = key.export({ format: 'jwk' });
      const curve = crv === undefined ? {} : { crv };
      const point = kty === 'EC' ? { x, y } : { n, e };
      return { use: 'sig', kty, kid: keyId(key), ...curve, alg: algorithmOf(key), ...point };
    }),
  };
}

const reply = (value: unknown, type: string): FullReply => ({
  status: 200,
  type,
  headers,
  body: Buffer.from(JSON.stringify(value)),
});

export const issuerReply = (facts: IssuerFacts): FullReply => reply(issuerDocument(facts), 'application/json');
export const keysReply = ({ keys }: IssuerFacts): FullReply => reply(publicKeySet(keys), 'application/jwk-set+json');

/** An issuer that is no https URL cannot be discovered (section 3 of the standard), so both paths do not exist then. */
export const isDiscoverable = (issuer: string): boolean => /^https:\/\/[^/]/.test(issuer);
