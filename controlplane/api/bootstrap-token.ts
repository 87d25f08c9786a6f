// Reads and builds Secrets of type bootstrap.kubernetes.io/token. Pure. Fields: "Bootstrap Token Secret Format" in the reference.
import type { Secret } from './secret';

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token';
export const tokenNamespace = 'kube-system';
const namePrefix = 'bootstrap-token-';
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

export interface BootstrapToken {
  /** Six characters, public. */
  readonly id: string;
  /** Sixteen characters. */
  readonly secret: string;
  readonly description: string;
  /** Milliseconds since the epoch; absent: never. */
  readonly expiresAtMs: number | undefined;
  /** The usages whose field usage-bootstrap-* is `true`: authentication, signing. */
  readonly usages: readonly string[];
  /** Groups in addition to system:bootstrappers. */
  readonly groups: readonly string[];
  /** Why the token must not be used; undefined when it is well-formed. */
  readonly problem: string | undefined;
}

export const tokenSecretName = (id: string): string => `${namePrefix}${id}`;
export const tokenSecretKey = (id: string): string => `${tokenNamespace}/${tokenSecretName(id)}`;

/** Undefined when the Secret is not a bootstrap token, or its name, id and secret do not match. */
export function readBootstrapToken({ type, metadata, data = {} }: Secret): BootstrapToken | undefined {
  if (type !== bootstrapTokenType || metadata?.namespace !== tokenNamespace || metadata.deletionTimestamp)
    return undefined;
  const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
  const id = text('token-id');
  const secret = text('token-secret');
  if (!/^[a-z0-9]{6}$/.test(id) || !/^[a-z0-9]{16}$/.test(secret) || metadata.name !== tokenSecretName(id))
    return undefined;
  const expiration = text('expiration');
  const expiresAtMs = expiration === '' ? undefined : Date.parse(expiration);
  const groups = text('auth-extra-groups')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '');
  const wrongGroup = groups.find((group) => !groupForm.test(group));
  const usages = Object.keys(data)
    .filter((key) => key.startsWith(usagePrefix) && text(key) === 'true')
    .map((key) => key.slice(usagePrefix.length))
    .sort();
  const problem = Number.isNaN(expiresAtMs)
    ? `its expiration ${JSON.stringify(expiration)} is not a time`
    : wrongGroup && `its group ${JSON.stringify(wrongGroup)} does not begin with system:bootstrappers:`;
  return { id, secret, description: text('description'), expiresAtMs, usages, groups, problem };
}

const usagePrefix = 'usage-bootstrap-';

/** The Secret of a token, ready to be created. */
export function bootstrapTokenSecret(token: Omit<BootstrapToken, 'problem'>): Secret {
  const data: Record<string, string> = {
    'token-id': token.id,
    'token-secret': token.secret,
    ...(token.description === '' ? {} : { description: token.description }),
    ...(token.expiresAtMs === undefined
      ? {}
      : { expiration: `${new Date(token.expiresAtMs).toISOString().slice(0, 19)}Z` }),
    ...(token.groups.length === 0 ? {} : { 'auth-extra-groups': token.groups.join(',') }),
    ...Object.fromEntries(token.usages.map((usage) => [`${usagePrefix}${usage}`, 'true'])),
  };
  const encode = (value: string): string => Buffer.from(value).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: tokenSecretName(token.id), namespace: tokenNamespace },
    type: bootstrapTokenType,
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encode(value)])),
  };
}
