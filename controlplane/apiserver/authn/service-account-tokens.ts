// ServiceAccount tokens: issued bound to a pod, secret or node, and accepted only while the objects they name exist.
import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { nodes, pods, secrets, serviceAccounts } from '../../api/index';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Clock } from '../../base/clock';
import { AppError } from '../../base/errors';
import { type Claims, signJwt, verifyJwt } from '../../pki/jwt';
import type { Cache } from '../cache/cache';
import type { UserInfo } from '../request';
import { isLegacy, LegacyTokens } from './legacy-tokens';

export interface TokenConfig {
  readonly signing: KeyObject;
  /** Public keys whose tokens are accepted; that of `signing` among them. */
  readonly verifying: readonly KeyObject[];
  /** The first one issues; tokens of all are accepted. */
  readonly issuers: readonly string[];
  /** Audiences of a token that names none. */
  readonly apiAudiences: readonly string[];
  /** Default: true. */
  readonly extendExpiration?: boolean;
  /** Longest lifetime that a request gets; default: what it asks for. */
  readonly maxSeconds?: number;
}
export interface BoundObject {
  readonly name: string;
  /** Absent for a pod's node that does not exist. */
  readonly uid?: string;
}
/** The objects a token is bound to; at most one of pod and secret. */
export interface TokenBinding {
  readonly namespace: string;
  readonly serviceAccount: BoundObject;
  readonly pod?: BoundObject;
  readonly secret?: BoundObject;
  readonly node?: BoundObject;
}
interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: BoundObject;
  readonly pod?: BoundObject;
  readonly secret?: BoundObject;
  readonly node?: BoundObject;
  /** The token is still valid after this time, but its reader should have fetched a new one. */
  readonly warnafter?: number;
}

/** Lifetimes of a token in seconds. */
export interface Lifetime {
  readonly seconds: number;
  /** Absent: the token ends when it should not be used any more. */
  readonly warnAfterSeconds?: number;
}

/** The lifetime that the ServiceAccount admission plug-in gives to the token of every pod; no other request has it by chance. */
const projectedSeconds = 3_607;
const extendedSeconds = 365 * 24 * 3_600;

/** How many checked signatures are kept; a bound against a flood of different tokens. */
const maxVerified = 4096;
/** Clocks of nodes may differ by this much; an object that is being deleted counts for this much longer. As upstream. */
const leewaySeconds = 60;

export class ServiceAccountTokens {
  /** Those in Secrets. */
  readonly legacy: LegacyTokens;
  private readonly verified = new Map<string, Claims>();

  constructor(
    readonly config: TokenConfig,
    private readonly cache: Cache,
    private readonly clock: Clock,
  ) {
    this.legacy = new LegacyTokens(cache, clock);
  }

  /**
   * Programs that read the file of their token once would fail when it ends, so the token of a pod for this server lives longer than
   * requested, and says when it should have been read again.
   */
  lifetimeOf({ pod }: TokenBinding, audiences: readonly string[], seconds: number): Lifetime {
    const { extendExpiration = true, apiAudiences } = this.config;
    const extended = extendExpiration && pod !== undefined && seconds === projectedSeconds;
    if (!extended || !audiences.every((audience) => apiAudiences.includes(audience))) return { seconds };
    return { seconds: extendedSeconds, warnAfterSeconds: seconds };
  }

  issue(binding: TokenBinding, audiences: readonly string[], { seconds, warnAfterSeconds }: Lifetime): string {
    const now = Math.floor(this.clock.now() / 1000);
    const { namespace, serviceAccount, pod, secret, node } = binding;
    const bound: KubernetesClaims = {
      namespace,
      ...(node ? { node } : {}),
      ...(pod ? { pod } : {}),
      ...(secret ? { secret } : {}),
      serviceaccount: serviceAccount,
      ...(warnAfterSeconds === undefined ? {} : { warnafter: now + warnAfterSeconds }),
    };
    const claims: Claims = {
      aud: audiences,
      exp: now + seconds,
      iat: now,
      iss: this.config.issuers[0]!,
      jti: randomUUID(),
      'kubernetes.io': bound,
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    };
    return signJwt(claims, this.config.signing);
  }

