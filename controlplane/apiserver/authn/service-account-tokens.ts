// ServiceAccount tokens: issued bound to a pod, secret or node, and accepted only while the objects they name exist.
import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { nodes, pods, secrets, serviceAccounts } from '../../api/index';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import type { Clock } from '../../base/clock';
import { AppError } from '../../base/errors';
import type { Cache } from '../cache/cache';
import type { UserInfo } from '../request';
import { type Claims, signJwt, verifyJwt } from './jwt';

export interface TokenKeys {
  readonly signing: KeyObject;
  readonly verifying: KeyObject;
}
export interface BoundObject {
  readonly name: string;
  readonly uid: string;
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
}

/** How many checked signatures are kept; a bound against a flood of different tokens. */
const maxVerified = 4096;
/** Clocks of nodes may differ by this much. */
const leewaySeconds = 5;

export class ServiceAccountTokens {
  private readonly verified = new Map<string, Claims>();

  constructor(
    private readonly keys: TokenKeys,
    readonly issuer: string,
    /** Audiences of a token that names none. */
    readonly apiAudiences: readonly string[],
    private readonly cache: Cache,
    private readonly clock: Clock,
  ) {}

  issue(
    binding: TokenBinding,
    audiences: readonly string[],
    expirationSeconds: number,
  ): { token: string; expires: number } {
    const now = Math.floor(this.clock.now() / 1000);
    const { namespace, serviceAccount, pod, secret, node } = binding;
    const bound: KubernetesClaims = {
      namespace,
      ...(node ? { node } : {}),
      ...(pod ? { pod } : {}),
      ...(secret ? { secret } : {}),
      serviceaccount: serviceAccount,
    };
    const claims: Claims = {
      aud: audiences.length > 0 ? audiences : this.apiAudiences,
      exp: now + expirationSeconds,
      iat: now,
      iss: this.issuer,
      jti: randomUUID(),
      'kubernetes.io': bound,
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    };
    return { token: signJwt(claims, this.keys.signing), expires: (now + expirationSeconds) * 1000 };
  }

  /** @throws Unauthorized with the reason */
  authenticate(token: string, audiences = this.apiAudiences): { user: UserInfo; audiences: readonly string[] } {
    const claims = this.verify(token);
    const now = this.clock.now() / 1000;
    if (claims.iss !== this.issuer) throw refused('the token was issued by someone else');
    if (typeof claims.exp !== 'number' || now > claims.exp + leewaySeconds) throw refused('the token has expired');
    if (typeof claims.nbf === 'number' && now < claims.nbf - leewaySeconds) throw refused('the token is not valid yet');
    const own = typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []);
    const shared = audiences.filter((audience) => own.includes(audience));
    if (shared.length === 0) throw refused('the token is for another audience');
    return { user: this.userOf(claims), audiences: shared };
  }

  private verify(token: string): Claims {
    const key = createHash('sha256').update(token).digest('base64');
    const seen = this.verified.get(key);
    if (seen) return seen;
    const claims = verifyJwt(token, this.keys.verifying);
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
      extra[`authentication.kubernetes.io/${name}-uid`] = [object.uid];
    }
    return {
      name: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
      uid: serviceaccount.uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra,
    };
  }

  private mustExist<T extends KubeObject>(kind: Kind<T>, key: string, uid: string): void {
    const metadata = this.cache.kind(kind).get(key)?.object.metadata;
    if (!metadata) throw refused(`${kind.singular} ${key} does not exist`);
    if (metadata.uid !== uid) throw refused(`${kind.singular} ${key} is not the one the token was issued for`);
  }
}

/** The client reads only "Unauthorized"; the reason stays in the chain of causes. */
const refused = (reason: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(reason) });
