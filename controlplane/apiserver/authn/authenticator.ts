// Finds the user of a request: by headers of a front proxy, client certificate, ServiceAccount token, static token, session of the console, bootstrap token,
// token of another issuer, token that a program outside the server knows; else anonymous.
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock';
import { AppError, hasCode } from '../../base/errors';
import { type Claims, type Jwt, parseJwt } from '../../pki/jwt';
import { type Headers, header, type UserInfo } from '../request';
import { readBundle } from './authorities';
import { type BootstrapTokens, isBootstrapToken } from './bootstrap-tokens';
import { certificateUser, proxyName, type Roots } from './certificate';
import type { ConsoleTokens } from './console-tokens';
import { type FrontProxyConfig, frontProxyUser } from './front-proxy';
import type { AuthenticationMetrics } from './metrics';
import type { JwtAuthenticator } from './oidc/jwt-authenticator';
import type { ServiceAccountTokens } from './service-account-tokens';
import type { TokenWebhook } from './token-webhook';

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
  readonly metrics?: AuthenticationMetrics;
  /** Absent: the server has no console. */
  readonly console?: ConsoleTokens;
  /** Token to user, from --token-auth-file. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  /** Asked about tokens that nothing here accepts. */
  readonly webhook?: TokenWebhook;
  /** Servers whose headers name users, and the authority of users, PEM, from which theirs are distinguished. */
  readonly frontProxy?: { readonly config: FrontProxyConfig; readonly clientCa: string };
}

/** What a file can change while the server runs. */
export interface Accepted {
  /** Other issuers, by their URL. */
  readonly issuers: ReadonlyMap<string, JwtAuthenticator>;
  readonly anonymous: AnonymousPaths;
}

/** The paths of requests that may be anonymous: all, none, or these. */
export type AnonymousPaths = 'all' | ReadonlySet<string>;

/** The part of a request that says who sent it. */
export type Credentials = Pick<IncomingMessage, 'headers' | 'headersDistinct'> & { readonly socket: TLSSocket };

export class Authenticator {
  /** Present when there are front proxies. */
  private roots: Roots | undefined;

  constructor(
    private readonly options: AuthenticatorOptions,
    private accepted: Accepted = { issuers: new Map(), anonymous: 'all' },
  ) {
    const { frontProxy } = options;
    if (!frontProxy) return;
    this.roots = { clients: readBundle(frontProxy.clientCa), proxies: readBundle(frontProxy.config.ca) };
  }

  /** For later connections: the authority of users has changed. */
  renew(clientCa: string): void {
    if (this.roots) this.roots = { ...this.roots, clients: readBundle(clientCa) };
  }

  /** For later requests. */
  accept(accepted: Accepted): void {
    this.accepted = accepted;
  }

  /**
   * Headers of a front proxy win over a certificate, and a certificate over a token; a certificate that is refused leaves the token,
   * as upstream. A promise only for a token whose issuer must be asked for its keys, and for one of the webhook.
   * @throws Unauthorized for an invalid or expired certificate or token
   */
  authenticate(credentials: Credentials, path: string): UserInfo | Promise<UserInfo> {
    const { headers, socket } = credentials;
    const proxied = this.proxiedUser(credentials);
    if (proxied) return proxied;
    const authorization = header(headers as Headers, 'authorization');
    // As upstream: credentials of another scheme are none.
    const token = /^Bearer ([^ ]+)/i.exec(authorization.trim())?.[1];
    try {
      const { clock, metrics } = this.options;
      const now = clock.now();
      const found = certificateUser(socket, now, this.roots);
      if (found) {
        metrics?.certificate(found.endMs, now);
        return found.user;
      }
    } catch (err) {
      if (!token) throw err;
    }
    if (!token) return this.anonymousUser(path);
    // The client must not see why a token is refused: the reason stays in the cause.
    const refuse = (err: unknown): never => {
      throw unauthorized(err);
    };
    try {
      const loggingIn = this.options.console?.userOfCode(token, path);
      if (loggingIn) return loggingIn;
      const found = this.tokenUser(token);
      return found instanceof Promise ? found.then((one) => one.user, refuse) : found.user;
    } catch (err) {
      return refuse(err);
    }
  }

