// Secrets of type kubernetes.io/service-account-token: their names, and the claims of the token in them. Pure. Upstream calls such a token
// legacy: it never expires and is valid as long as its Secret has it.
import type { Secret } from './secret';
import type { KubeObject } from './types';

export const serviceAccountTokenType = 'kubernetes.io/service-account-token';
export const accountNameAnnotation = 'kubernetes.io/service-account.name';
export const accountUidAnnotation = 'kubernetes.io/service-account.uid';
/** The day of the last use, YYYY-MM-DD. */
export const lastUsedLabel = 'kubernetes.io/legacy-token-last-used';
/** While a Secret has it, its token is refused. */
export const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';

/** The ConfigMap in kube-system that says since which day uses are recorded (KEP-2799). */
export const tokenTrackingName = 'kube-apiserver-legacy-service-account-token-tracking';

/** Whether a text is a day in the form of these labels: 2006-01-02. Days that do not exist are none. */
export function isDay(text: string | undefined): text is string {
  if (text === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

export const legacyIssuer = 'kubernetes/serviceaccount';
const claim = (name: string): string => `kubernetes.io/serviceaccount/${name}`;

/** The account that the Secret names; the uid is '' until the controller has written it. */
export const accountOf = ({ metadata }: Secret): { readonly name: string; readonly uid: string } => ({
  name: metadata?.annotations?.[accountNameAnnotation] ?? '',
  uid: metadata?.annotations?.[accountUidAnnotation] ?? '',
});

export interface LegacyToken {
  readonly namespace: string;
  readonly secret: string;
  readonly account: string;
  readonly uid: string;
}

export function legacyClaims({ metadata }: KubeObject, secret: string): Readonly<Record<string, string>> {
  const { namespace = '', name = '', uid = '' } = metadata ?? {};
  return {
    iss: legacyIssuer,
    sub: subjectOf(namespace, name),
    [claim('namespace')]: namespace,
    [claim('secret.name')]: secret,
    [claim('service-account.name')]: name,
    [claim('service-account.uid')]: uid,
  };
}

/** Undefined when a claim is missing or the subject is another account. */
export function readLegacyClaims(claims: Readonly<Record<string, unknown>>): LegacyToken | undefined {
  const text = (name: string): string => {
    const value = claims[claim(name)];
    return typeof value === 'string' ? value : '';
  };
  const token = {
    namespace: text('namespace'),
    secret: text('secret.name'),
    account: text('service-account.name'),
    uid: text('service-account.uid'),
  };
  if (Object.values(token).includes('') || claims['sub'] !== subjectOf(token.namespace, token.account))
    return undefined;
  return token;
}

const subjectOf = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`;
