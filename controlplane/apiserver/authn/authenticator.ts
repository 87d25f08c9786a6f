// Finds the user of a request: by client certificate, ServiceAccount token, static token, bootstrap token; else anonymous.
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock';
import { AppError } from '../../base/errors';
import { type Headers, header, type UserInfo } from '../request';
import { type BootstrapTokens, isBootstrapToken } from './bootstrap-tokens';
import { certificateUser } from './certificate';
import type { ServiceAccountTokens } from './service-account-tokens';

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The user of a token, and those of the audiences asked for that it is for. */
export interface TokenUser {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

export interface AuthenticatorOptions {
  readonly serviceAccounts: ServiceAccountTokens;
  readonly bootstrapTokens: BootstrapTokens;
  readonly clock: Pick<Clock, 'now'>;
  /** Token to user, from --token-auth-file. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
}

export class Authenticator {
  constructor(private readonly options: AuthenticatorOptions) {}

  /** A certificate wins over a token. @throws Unauthorized for an invalid or expired certificate or token */
  authenticate(headers: Headers, socket: TLSSocket): UserInfo {
    const user = certificateUser(socket, this.options.clock.now());
    if (user) return user;
    const authorization = header(headers, 'authorization');
    if (authorization === '') return anonymous;
    const token = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
    if (!token) throw unauthorized();
    try {
      return this.tokenUser(token).user;
    } catch (err) {
      // The client must not see why a token is refused: the reason stays in the cause.
      throw unauthorized(err);
    }
  }

  /** The audiences of this server. */
  get apiAudiences(): readonly string[] {
    return this.options.serviceAccounts.config.apiAudiences;
  }

  /** The user of a bearer token. @throws Unauthorized, also for a token that is for none of the audiences */
  tokenUser(token: string, audiences = this.apiAudiences): TokenUser {
    const fixed = this.options.staticTokens?.get(token);
    if (fixed) return this.forThisServer(fixed, audiences);
    if (isBootstrapToken(token)) return this.forThisServer(this.options.bootstrapTokens.authenticate(token), audiences);
    return this.options.serviceAccounts.authenticate(token, audiences);
  }

  /** Tokens without audiences are for this server alone. */
  private forThisServer(user: UserInfo, audiences: readonly string[]): TokenUser {
    const own = audiences.filter((audience) => this.apiAudiences.includes(audience));
    if (own.length === 0) throw unauthorized(new Error('the token is for the audiences of this server alone'));
    return { user, audiences: own };
  }
}

export const unauthorized = (cause?: unknown) => new AppError('Unauthorized', 'Unauthorized', { cause });

/** `token,user,uid,"group1,group2"` per line, as kube-apiserver's token file. */
export function parseTokenFile(text: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const line of text.split('\n')) {
    const match = /^\s*([^,#\s]+),([^,]+),([^,]*)(?:,"?([^"]*)"?)?\s*$/.exec(line);
    if (!match) continue;
    const groups = (match[4] ?? '').split(',').filter((group) => group !== '');
    users.set(match[1]!, { name: match[2]!, uid: match[3]!, groups: [...groups, 'system:authenticated'] });
  }
  return users;
}
