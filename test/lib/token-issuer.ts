// An issuer of OpenID Connect tokens on loopback: its documents over HTTPS, and tokens signed with its keys.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KeyPair } from '../../controlplane/pki/certificate';
import { type Algorithm, algorithmOf, type Claims, keyId, signJwt } from '../../controlplane/pki/jwt';

export interface TokenIssuer {
  readonly url: string;
  /** The paths that were requested, in order. */
  readonly requests: string[];
  /** What the issuer publishes; a test may change it. */
  readonly published: KeyObject[];
  /** Other answers than the documents, by path; for an issuer that is broken or false. */
  readonly answers: Map<string, unknown>;
  /** A token for audience `app` that ends in an hour, with the first key unless another is given. */
  token(claims: Claims, options?: { readonly key?: KeyObject; readonly algorithm?: Algorithm }): string;
  close(): Promise<void>;
}

export const rsaKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

export async function startIssuer(
  { cert, key }: KeyPair,
  keys: readonly KeyObject[],
  nowMs: () => number,
): Promise<TokenIssuer> {
  const published = [...keys];
  const requests: string[] = [];
  const answers = new Map<string, unknown>();
  let url = '';
  const server = createServer({ cert, key }, (message, response) => {
    const path = message.url ?? '/';
    requests.push(path);
    const documents: Readonly<Record<string, unknown>> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys: published.map(jwkOf) },
    };
    const answer = answers.get(path) ?? documents[path];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    published,
    answers,
    token: (claims, { key: signing = keys[0]!, algorithm = algorithmOf(signing)! } = {}) =>
      signJwt({ iss: url, aud: 'app', exp: Math.floor(nowMs() / 1000) + 3600, ...claims }, signing, algorithm),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Without `alg`, so that a key of RSA counts for RS and PS. */
function jwkOf(key: KeyObject): object {
  const { kty, n, e, crv, x, y } = key.export({ format: 'jwk' });
  return { kty, n, e, crv, x, y, use: 'sig', kid: keyId(key) };
}
