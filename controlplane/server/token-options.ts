// Options of `k8ts server` about ServiceAccount tokens, with upstream's names and bounds.
import { readFile } from 'node:fs/promises';
import { defaultIssuer, type IssuerOptions, readPublicKeys } from '../apiserver/access';
import { BadRequest } from '../base/errors';
import { type OptionTable, type Parsed, parseBoolean, parseDuration, parseList } from '../process/options';

const maxSeconds = 2 ** 32;

/** An issuer with a colon must be a URL (RFC 7519, section 4.1.1). */
function parseIssuers(text: string): readonly string[] {
  const issuers = parseList(text);
  for (const issuer of issuers) {
    if (issuer.includes(':') && !URL.canParse(issuer)) throw new BadRequest(`${issuer} contains a ":" but is no URL`);
  }
  return issuers;
}

function parseHttps(text: string): string {
  if (text !== '' && (!URL.canParse(text) || new URL(text).protocol !== 'https:')) {
    throw new BadRequest('expected a URL that begins with https:');
  }
  return text;
}

function parseMaxLifetime(text: string): number {
  const seconds = parseDuration(text) / 1000;
  if (seconds !== 0 && (seconds < 3_600 || seconds > maxSeconds)) {
    throw new BadRequest('expected 1h or more, up to 2^32 seconds');
  }
  return seconds;
}

export const tokenOptions = {
  serviceAccountIssuer: {
    flag: 'service-account-issuer',
    placeholder: 'URL',
    default: '',
    repeat: true,
    help: 'issuer of ServiceAccount tokens; of several, the first one issues and all are accepted; absent: https://kubernetes.default.svc.DOMAIN',
    parse: parseIssuers,
  },
  serviceAccountJwksUri: {
    flag: 'service-account-jwks-uri',
    placeholder: 'URL',
    default: '',
    help: 'where the discovery document of the issuer finds the public keys; absent: this server',
    parse: parseHttps,
  },
  apiAudiences: {
    flag: 'api-audiences',
    placeholder: 'LIST',
    default: '',
    repeat: true,
    help: 'audiences of this server; absent: the issuers',
    parse: parseList,
  },
  serviceAccountKeyFile: {
    flag: 'service-account-key-file',
    placeholder: 'FILE',
    default: '',
    repeat: true,
    help: 'PEM files with further keys whose ServiceAccount tokens are accepted and whose public keys are served',
    parse: parseList,
  },
  serviceAccountExtendTokenExpiration: {
    flag: 'service-account-extend-token-expiration',
    default: 'true',
    help: 'let the tokens of pods live a year, and warn in the audit log when one is used after its hour',
    parse: parseBoolean,
  },
  serviceAccountMaxTokenExpiration: {
    flag: 'service-account-max-token-expiration',
    placeholder: 'DURATION',
    default: '0',
    help: 'longest lifetime that a request for a token gets; 0: what it asks for',
    parse: parseMaxLifetime,
  },
} satisfies OptionTable;

/** The issuers of ServiceAccount tokens, the default among them. */
export const ownIssuers = (
  options: Pick<Parsed<typeof tokenOptions>, 'serviceAccountIssuer'> & { clusterDomain: string },
) => (options.serviceAccountIssuer.length > 0 ? options.serviceAccountIssuer : [defaultIssuer(options.clusterDomain)]);

/** @throws BadRequest naming the file with a key that cannot be used */
export async function readIssuer(options: Parsed<typeof tokenOptions>): Promise<IssuerOptions> {
  const publicKeys = await Promise.all(options.serviceAccountKeyFile.map(readKeyFile));
  return {
    issuers: options.serviceAccountIssuer,
    apiAudiences: options.apiAudiences,
    publicKeys,
    extendExpiration: options.serviceAccountExtendTokenExpiration,
    ...(options.serviceAccountJwksUri === '' ? {} : { jwksUri: options.serviceAccountJwksUri }),
    ...(options.serviceAccountMaxTokenExpiration === 0 ? {} : { maxSeconds: options.serviceAccountMaxTokenExpiration }),
  };
}

async function readKeyFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8');
  try {
    readPublicKeys(text);
  } catch (cause) {
    throw new BadRequest(`--service-account-key-file ${path}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  return text;
}
