// The configuration of authorizers: AuthorizationConfiguration of apiserver.config.k8s.io. Source: "Configuring the API server using
// an authorization config file" in the reference of authorization. Pure.
import { duplicate, invalid, notSupported, required, tooMany } from '../../api/validation/causes';
import { dns1123Subdomain } from '../../api/validation/names';
import { goDurationMs } from '../../base/duration';
import type { FieldCause } from '../../base/errors';
import { CelCompileError } from '../../cel/errors';
import { type ConfigKind, flag, listOf, objectOf, readConfig, refuseCauses, text } from '../config/read';
import { compileCondition } from './conditions';

export const authorizerTypes = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'] as const;
export type AuthorizerType = (typeof authorizerTypes)[number];

export interface WebhookSettings {
  readonly authorizedTTL?: string;
  readonly cacheAuthorizedRequests?: boolean;
  readonly unauthorizedTTL?: string;
  readonly cacheUnauthorizedRequests?: boolean;
  readonly timeout?: string;
  readonly subjectAccessReviewVersion?: string;
  readonly matchConditionSubjectAccessReviewVersion?: string;
  readonly failurePolicy?: string;
  readonly connectionInfo?: { readonly type?: string; readonly kubeConfigFile?: string };
  readonly matchConditions?: readonly { readonly expression?: string }[];
}
export interface AuthorizerSettings {
  readonly type?: AuthorizerType;
  readonly name?: string;
  readonly webhook?: WebhookSettings;
}
export interface AuthorizationConfig {
  readonly authorizers?: readonly AuthorizerSettings[];
}

export const defaultAuthorizedTtl = '5m';
export const defaultUnauthorizedTtl = '30s';
const maxTimeoutMs = 30_000;
const maxConditions = 64;

const webhook = objectOf({
  authorizedTTL: text,
  cacheAuthorizedRequests: flag,
  unauthorizedTTL: text,
  cacheUnauthorizedRequests: flag,
  timeout: text,
  subjectAccessReviewVersion: text,
  matchConditionSubjectAccessReviewVersion: text,
  failurePolicy: text,
  connectionInfo: objectOf({ type: text, kubeConfigFile: text }),
  matchConditions: listOf(objectOf({ expression: text })),
});
const configKind: ConfigKind = {
  group: 'apiserver.config.k8s.io',
  versions: ['v1', 'v1beta1', 'v1alpha1'],
  kind: 'AuthorizationConfiguration',
  fields: { authorizers: listOf(objectOf({ type: text, name: text, webhook })) },
};

/** @throws BadRequest with all faults of the text */
export function readAuthorizationConfig(source: string, file: string): AuthorizationConfig {
  const config = readConfig(source, file, configKind) as AuthorizationConfig;
  refuseCauses(file, validateAuthorizationConfig(config));
  return config;
}

