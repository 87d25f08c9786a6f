// The public keys of a token issuer: discovered over HTTPS, kept, and fetched again when a token names a key that is not there.
//
// Promises: (1) The start of the server waits for no issuer: the discovery is tried again until it succeeds. (2) While an issuer is
// silent, known keys still count. (3) However many tokens with unknown keys arrive, one request at a time goes to the issuer, and
// not more than one in `minRefreshMs`.
import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import { Agent, get } from 'node:https';
import type { Clock } from '../../../base/clock';
import { describeError } from '../../../base/errors';
import type { Logger } from '../../../base/logger';
import { type Algorithm, isAlgorithm, isSignedBy, type Jwt } from '../../../pki/jwt';

export interface IssuerLocation {
  readonly url: string;
  readonly discoveryUrl?: string;
  /** PEM; absent: the authorities of the system. */
  readonly ca?: string;
}
export interface IssuerKeysDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

interface IssuerKey {
  readonly id: string | undefined;
  /** Absent: every algorithm of its type. */
  readonly algorithm: Algorithm | undefined;
  readonly key: KeyObject;
}

export const retryMs = 10_000;
export const minRefreshMs = 5_000;
const timeoutMs = 10_000;
const maxAnswerBytes = 1024 * 1024;
/** An issuer has a few keys; each one with the token's id costs a check of a signature. */
const maxKeys = 100;

export class IssuerKeys {
  private keys: readonly IssuerKey[] = [];
  private jwksUri: string | undefined;
  private fetching: Promise<void> | undefined;
  private fetchedAt = Number.NEGATIVE_INFINITY;
  private readonly agent: Agent;

  constructor(
    private readonly location: IssuerLocation,
    private readonly deps: IssuerKeysDeps,
  ) {
    this.agent = new Agent({ keepAlive: false, ...(location.ca === undefined ? {} : { ca: location.ca }) });
  }

  /** Discovers the issuer; resolves when its keys are known or the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    while (!signal.aborted) {
      try {
        await this.discover(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        log.warn('the token issuer cannot be discovered; it is tried again', { issuer: this.location.url, error });
      }
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  /** Whether one of the issuer's keys signed the token. @throws Error when the issuer is not discovered yet */
  verify(jwt: Jwt, algorithm: Algorithm, signal: AbortSignal): boolean | Promise<boolean> {
    if (this.jwksUri === undefined) throw new Error('oidc: authenticator not initialized');
    if (this.isSigned(jwt, algorithm)) return true;
    return this.refresh(signal).then(() => this.isSigned(jwt, algorithm));
  }

  private isSigned(jwt: Jwt, algorithm: Algorithm): boolean {
    const id = jwt.header['kid'];
    return this.keys
      .filter((one) => (id === undefined || one.id === id) && (one.algorithm ?? algorithm) === algorithm)
      .some(({ key }) => isSignedBy(jwt, key, algorithm));
  }

  private async discover(signal: AbortSignal): Promise<void> {
    const { url, discoveryUrl } = this.location;
    const found = await this.read(discoveryUrl ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
    const { issuer, jwks_uri: uri } = found;
    // Else one issuer could speak for another one.
    if (issuer !== url) {
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)} got ${JSON.stringify(issuer)}`,
      );
    }
    if (typeof uri !== 'string' || !URL.canParse(uri)) throw new Error('oidc: the discovery document has no jwks_uri');
    await this.fetchKeys(uri, signal);
    this.jwksUri = uri;
  }

  /** Never rejects: the keys stay as they are then. */
  private refresh(signal: AbortSignal): Promise<void> {
    if (this.fetching) return this.fetching;
    if (this.deps.clock.elapsed() - this.fetchedAt < minRefreshMs) return Promise.resolve();
    this.fetching = this.fetchKeys(this.jwksUri!, signal)
      .catch((error: unknown) => {
        this.deps.log.warn('the keys of the token issuer cannot be fetched', { issuer: this.location.url, error });
      })
      .finally(() => {
        this.fetching = undefined;
      });
    return this.fetching;
  }

  private async fetchKeys(uri: string, signal: AbortSignal): Promise<void> {
    this.fetchedAt = this.deps.clock.elapsed();
    const { keys } = await this.read(uri, signal);
    if (!Array.isArray(keys)) throw new Error('oidc: the key set has no list of keys');
    this.keys = keys.slice(0, maxKeys).flatMap(readKey);
  }

  private async read(url: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    try {
      const value: unknown = JSON.parse(await this.fetch(url, signal));
      if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
      throw new Error('expected a JSON object');
    } catch (cause) {
      throw new Error(`GET ${url}: ${describeError(cause)}`, { cause });
    }
  }

  /** No redirect is followed: the answer must come from the host that the configuration or the document names. */
  private fetch(url: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const request = get(
        url,
        { agent: this.agent, signal: deadline, headers: { accept: 'application/json' } },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            chunks.push(chunk);
            if (size > maxAnswerBytes) response.destroy(new Error(`the answer is larger than ${maxAnswerBytes} bytes`));
          });
          response.on('error', reject);
          response.on('end', () => {
            if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
            else reject(new Error(`status ${response.statusCode}`));
          });
        },
      );
      request.on('error', reject);
    });
  }
}

/** Nothing for a key that signs no tokens here: a secret, a key for encryption, an unknown type or algorithm. */
function readKey(jwk: unknown): IssuerKey[] {
  if (typeof jwk !== 'object' || jwk === null) return [];
  const { kid, use, alg, kty } = jwk as Readonly<Record<string, unknown>>;
  if ((kty !== 'RSA' && kty !== 'EC') || (use !== undefined && use !== 'sig')) return [];
  if (alg !== undefined && !isAlgorithm(alg)) return [];
  try {
    const key = createPublicKey({ key: jwk as JsonWebKeyInput['key'], format: 'jwk' });
    return [{ id: typeof kid === 'string' ? kid : undefined, algorithm: alg, key }];
  } catch {
    // One key that cannot be read does not make the others invalid.
    return [];
  }
}
