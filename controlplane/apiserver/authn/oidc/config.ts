// The configuration of other token issuers: AuthenticationConfiguration of apiserver.config.k8s.io, into which the --oidc-* options
// are converted too. Source: "Structured authentication configuration" in the reference. Pure.

import { duplicate, invalid, required } from '../../../api/validation/causes';
import { dns1123Subdomain } from '../../../api/validation/names';
import type { FieldCause } from '../../../base/errors';
import { CelEnvironment, type CelProgram } from '../../../cel/engine';
import { CelCompileError } from '../../../cel/errors';
import { type ConfigKind, flag, listOf, objectOf, readConfig, refuseCauses, text } from '../../config/read';

export interface ClaimMapping {
  readonly claim?: string;
  readonly prefix?: string;
  readonly expression?: string;
}
export interface Rule {
  readonly claim?: string;
  readonly requiredValue?: string;
  readonly expression?: string;
  readonly message?: string;
}
export interface JwtIssuer {
  readonly issuer: {
    readonly url?: string;
    readonly discoveryURL?: string;
    /** PEM; absent: the authorities of the system. */
    readonly certificateAuthority?: string;
    readonly audiences?: readonly string[];
    readonly audienceMatchPolicy?: string;
    readonly egressSelectorType?: string;
  };
  readonly claimValidationRules?: readonly Rule[];
  readonly claimMappings: {
    readonly username?: ClaimMapping;
    readonly groups?: ClaimMapping;
    readonly uid?: Omit<ClaimMapping, 'prefix'>;
    readonly extra?: readonly { readonly key?: string; readonly valueExpression?: string }[];
  };
  readonly userValidationRules?: readonly Rule[];
}
export interface AuthenticationConfig {
  readonly jwt?: readonly JwtIssuer[];
  readonly anonymous?: { readonly enabled?: boolean; readonly conditions?: readonly { readonly path?: string }[] };
}

const mapping = objectOf({ claim: text, prefix: text, expression: text });
const rule = objectOf({ claim: text, requiredValue: text, expression: text, message: text });
const jwt = objectOf({
  issuer: objectOf({
    url: text,
    discoveryURL: text,
    certificateAuthority: text,
    audiences: listOf(text),
    audienceMatchPolicy: text,
    egressSelectorType: text,
  }),
  claimValidationRules: listOf(rule),
  claimMappings: objectOf({
    username: mapping,
    groups: mapping,
    uid: objectOf({ claim: text, expression: text }),
    extra: listOf(objectOf({ key: text, valueExpression: text })),
  }),
  userValidationRules: listOf(objectOf({ expression: text, message: text })),
});
const configKind: ConfigKind = {
  group: 'apiserver.config.k8s.io',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  kind: 'AuthenticationConfiguration',
  fields: {
    jwt: listOf(jwt),
    anonymous: objectOf({ enabled: flag, conditions: listOf(objectOf({ path: text })) }),
  },
};

/** @throws BadRequest; `ownIssuers`: those of ServiceAccount tokens, which no other issuer may be */
export function readAuthenticationConfig(source: string, file: string, ownIssuers: readonly string[]) {
  const config = readConfig(source, file, configKind) as AuthenticationConfig;
  refuseCauses(file, validateAuthenticationConfig(config, ownIssuers));
  return config;
}

const maxIssuers = 64;

export function validateAuthenticationConfig(
  config: AuthenticationConfig,
  ownIssuers: readonly string[],
): FieldCause[] {
  const { jwt: issuers = [], anonymous } = config;
  const causes: FieldCause[] = [];
  if (issuers.length > maxIssuers) {
    return [
      {
        reason: 'FieldValueTooMany',
        field: 'jwt',
        message: `Too many: ${issuers.length}: must have at most ${maxIssuers} items`,
      },
    ];
  }
  for (const [i, one] of issuers.entries()) causes.push(...validateIssuer(one, `jwt[${i}]`, ownIssuers));
  causes.push(
    ...repeats(
      issuers.map(({ issuer }) => issuer?.url),
      (i) => `jwt[${i}].issuer.url`,
    ),
  );
  causes.push(
    ...repeats(
      issuers.map(({ issuer }) => issuer?.discoveryURL),
      (i) => `jwt[${i}].issuer.discoveryURL`,
    ),
  );
  if (anonymous && !anonymous.enabled && anonymous.conditions?.length) {
    causes.push(
      invalid(
        'anonymous.conditions',
        anonymous.conditions,
        'enabled should be set to true when conditions are defined',
      ),
    );
  }
  return causes;
}