  private proxiedUser({ headersDistinct, socket }: Credentials): UserInfo | undefined {
    const { frontProxy, clock } = this.options;
    if (!frontProxy || !this.roots) return undefined;
    const name = proxyName(socket, this.roots, clock.now());
    if (name === undefined) return undefined;
    const { allowedNames } = frontProxy.config;
    if (allowedNames.length > 0 && !allowedNames.includes(name)) return undefined;
    return frontProxyUser(frontProxy.config, headersDistinct);
  }

  private anonymousUser(path: string): UserInfo {
    const { anonymous: paths } = this.accepted;
    if (paths === 'all' || paths.has(path)) return anonymous;
    throw unauthorized(new Error('the path needs authentication'));
  }

  /** The audiences of this server. */
  get apiAudiences(): readonly string[] {
    return this.options.serviceAccounts.config.apiAudiences;
  }

  /** The user of a bearer token. @throws Unauthorized, also for a token that is for none of the audiences */
  tokenUser(token: string, audiences = this.apiAudiences): TokenUser | Promise<TokenUser> {
    const { webhook } = this.options;
    if (!webhook) return this.knownUser(token, audiences);
    const ask = async (refusal: unknown): Promise<TokenUser> => {
      if (!hasCode(refusal, 'Unauthorized')) throw refusal;
      const found = await webhook.authenticate(token, audiences);
      if (!found) throw refusal;
      return found;
    };
    try {
      const known = this.knownUser(token, audiences);
      return known instanceof Promise ? known.catch(ask) : known;
    } catch (refusal) {
      return ask(refusal);
    }
  }

  /** @throws Unauthorized for a token that the server does not know */
  private knownUser(token: string, audiences: readonly string[]): TokenUser | Promise<TokenUser> {
    const { staticTokens, bootstrapTokens, serviceAccounts } = this.options;
    const { issuers } = this.accepted;
    const fixed = staticTokens?.get(token);
    if (fixed) return this.forThisServer(fixed, audiences);
    const session = this.options.console?.userOfSession(token);
    if (session) return this.forThisServer(session, audiences);
    if (isBootstrapToken(token)) return this.forThisServer(bootstrapTokens.authenticate(token), audiences);
    if (issuers.size > 0) {
      const jwt = parseJwt(token);
      const issuer = issuers.get(issuerOf(jwt.claims));
      if (issuer) return this.issuedUser(token, jwt, issuer, audiences);
    }
    return serviceAccounts.authenticate(token, audiences);
  }

  private issuedUser(token: string, jwt: Jwt, issuer: JwtAuthenticator, audiences: readonly string[]) {
    const refuse = (err: unknown): never => {
      throw unauthorized(err);
    };
    try {
      const user = issuer.authenticate(token, jwt);
      return user instanceof Promise
        ? user.then((one) => this.forThisServer(one, audiences), refuse)
        : this.forThisServer(user, audiences);
    } catch (err) {
      return refuse(err);
    }
  }

  /** Tokens without audiences, and those whose issuer has audiences of its own, are for this server alone. */
  private forThisServer(user: UserInfo, audiences: readonly string[]): TokenUser {
    const own = audiences.filter((audience) => this.apiAudiences.includes(audience));
    if (own.length === 0) throw unauthorized(new Error('the token is for the audiences of this server alone'));
    return { user, audiences: own };
  }
}

/** Google's issuer also writes its name without a scheme. Source: OpenID Connect Core, section 15.6.2. */
const issuerOf = ({ iss = '' }: Claims): string => (iss === 'accounts.google.com' ? `https://${iss}` : iss);

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
