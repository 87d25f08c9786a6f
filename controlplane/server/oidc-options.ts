// Options of `k8ts server` about tokens of other issuers: the --oidc-* options for one issuer, or a file for several.
import { readFile } from 'node:fs/promises';
import type { AuthenticationOptions } from '../apiserver/access';
import { type Algorithm, algorithms, isAlgorithm } from '../apiserver/authn/jwt';
import {
  type AuthenticationConfig,
  type JwtIssuer,
  readAuthenticationConfig,
  validateAuthenticationConfig,
} from '../apiserver/authn/oidc/config';
import { refuseCauses } from '../apiserver/config/read';
import { BadRequest } from '../base/errors';
import { type OptionTable, type Parsed, parseBoolean, parseList, parseText } from '../process/options';

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
  const { authenticationConfig: file, oidcIssuerUrl: url, oidcClientId: client, anonymousAuth } = options;
  const anonymous = anonymousAuth ? {} : { anonymous: { enabled: false } };
  if (file !== '') {
    if (url !== '' || client !== '') throw new BadRequest('--authentication-config and --oidc-* exclude each other');
    const config = readAuthenticationConfig(await readFile(file, 'utf8'), file, ownIssuers);
    if (config.anonymous && !anonymousAuth) {
      throw new BadRequest('--anonymous-auth=false and anonymous of --authentication-config exclude each other');
    }
    return { config: { ...anonymous, ...config } };
  }
  if (url === '' && client === '') return { config: anonymous };
  if (url === '' || client === '') throw new BadRequest('--oidc-issuer-url and --oidc-client-id are needed together');
  const config: AuthenticationConfig = { ...anonymous, jwt: [await issuerOf(options)] };
  refuseCauses('--oidc-issuer-url', validateAuthenticationConfig(config, ownIssuers));
  return { config, signingAlgorithms: options.oidcSigningAlgs };
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
