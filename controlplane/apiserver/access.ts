// Composes authentication and authorization: which users the server knows, and what each may do. Composition only.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock';
import { BadRequest } from '../base/errors';
import type { Logger } from '../base/logger';
import { type Algorithm, algorithmOf, keyId } from '../pki/jwt';
import { type Accepted, type AnonymousPaths, Authenticator, parseTokenFile } from './authn/authenticator';
import { BootstrapTokens } from './authn/bootstrap-tokens';
import { ConsoleTokens } from './authn/console-tokens';
import type { FrontProxyConfig } from './authn/front-proxy';
import type { IssuerFacts } from './authn/issuer-documents';
import { AuthenticationMetrics } from './authn/metrics';
import type { AuthenticationConfig, JwtIssuer } from './authn/oidc/config';
import type { IssuerKeysDeps } from './authn/oidc/issuer-keys';
import { JwtAuthenticator } from './authn/oidc/jwt-authenticator';
import { ServiceAccountTokens, type TokenConfig } from './authn/service-account-tokens';
import { TokenWebhook, type TokenWebhookConfig } from './authn/token-webhook';
import { type Authorizer, alwaysAllow, alwaysDeny, UnionAuthorizer } from './authz/authorizer';
import type { AuthorizerType } from './authz/config';
import { IngressAuthorizer } from './authz/ingress';
import { NodeAuthorizer } from './authz/node';
import { RbacAuthorizer } from './authz/rbac';
import { WebhookAuthorizer, type WebhookConfig } from './authz/webhook';
import type { Cache } from './cache/cache';

/** Options of ServiceAccount tokens; what is absent has the default of its name. */
export interface IssuerOptions {
  /** The first one issues; default: the name of the kubernetes Service. */
  readonly issuers?: readonly string[];
  /** Default: the issuers. */
  readonly apiAudiences?: readonly string[];
  /** Default: this server's own address. */
  readonly jwksUri?: string;
  /** PEM texts with further keys whose tokens are accepted, such as those from before a rotation. */
  readonly publicKeys?: readonly string[];
  readonly extendExpiration?: boolean;
  readonly maxSeconds?: number;
}

export interface AccessOptions {
  readonly clusterDomain: string;
  /** PEM texts. */
  readonly keys: {
    readonly serviceAccountKey: string;
    readonly serviceAccountPublicKey: string;
    /** The authority of users. */
    readonly ca: string;
  };
  /** Servers whose headers name users. */
  readonly frontProxy?: FrontProxyConfig;
  /** Text of a static token file; see parseTokenFile. */
  readonly tokenFile?: string;
  readonly issuer?: IssuerOptions;
  /** Users may log in to the console. Default: false. */
  readonly console?: boolean;
  /** Knows tokens that the server does not. */
  readonly tokenWebhook?: TokenWebhookConfig;
  /** Default: Node and RBAC. */
  readonly authorization?: AuthorizationOptions;
  /** Other issuers, and which requests may be anonymous. */
  readonly authentication?: AuthenticationOptions;
}

export interface AuthenticationOptions {
  readonly config: AuthenticationConfig;
  /** Default: all. */
  readonly signingAlgorithms?: readonly Algorithm[];
}

const defaultAuthorization: AuthorizationOptions = [{ type: 'Node' }, { type: 'RBAC' }];

/** Asked in this order. */
export type AuthorizationOptions = readonly AuthorizerOptions[];
export type AuthorizerOptions =
  | { readonly type: Exclude<AuthorizerType, 'Webhook'> }
  | { readonly type: 'Webhook'; readonly webhook: WebhookConfig };