function repeats(values: readonly (string | undefined)[], field: (i: number) => string): FieldCause[] {
  return values.flatMap((value, i) => (value && values.indexOf(value) < i ? [duplicate(field(i), value)] : []));
}

function validateIssuer(config: JwtIssuer, path: string, ownIssuers: readonly string[]): FieldCause[] {
  const { issuer = {}, claimMappings = {}, claimValidationRules = [], userValidationRules = [] } = config;
  const { url = '', discoveryURL = '', audiences = [], audienceMatchPolicy: policy = '', egressSelectorType } = issuer;
  const at = `${path}.issuer`;
  const causes = url === '' ? [required(`${at}.url`)] : urlCauses(url, `${at}.url`, ownIssuers);
  if (discoveryURL !== '') {
    if (trimmed(url) === trimmed(discoveryURL))
      causes.push(invalid(`${at}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL'));
    causes.push(...urlCauses(discoveryURL, `${at}.discoveryURL`, []));
  }
  if (audiences.length === 0) causes.push(required(`${at}.audiences`, `at least one ${at}.audiences is required`));
  for (const [i, audience] of audiences.entries()) if (audience === '') causes.push(required(`${at}.audiences[${i}]`));
  causes.push(...repeats(audiences, (i) => `${at}.audiences[${i}]`));
  if (audiences.length > 1 && policy !== 'MatchAny') {
    causes.push(
      invalid(`${at}.audienceMatchPolicy`, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences'),
    );
  } else if (policy !== '' && policy !== 'MatchAny') {
    causes.push(
      invalid(`${at}.audienceMatchPolicy`, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience'),
    );
  }
  if (egressSelectorType)
    causes.push(invalid(`${at}.egressSelectorType`, egressSelectorType, 'egress selectors are not supported'));
  causes.push(
    ...claimRuleCauses(claimValidationRules, `${path}.claimValidationRules`),
    ...mappingCauses(claimMappings, `${path}.claimMappings`),
    ...emailCauses(config, `${path}.claimMappings`),
    ...userRuleCauses(userValidationRules, `${path}.userValidationRules`),
  );
  return causes;
}

const trimmed = (url: string): string => (url.endsWith('/') ? url.slice(0, -1) : url);

function urlCauses(value: string, field: string, disallowed: readonly string[]): FieldCause[] {
  const causes: FieldCause[] = [];
  if (disallowed.includes(value)) {
    causes.push(
      invalid(field, value, `URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`),
    );
  }
  if (!URL.canParse(value)) return [...causes, invalid(field, value, 'invalid URL')];
  const { protocol, username, password, search, hash } = new URL(value);
  if (protocol !== 'https:') causes.push(invalid(field, value, 'URL scheme must be https'));
  if (username !== '' || password !== '')
    causes.push(invalid(field, value, 'URL must not contain a username or password'));
  if (search !== '') causes.push(invalid(field, value, 'URL must not contain a query'));
  if (hash !== '') causes.push(invalid(field, value, 'URL must not contain a fragment'));
  return causes;
}

function claimRuleCauses(rules: readonly Rule[], path: string): FieldCause[] {
  const causes = rules.flatMap(({ claim, requiredValue, expression, message }, i) => {
    const at = `${path}[${i}]`;
    if (claim && expression) return [invalid(at, claim, "claim and expression can't both be set")];
    if (!claim && !expression) return [required(at, 'claim or expression is required')];
    if (claim) return message ? [invalid(`${at}.message`, message, 'may not be specified when claim is set')] : [];
    if (requiredValue)
      return [invalid(`${at}.requiredValue`, requiredValue, 'may not be specified when expression is set')];
    return expressionCauses(claimsOf, expression!, 'bool', `${at}.expression`);
  });
  causes.push(
    ...repeats(
      rules.map((one) => one.claim),
      (i) => `${path}[${i}].claim`,
    ),
  );
  return [
    ...causes,
    ...repeats(
      rules.map((one) => one.expression),
      (i) => `${path}[${i}].expression`,
    ),
  ];
}

function userRuleCauses(rules: readonly Rule[], path: string): FieldCause[] {
  const causes = rules.flatMap(({ expression }, i) =>
    expression
      ? expressionCauses(userOf, expression, 'bool', `${path}[${i}].expression`)
      : [required(`${path}[${i}].expression`)],
  );
  return [
    ...causes,
    ...repeats(
      rules.map((one) => one.expression),
      (i) => `${path}[${i}].expression`,
    ),
  ];
}

function mappingCauses(mappings: JwtIssuer['claimMappings'], path: string): FieldCause[] {
  const { username = {}, groups = {}, uid = {}, extra = [] } = mappings;
  const causes = [
    ...prefixedCauses(username, `${path}.username`, true),
    ...prefixedCauses(groups, `${path}.groups`, false),
  ];
  if (uid.claim && uid.expression) causes.push(invalid(`${path}.uid`, '', "claim and expression can't both be set"));
  else if (uid.expression)
    causes.push(...expressionCauses(claimsOf, uid.expression, 'string', `${path}.uid.expression`));
  for (const [i, { key = '', valueExpression = '' }] of extra.entries()) {
    const at = `${path}.extra[${i}]`;
    if (!isDomainPrefixed(key))
      causes.push(invalid(`${at}.key`, key, 'must be a domain-prefixed path (such as "acme.io/foo")'));
    if (key !== key.toLowerCase()) causes.push(invalid(`${at}.key`, key, 'must be lowercase'));
    if (/^([^/]+\.)?(kubernetes|k8s)\.io\//.test(key)) {
      causes.push(
        invalid(`${at}.key`, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'),
      );
    }
    if (valueExpression === '') causes.push(required(`${at}.valueExpression`));
    else causes.push(...expressionCauses(claimsOf, valueExpression, 'dyn', `${at}.valueExpression`));
  }
  return [
    ...causes,
    ...repeats(
      extra.map(({ key }) => key),
      (i) => `${path}.extra[${i}].key`,
    ),
  ];
}

function isDomainPrefixed(key: string): boolean {
  const slash = key.indexOf('/');
  return slash > 0 && slash < key.length - 1 && dns1123Subdomain(key.slice(0, slash).toLowerCase()).length === 0;
}

function prefixedCauses({ claim, prefix, expression }: ClaimMapping, path: string, isRequired: boolean): FieldCause[] {
  if (claim && expression) return [invalid(path, '', "claim and expression can't both be set")];
  if (expression) {
    const causes =
      prefix === undefined ? [] : [invalid(`${path}.prefix`, prefix, 'may not be specified when expression is set')];
    return [...causes, ...expressionCauses(claimsOf, expression, isRequired ? 'string' : 'dyn', `${path}.expression`)];
  }
  if (claim) {
    const why = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing';
    return prefix === undefined ? [required(`${path}.prefix`, why)] : [];
  }
  return isRequired ? [required(path, 'claim or expression is required')] : [];
}

/** An address that its issuer has not verified may belong to another person. */
function emailCauses({ claimMappings = {}, claimValidationRules = [] }: JwtIssuer, path: string): FieldCause[] {
  const { username = {}, extra = [] } = claimMappings;
  const { expression = '' } = username;
  const expressions = [
    expression,
    ...extra.map((one) => one.valueExpression),
    ...claimValidationRules.map((one) => one.expression),
  ];
  if (!/\bclaims\s*\.\s*\??\s*email\b/.test(expression)) return [];
  if (expressions.some((one) => /\bclaims\s*\.\s*\??\s*email_verified\b/.test(one ?? ''))) return [];
  const why =
    'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or ' +
    'claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression';
  return [invalid(`${path}.username.expression`, expression, why)];
}

const userSchema = objectOf({
  username: text,
  uid: text,
  groups: listOf(text),
  extra: { type: 'map', items: listOf(text) },
});
/** Expressions over the claims of a token, and over the user that they gave. */
export const claimsOf = new CelEnvironment({ claims: { type: 'map', items: { type: 'any' } } });
export const userOf = new CelEnvironment({ user: userSchema });

export type Result = 'bool' | 'string' | 'dyn';
export const compile = (over: CelEnvironment, expression: string, result: Result): CelProgram =>
  over.compile(expression, result);

function expressionCauses(over: CelEnvironment, expression: string, result: Result, field: string): FieldCause[] {
  try {
    compile(over, expression, result);
    return [];
  } catch (err) {
    if (err instanceof CelCompileError) return [invalid(field, expression, err.message)];
    throw err;
  }
}