export function validateAuthorizationConfig({ authorizers = [] }: AuthorizationConfig): FieldCause[] {
  if (authorizers.length === 0) return [required('authorizers', 'at least one authorization mode must be defined')];
  const types = new Set<string>();
  const names = new Set<string>();
  return authorizers.flatMap(({ type, name = '', webhook: settings }, i) => {
    const at = `authorizers[${i}]`;
    if (!type) return [required(`${at}.type`)];
    if (!authorizerTypes.includes(type)) return [notSupported(`${at}.type`, type, authorizerTypes)];
    if (types.has(type) && type !== 'Webhook') return [duplicate(`${at}.type`, type)];
    types.add(type);
    const causes = nameCauses(`${at}.name`, name, names);
    names.add(name);
    if (type === 'Webhook') {
      const why = 'required when type=Webhook';
      return [...causes, ...(settings ? webhookCauses(at, settings) : [required(`${at}.webhook`, why)])];
    }
    if (!settings) return causes;
    return [...causes, invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook')];
  });
}

function nameCauses(field: string, name: string, seen: ReadonlySet<string>): FieldCause[] {
  if (name === '') return [required(field)];
  if (seen.has(name)) return [duplicate(field, name)];
  const faults = dns1123Subdomain(name);
  return faults.length === 0 ? [] : [invalid(field, name, `authorizer name is invalid: ${faults.join(', ')}`)];
}

/** Upstream names the fields without `webhook`, as if they were those of the authorizer. */
function webhookCauses(at: string, settings: WebhookSettings): FieldCause[] {
  const { subjectAccessReviewVersion: version = '', failurePolicy: policy = '', timeout } = settings;
  return [
    ...durationCauses(`${at}.timeout`, timeout, maxTimeoutMs, 'must be > 0s and <= 30s'),
    ...durationCauses(`${at}.authorizedTTL`, settings.authorizedTTL ?? defaultAuthorizedTtl),
    ...durationCauses(`${at}.unauthorizedTTL`, settings.unauthorizedTTL ?? defaultUnauthorizedTtl),
    ...choiceCauses(`${at}.subjectAccessReviewVersion`, version, ['v1', 'v1beta1']),
    ...conditionVersionCauses(`${at}.matchConditionSubjectAccessReviewVersion`, settings),
    ...choiceCauses(`${at}.failurePolicy`, policy, ['NoOpinion', 'Deny']),
    ...connectionCauses(`${at}.connectionInfo`, settings.connectionInfo ?? {}),
    ...conditionCauses(`${at}.matchConditions`, settings),
  ];
}

function durationCauses(field: string, value = '', mostMs = Number.POSITIVE_INFINITY, range = 'must be > 0s') {
  if (value === '') return [required(field)];
  const ms = goDurationMs(value);
  if (ms === undefined) return [invalid(field, value, 'must be a duration, such as 30s or 1m30s')];
  return ms > 0 && ms <= mostMs ? [] : [invalid(field, value, range)];
}

function choiceCauses(field: string, value: string, known: readonly string[]): FieldCause[] {
  if (value === '') return [required(field)];
  return known.includes(value) ? [] : [notSupported(field, value, known)];
}

function conditionVersionCauses(field: string, settings: WebhookSettings): FieldCause[] {
  const { matchConditionSubjectAccessReviewVersion: version = '', matchConditions = [] } = settings;
  if (version !== '') return version === 'v1' ? [] : [notSupported(field, version, ['v1'])];
  return matchConditions.length === 0 ? [] : [required(field, 'required if match conditions are specified')];
}

function connectionCauses(
  at: string,
  { type = '', kubeConfigFile: file = '' }: { type?: string; kubeConfigFile?: string },
) {
  if (type === 'InClusterConfig') {
    return [invalid(`${at}.type`, type, 'is not supported by k8ts: use KubeConfigFile')];
  }
  const causes = choiceCauses(`${at}.type`, type, ['KubeConfigFile']);
  if (causes.length > 0) return causes;
  if (file === '') return [required(`${at}.kubeConfigFile`)];
  return file.startsWith('/') ? [] : [invalid(`${at}.kubeConfigFile`, file, 'must be an absolute path')];
}

function conditionCauses(at: string, { matchConditions = [] }: WebhookSettings): FieldCause[] {
  if (matchConditions.length > maxConditions) return [tooMany(at, matchConditions.length, maxConditions)];
  const seen = new Set<string>();
  return matchConditions.flatMap(({ expression = '' }, i) => {
    const field = `${at}[${i}].expression`;
    if (expression.trim() === '') return [required(field)];
    if (seen.has(expression)) return [duplicate(field, expression)];
    seen.add(expression);
    return expressionCauses(field, expression);
  });
}

function expressionCauses(field: string, expression: string): FieldCause[] {
  try {
    compileCondition(expression);
    return [];
  } catch (err) {
    if (err instanceof CelCompileError) return [invalid(field, expression, err.message)];
    throw err;
  }
}