export interface AccessDeps {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Authentication and authorization. */
export interface Access {
  readonly rbac: RbacAuthorizer;
  readonly authorizer: Authorizer;
  readonly authenticator: Authenticator;
  readonly tokens: ServiceAccountTokens;
  /** Absent: the server has no console. */
  readonly console?: ConsoleTokens;
  readonly metrics: AuthenticationMetrics;
  /** Other issuers and anonymous paths for later requests. */
  readonly useAuthentication: (changed: AuthenticationOptions) => void;
  /** Other authorizers for later requests. */
  readonly useAuthorization: (changed: AuthorizationOptions) => void;
}

/** Resolves when the authorizers have loaded their objects; they follow them until the signal is aborted. @throws BadRequest */
export async function openAccess(options: AccessOptions, deps: AccessDeps, signal: AbortSignal): Promise<Access> {
  const { cache, clock } = deps;
  const rbac = new RbacAuthorizer(cache);
  const node = new NodeAuthorizer(cache);
  const ingress = new IngressAuthorizer(cache);
  await Promise.all([rbac.start(signal), node.start(signal), ingress.start(signal)]);
  const tokens = new ServiceAccountTokens(tokenConfig(options), cache, clock);
  const issuers = new AcceptedIssuers({ clock, log: deps.log.child('oidc') }, signal);
  const metrics = new AuthenticationMetrics();
  const console = options.console ? { console: new ConsoleTokens(tokens.config, clock) } : {};
  const authenticator = new Authenticator(
    {
      serviceAccounts: tokens,
      bootstrapTokens: new BootstrapTokens(cache, clock),
      clock,
      metrics,
      ...console,
      ...(options.tokenWebhook
        ? { webhook: new TokenWebhook(options.tokenWebhook, { clock, log: deps.log.child('authentication') }) }
        : {}),
      ...(options.frontProxy ? { frontProxy: { config: options.frontProxy, clientCa: options.keys.ca } } : {}),
      ...(options.tokenFile === undefined ? {} : { staticTokens: parseTokenFile(options.tokenFile) }),
    },
    issuers.read(options.authentication ?? { config: {} }),
  );
  const byType: Readonly<Record<Exclude<AuthorizerType, 'Webhook'>, readonly Authorizer[]>> = {
    Node: [node],
    RBAC: [ingress, rbac],
    AlwaysAllow: [alwaysAllow],
    AlwaysDeny: [alwaysDeny],
  };
  const webhookDeps = { clock, log: deps.log.child('authorization') };
  const open = (one: AuthorizerOptions) =>
    one.type === 'Webhook' ? [new WebhookAuthorizer(one.webhook, webhookDeps)] : byType[one.type];
  const authorizer = new UnionAuthorizer((options.authorization ?? defaultAuthorization).flatMap(open));
  const useAuthorization = (changed: AuthorizationOptions) => authorizer.use(changed.flatMap(open));
  const useAuthentication = (changed: AuthenticationOptions) => authenticator.accept(issuers.read(changed));
  return { rbac, authorizer, authenticator, tokens, ...console, metrics, useAuthentication, useAuthorization };
}

/** Other issuers and anonymous paths, as a configuration says. */
class AcceptedIssuers {
  private issuers: ReadonlyMap<string, JwtAuthenticator> = new Map();

  constructor(
    private readonly deps: IssuerKeysDeps,
    private readonly signal: AbortSignal,
  ) {}

  /** An issuer whose configuration stays keeps its keys. */
  read({ config, signingAlgorithms }: AuthenticationOptions): Accepted {
    const before = this.issuers;
    const authenticators = (config.jwt ?? []).map((one) => {
      const present = before.get(one.issuer.url ?? '');
      return present && isDeepStrictEqual(present.config, one) ? present : this.open(one, signingAlgorithms);
    });
    for (const old of before.values()) if (!authenticators.includes(old)) old.close();
    this.issuers = new Map(authenticators.map((one) => [one.issuer, one]));
    return { issuers: this.issuers, anonymous: anonymousPaths(config) };
  }

  private open(config: JwtIssuer, algorithms: readonly Algorithm[] | undefined): JwtAuthenticator {
    const opened = new JwtAuthenticator(config, this.deps, this.signal, algorithms);
    void opened.run();
    return opened;
  }
}

function anonymousPaths({ anonymous }: AuthenticationConfig): AnonymousPaths {
  if (!anonymous) return 'all';
  const conditions = anonymous.enabled ? (anonymous.conditions ?? []) : [];
  return anonymous.enabled && conditions.length === 0 ? 'all' : new Set(conditions.map(({ path = '' }) => path));
}

/** The name of the kubernetes Service. */
export const defaultIssuer = (clusterDomain: string): string => `https://kubernetes.default.svc.${clusterDomain}`;

function tokenConfig({ keys, clusterDomain, issuer = {} }: AccessOptions): TokenConfig {
  const issuers = issuer.issuers?.length ? issuer.issuers : [defaultIssuer(clusterDomain)];
  const own = createPublicKey(keys.serviceAccountPublicKey);
  const further = (issuer.publicKeys ?? []).flatMap(readPublicKeys);
  return {
    signing: createPrivateKey(keys.serviceAccountKey),
    // Each key once: a file of keys usually contains the present one too.
    verifying: [...new Map([own, ...further].map((key) => [keyId(key), key])).values()],
    issuers,
    apiAudiences: issuer.apiAudiences?.length ? issuer.apiAudiences : issuers,
    ...(issuer.extendExpiration === undefined ? {} : { extendExpiration: issuer.extendExpiration }),
    ...(issuer.maxSeconds === undefined ? {} : { maxSeconds: issuer.maxSeconds }),
  };
}

/** The public keys of a PEM text; a private key counts as its public key. @throws BadRequest */
export function readPublicKeys(pem: string): KeyObject[] {
  const blocks = pem.match(/-----BEGIN ([A-Z ]+)-----[^-]*-----END \1-----/g) ?? [];
  const keys = blocks.filter((block) => !block.includes('BEGIN EC PARAMETERS')).map((block) => createPublicKey(block));
  if (keys.length === 0) throw new BadRequest('expected keys in PEM');
  if (!keys.every(algorithmOf))
    throw new BadRequest('keys of tokens are RSA, or EC with the curve P-256, P-384 or P-521');
  return keys;
}

/** `address`: host:port of this server. */
export function issuerFacts({ config }: ServiceAccountTokens, address: string, jwksUri?: string): IssuerFacts {
  return {
    issuer: config.issuers[0]!,
    jwksUri: jwksUri ?? `https://${address}/openid/v1/jwks`,
    keys: config.verifying,
  };
}
