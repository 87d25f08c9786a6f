// Options of `k8ts server` about tokens of other issuers: the --oidc-* options for one issuer, or a file for several.
import { readFile } from 'node:fs/promises';
import type { AuthenticationOptions } from '../apiserver/access';
import {
  type AuthenticationConfig,
  type JwtIssuer,
  readAuthenticationConfig,
  validateAuthenticationConfig,
} from '../apiserver/authn/oidc/config';
import { refuseCauses } from '../apiserver/config/read';
import type { Clock } from '../base/clock';
import { BadRequest } from '../base/errors';
import type { Logger } from '../base/logger';
import { type Algorithm, algorithms, isAlgorithm } from '../pki/jwt';
import { type OptionTable, type Parsed, parseBoolean, parseList, parseText } from '../process/options';
import { followFile } from './follow-file';

function parseAlgorithms(text: string): readonly Algorithm[] {
  const names = parseList(text);
  const unknown = names.find((name) => !isAlgorithm(name));
  if (unknown !== undefined)
    throw new BadRequest(`unsupported signing alg ${unknown}: expected ${algorithms.join(', ')}`);
  return names.filter(isAlgorithm);
}

/** claim=value, comma-joined. */
function parseClaims(text: string): ReadonlyMap<string, string> {
  return new Map(
    parseList(text).map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new BadRequest(`${pair}: expected CLAIM=VALUE`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

export const oidcOptions = {
  authenticationConfig: {
    flag: 'authentication-config',
    placeholder: 'FILE',
    default: '',
    help: 'AuthenticationConfiguration of apiserver.config.k8s.io: issuers of tokens, and paths of anonymous requests; excludes --oidc-*',
    parse: parseText,
  },
  anonymousAuth: {
    flag: 'anonymous-auth',
    default: 'true',
    help: 'allow requests without credentials; they may do what RBAC allows system:anonymous',
    parse: parseBoolean,
  },
  oidcIssuerUrl: {
    flag: 'oidc-issuer-url',
    placeholder: 'URL',
    default: '',
    help: 'issuer of OpenID Connect, as in the claim iss; https only',
    parse: parseText,
  },
  oidcClientId: {
    flag: 'oidc-client-id',
    placeholder: 'ID',
    default: '',
    help: 'audience that tokens of the issuer must have',
    parse: parseText,
  },
  oidcUsernameClaim: {
    flag: 'oidc-username-claim',
    placeholder: 'CLAIM',
    default: 'sub',
    help: 'claim with the user name',
    parse: parseText,
  },
  oidcUsernamePrefix: {
    flag: 'oidc-username-prefix',
    placeholder: 'TEXT',
    default: '',
    help: 'text before user names; absent: the issuer and #, unless the claim is email; -: none',
    parse: parseText,
  },
  oidcGroupsClaim: {
    flag: 'oidc-groups-claim',
    placeholder: 'CLAIM',
    default: '',
    help: 'claim with the groups: a text or a list of texts',
    parse: parseText,
  },
  oidcGroupsPrefix: {
    flag: 'oidc-groups-prefix',
    placeholder: 'TEXT',
    default: '',
    help: 'text before groups',
    parse: parseText,
  },
  oidcRequiredClaim: {
    flag: 'oidc-required-claim',
    placeholder: 'CLAIM=VALUE',
    default: '',
    repeat: true,
    help: 'a claim that every token must have with this value',
    parse: parseClaims,
  },
  oidcCaFile: {
    flag: 'oidc-ca-file',
    placeholder: 'FILE',
    default: '',
    help: "certificates of the issuer's authority in PEM; absent: those of the system",
    parse: parseText,
  },
  oidcSigningAlgs: {
    flag: 'oidc-signing-algs',
    placeholder: 'LIST',
    default: 'RS256',
    help: `accepted algorithms, of ${algorithms.join(', ')}`,
    parse: parseAlgorithms,
  },
} satisfies OptionTable;

type Options = Parsed<typeof oidcOptions>;

/** @param ownIssuers those of ServiceAccount tokens. @throws BadRequest */
export async function readAuthentication(
  options: Options,
  ownIssuers: readonly string[],
): Promise<AuthenticationOptions> {
  const { authenticationConfig: file, oidcIssuerUrl: url, oidcClientId: client } = options;
  const closed = options.anonymousAuth ? {} : { anonymous: { enabled: false } };
  if (file !== '') {
    if (url !== '' || client !== '') throw new BadRequest('--authentication-config and --oidc-* exclude each other');
    return authenticationOf(options, await readFile(file, 'utf8'), ownIssuers);
  }
  if (url === '' && client === '') return { config: closed };
  if (url === '' || client === '') throw new BadRequest('--oidc-issuer-url and --oidc-client-id are needed together');
  const config: AuthenticationConfig = { ...closed, jwt: [await issuerOf(options)] };
  refuseCauses('--oidc-issuer-url', validateAuthenticationConfig(config, ownIssuers));
  return { config, signingAlgorithms: options.oidcSigningAlgs };
}

/** What the text of --authentication-config says. @throws BadRequest */
function authenticationOf(
  { authenticationConfig: file, anonymousAuth }: Options,
  source: string,
  ownIssuers: readonly string[],
): AuthenticationOptions {
  const config = readAuthenticationConfig(source, file, ownIssuers);
  if (anonymousAuth) return { config };
  if (config.anonymous) {
    throw new BadRequest('--anonymous-auth=false and anonymous of --authentication-config exclude each other');
  }
  return { config: { ...config, anonymous: { enabled: false } } };
}

/** Uses the file of --authentication-config whenever it changes, until the signal is aborted. Never rejects. */
export async function followAuthentication(
  options: Options,
  ownIssuers: readonly string[],
  use: (changed: AuthenticationOptions) => void,
  deps: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const { authenticationConfig: file } = options;
  if (file === '') return;
  const apply = (source: string) => use(authenticationOf(options, source, ownIssuers));
  let source = '';
  try {
    // The file may have changed since the start read it.
    source = await readFile(file, 'utf8');
    apply(source);
  } catch (error) {
    deps.log.error('the authentication configuration cannot be read', { file, error });
  }
  await followFile({ file, source, what: 'authentication configuration', apply }, deps, signal);
}

async function issuerOf(options: Options): Promise<JwtIssuer> {
  const { oidcIssuerUrl: url, oidcUsernameClaim: claim, oidcUsernamePrefix: given, oidcGroupsClaim: groups } = options;
  // Names of two issuers must not meet, but an address of mail is the same everywhere.
  const implied = claim === 'email' ? '' : `${url}#`;
  const prefix = given === '-' ? '' : given === '' ? implied : given;
  const ca = options.oidcCaFile === '' ? {} : { certificateAuthority: await readFile(options.oidcCaFile, 'utf8') };
  return {
    issuer: { url, audiences: [options.oidcClientId], ...ca },
    claimMappings: {
      username: { claim, prefix },
      ...(groups === '' ? {} : { groups: { claim: groups, prefix: options.oidcGroupsPrefix } }),
    },
    claimValidationRules: [...options.oidcRequiredClaim].map(([name, requiredValue]) => ({
      claim: name,
      requiredValue,
    })),
  };
}