  /** Whether this server issues such tokens; the signature is not checked. */
  isIssuer(issuer: string): boolean {
    return this.config.issuers.includes(issuer);
  }

  /** @throws Unauthorized with the reason */
  authenticate(token: string, audiences = this.config.apiAudiences): { user: UserInfo; audiences: readonly string[] } {
    const claims = this.verify(token);
    if (isLegacy(claims)) return this.legacyUser(token, claims, audiences);
    const now = this.clock.now() / 1000;
    if (!this.isIssuer(claims.iss ?? '')) throw refused('the token was issued by someone else');
    if (typeof claims.exp !== 'number' || now > claims.exp + leewaySeconds) throw refused('the token has expired');
    if (typeof claims.nbf === 'number' && now < claims.nbf - leewaySeconds) throw refused('the token is not valid yet');
    const shared = sharedAudiences(audiences, audiencesOf(claims));
    return { user: this.userOf(claims), audiences: shared };
  }

  /** A token without audiences is for this server alone. */
  private legacyUser(token: string, claims: Claims, audiences: readonly string[]) {
    const own = audiencesOf(claims);
    const shared = sharedAudiences(audiences, own.length > 0 ? own : this.config.apiAudiences);
    return { user: this.legacy.userOf(token, claims), audiences: shared };
  }

  private verify(token: string): Claims {
    const key = createHash('sha256').update(token).digest('base64');
    const seen = this.verified.get(key);
    if (seen) return seen;
    const claims = verifyJwt(token, ...this.config.verifying);
    if (this.verified.size >= maxVerified) this.verified.delete(this.verified.keys().next().value!);
    this.verified.set(key, claims);
    return claims;
  }

  private userOf(claims: Claims): UserInfo {
    const bound = claims['kubernetes.io'] as KubernetesClaims | undefined;
    if (!bound?.namespace || !bound.serviceaccount?.name) throw refused('the token names no service account');
    const { namespace, serviceaccount, pod, secret, node } = bound;
    this.mustExist(serviceAccounts, `${namespace}/${serviceaccount.name}`, serviceaccount.uid);
    if (pod) this.mustExist(pods, `${namespace}/${pod.name}`, pod.uid);
    if (secret) this.mustExist(secrets, `${namespace}/${secret.name}`, secret.uid);
    if (node && !pod) this.mustExist(nodes, node.name, node.uid);
    const extra: Record<string, readonly string[]> = {};
    if (claims.jti) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
    for (const [name, object] of Object.entries({ pod, node })) {
      if (!object) continue;
      extra[`authentication.kubernetes.io/${name}-name`] = [object.name];
      if (object.uid) extra[`authentication.kubernetes.io/${name}-uid`] = [object.uid];
    }
    return {
      name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
      uid: serviceaccount.uid ?? '',
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra,
    };
  }

  private mustExist<T extends KubeObject>(kind: Kind<T>, key: string, uid: string | undefined): void {
    const metadata = this.cache.kind(kind).get(key)?.object.metadata;
    if (!metadata) throw refused(`${kind.singular} ${key} does not exist`);
    const deleted = metadata.deletionTimestamp;
    if (deleted && Date.parse(String(deleted)) / 1000 < this.clock.now() / 1000 - leewaySeconds) {
      throw refused(`${kind.singular} ${key} is being deleted`);
    }
    if (metadata.uid !== uid) throw refused(`${kind.singular} ${key} is not the one the token was issued for`);
  }
}

const audiencesOf = ({ aud = [] }: Claims): readonly string[] => (typeof aud === 'string' ? [aud] : aud);

const quoted = (list: readonly string[]): string => `[${list.map((one) => JSON.stringify(one)).join(' ')}]`;

function sharedAudiences(requested: readonly string[], own: readonly string[]): readonly string[] {
  const shared = requested.filter((audience) => own.includes(audience));
  if (shared.length === 0) {
    throw refused(`token audiences ${quoted(own)} is invalid for the target audiences ${quoted(requested)}`);
  }
  return shared;
}

/** The client reads only "Unauthorized"; the reason stays in the chain of causes. */
const refused = (reason: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(reason) });
