// Authenticates tokens of other issuers: the issuer's signature, its audiences and times, then the user that its claims map to.
import { createHash } from 'node:crypto';
import { describeError } from '../../../base/errors';
import { type Algorithm, algorithms, type Claims, isAlgorithm, type Jwt } from '../../../pki/jwt';
import type { UserInfo } from '../../request';
import { ClaimsMapper } from './claims';
import type { JwtIssuer } from './config';
import { IssuerKeys, type IssuerKeysDeps } from './issuer-keys';

/** Of the time before which a token is not valid; an expired token is expired. As upstream. */
const leewaySeconds = 60;
/** A checked token counts for this long without a check, as upstream; so a removed key counts for this long too. */
const keptMs = 10_000;
const maxKept = 4_096;

interface Kept {
  readonly user: UserInfo;
  /** By a clock without steps. */
  readonly untilMs: number;
  readonly expiresMs: number;
}

export class JwtAuthenticator {
  private readonly keys: IssuerKeys;
  private readonly mapper: ClaimsMapper;
  private readonly kept = new Map<string, Kept>();
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;

  constructor(
    readonly config: JwtIssuer,
    private readonly deps: IssuerKeysDeps,
    signal: AbortSignal,
    private readonly accepted: readonly Algorithm[] = algorithms,
  ) {
    const { certificateAuthority: ca, discoveryURL } = config.issuer;
    const further = { ...(ca ? { ca } : {}), ...(discoveryURL ? { discoveryUrl: discoveryURL } : {}) };
    this.signal = AbortSignal.any([signal, this.stop.signal]);
    this.keys = new IssuerKeys({ url: this.issuer, ...further }, deps);
    this.mapper = new ClaimsMapper(config);
  }

  get issuer(): string {
    return this.config.issuer.url ?? '';
  }

  /** Discovers the issuer. Never rejects. */
  run(): Promise<void> {
    return this.keys.run(this.signal);
  }

  /** Ends the discovery. */
  close(): void {
    this.stop.abort();
  }

  /** The user of a token that says it is of this issuer. @throws Error with the reason */
  authenticate(token: string, jwt: Jwt): UserInfo | Promise<UserInfo> {
    const id = createHash('sha256').update(token).digest('base64');
    const kept = this.kept.get(id);
    const { clock } = this.deps;
    if (kept && clock.elapsed() < kept.untilMs && clock.now() < kept.expiresMs) return kept.user;
    const algorithm = jwt.header['alg'];
    if (!isAlgorithm(algorithm) || !this.accepted.includes(algorithm)) {
      throw new Error(`oidc: id token signed with unsupported algorithm, expected ${JSON.stringify(this.accepted)}`);
    }
    // Before the signature, since these cost less.
    this.checkTimes(jwt.claims);
    this.checkAudience(jwt.claims);
    const verified = this.keys.verify(jwt, algorithm, this.signal);
    return verified instanceof Promise
      ? verified.then((good) => this.userOf(id, jwt.claims, good))
      : this.userOf(id, jwt.claims, verified);
  }

  private userOf(id: string, claims: Claims, verified: boolean): UserInfo {
    if (!verified) throw new Error('oidc: failed to verify id token signature');
    const { clock } = this.deps;
    const expiresMs = (claims.exp ?? 0) * 1000;
    const user = { ...this.mapper.userOf(claims), endsMs: expiresMs };
    if (this.kept.size >= maxKept) this.kept.delete(this.kept.keys().next().value!);
    this.kept.set(id, { user, untilMs: clock.elapsed() + keptMs, expiresMs });
    return user;
  }

  private checkTimes({ exp, nbf }: Claims): void {
    const now = this.deps.clock.now() / 1000;
    if (typeof exp !== 'number' || exp < now) throw new Error('oidc: token is expired');
    if (nbf !== undefined && (typeof nbf !== 'number' || now + leewaySeconds < nbf)) {
      throw new Error('oidc: the token is not valid yet');
    }
  }

  private checkAudience({ aud }: Claims): void {
    const expected = this.config.issuer.audiences ?? [];
    const found: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
    if (expected.some((audience) => found.includes(audience))) return;
    throw new Error(
      `oidc: expected audience in ${JSON.stringify(expected)} got ${describeError(JSON.stringify(found))}`,
    );
  }
}
