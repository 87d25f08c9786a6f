// The tokens with which a user of a kubeconfig gets into the console: a login code that a link carries, and the session that it is
// exchanged for. Nothing is stored, so each server of a cluster accepts what another one has issued.
//
// They are signed with the key of ServiceAccount tokens, and three things keep the two apart: a prefix, which no token of another kind
// has and without which these are none; the issuer; and the audience.
import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { consoleSessionsPath } from '../../api/console';
import type { Clock } from '../../base/clock';
import { AppError, BadRequest } from '../../base/errors';
import { type Claims, signJwt, verifyJwt } from '../../pki/jwt';
import type { UserInfo } from '../request';
import { accountOf, nodeOf } from './user-names';

export interface ConsoleKeys {
  readonly signing: KeyObject;
  /** Public keys whose tokens are accepted; that of `signing` among them. */
  readonly verifying: readonly KeyObject[];
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresMs: number;
}

/** A form of token: where it may be used is its audience. */
interface Form {
  readonly prefix: string;
  readonly audience: string;
  readonly seconds: number;
}
/** Long enough for a person to open a link; it may be used more than once in that time, since no server remembers it. */
const code: Form = { prefix: 'k8ts-console-code.', audience: 'console.k8ts.io/login', seconds: 60 };
const session: Form = { prefix: 'k8ts-console-session.', audience: 'console.k8ts.io/session', seconds: 12 * 3600 };

const issuer = 'console.k8ts.io';
const userClaim = 'console.k8ts.io/user';
const credentialId = 'authentication.kubernetes.io/credential-id';
/** A browser sends the token in a header of each request; a node:http server reads 64 KiB of headers. */
const maxTokenBytes = 16 * 1024;
/** How many checked sessions are kept; a bound against a flood of different tokens. */
const maxVerified = 1024;

interface UserClaims {
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  /** When the credentials end with which the user asked. */
  readonly endsMs?: number;
}

export class ConsoleTokens {
  private readonly verified = new Map<string, Claims>();

  constructor(
    private readonly keys: ConsoleKeys,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** @throws AppError Forbidden for a user that is no person, BadRequest for one with too many groups */
  issueCode(user: UserInfo): IssuedToken {
    return this.issue(code, user);
  }

  /** As issueCode. */
  issueSession(user: UserInfo): IssuedToken {
    return this.issue(session, user);
  }

  /** The user of a login code; undefined for another token. @throws Unauthorized, also on every path but the exchange */
  userOfCode(token: string, path: string): UserInfo | undefined {
    if (!token.startsWith(code.prefix)) return undefined;
    if (path !== consoleSessionsPath) throw refused('a login code can only be exchanged for a session');
    return this.userOf(code, token);
  }

  /** The user of a session; undefined for another token. @throws Unauthorized */
  userOfSession(token: string): UserInfo | undefined {
    return token.startsWith(session.prefix) ? this.userOf(session, token) : undefined;
  }

  private issue({ prefix, audience, seconds }: Form, user: UserInfo): IssuedToken {
    checkPerson(user);
    const { name, uid, groups, extra, endsMs } = user;
    const now = Math.floor(this.clock.now() / 1000);
    const exp = Math.min(now + seconds, Math.floor((endsMs ?? Number.POSITIVE_INFINITY) / 1000));
    const claim: UserClaims = {
      ...(uid ? { uid } : {}),
      groups,
      ...(extra ? { extra } : {}),
      ...(endsMs === undefined ? {} : { endsMs }),
    };
    const claims: Claims = { iss: issuer, aud: [audience], sub: name, iat: now, exp, jti: randomUUID() };
    const token = prefix + signJwt({ ...claims, [userClaim]: claim }, this.keys.signing);
    if (token.length > maxTokenBytes) throw new BadRequest('the user has too many groups for a login to the console');
    return { token, expiresMs: exp * 1000 };
  }

  private userOf(form: Form, token: string): UserInfo {
    const claims = this.verify(token, form.prefix);
    const { iss, aud, exp, sub, jti } = claims;
    const user = claims[userClaim] as UserClaims | undefined;
    if (iss !== issuer || !Array.isArray(aud) || !aud.includes(form.audience) || !sub || !user) {
      throw refused('the token is no token of the console');
    }
    if (typeof exp !== 'number' || this.clock.now() / 1000 > exp) throw refused('the token has expired');
    const extra = { ...user.extra, [credentialId]: [`JTI=${jti}`] };
    // A further login that this one asks for does not last longer than the first credentials.
    const endsMs = form === session ? exp * 1000 : user.endsMs;
    return {
      name: sub,
      ...(user.uid ? { uid: user.uid } : {}),
      groups: user.groups,
      extra,
      ...(endsMs === undefined ? {} : { endsMs }),
    };
  }

  private verify(token: string, prefix: string): Claims {
    const key = createHash('sha256').update(token).digest('base64');
    const seen = this.verified.get(key);
    if (seen) return seen;
    const claims = verifyJwt(token.slice(prefix.length), ...this.keys.verifying);
    if (this.verified.size >= maxVerified) this.verified.delete(this.verified.keys().next().value!);
    this.verified.set(key, claims);
    return claims;
  }
}

/**
 * The tokens of ServiceAccounts end with the objects that they are bound to, and the rights of a node follow its pods; a session would
 * outlive both. @throws AppError Forbidden
 */
function checkPerson({ name }: UserInfo): void {
  const kind = accountOf(name)
    ? 'a ServiceAccount'
    : nodeOf(name)
      ? 'a node'
      : name.startsWith('system:bootstrap:')
        ? 'a machine that joins'
        : name === 'system:anonymous'
          ? 'an anonymous user'
          : undefined;
  if (kind === undefined) return;
  const instead = accountOf(name) ? '; log in with a token of it: kubectl create token' : '';
  throw new AppError('Forbidden', `${kind} gets no login to the console${instead}`);
}

/** The client reads only "Unauthorized"; the reason stays in the chain of causes. */
const refused = (why: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(why) });
