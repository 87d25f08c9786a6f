// What a Secret of type kubernetes.io/service-account-token lacks, and whether it may stay. Pure.
import type { Secret, ServiceAccount } from '../../api/index';
import {
  accountNameAnnotation,
  accountOf,
  accountUidAnnotation,
  serviceAccountTokenType,
} from '../../api/service-account-token';

export type TokenPlan =
  | { readonly action: 'none' }
  | { readonly action: 'delete' }
  | { readonly action: 'fill'; readonly needsToken: boolean };

export const isTokenSecret = ({ type }: Secret): boolean => type === serviceAccountTokenType;

/** Whether the Secret is for this account; one that has no uid yet is for any account of its name. */
export function isFor(secret: Secret, account: ServiceAccount | undefined): boolean {
  const { name, uid } = accountOf(secret);
  return account?.metadata?.name === name && (uid === '' || account.metadata.uid === uid);
}

/** `account`: the present account of the name that the Secret has. */
export function planToken(secret: Secret, account: ServiceAccount | undefined, caPem: string): TokenPlan {
  if (secret.metadata?.deletionTimestamp) return { action: 'none' };
  if (!isFor(secret, account)) return { action: 'delete' };
  const { token, namespace, 'ca.crt': ca } = secret.data ?? {};
  if (token && namespace && ca === encode(caPem)) return { action: 'none' };
  return { action: 'fill', needsToken: !token };
}

/** The Secret with all its data. A token that it has stays. */
export function filled(secret: Secret, account: ServiceAccount, caPem: string, token: string | undefined): Secret {
  const { metadata, data = {} } = secret;
  return {
    ...secret,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata?.annotations,
        [accountNameAnnotation]: account.metadata?.name ?? '',
        [accountUidAnnotation]: account.metadata?.uid ?? '',
      },
    },
    data: {
      ...data,
      'ca.crt': encode(caPem),
      namespace: data['namespace'] || encode(metadata?.namespace ?? ''),
      ...(token === undefined ? {} : { token: encode(token) }),
    },
  };
}

/** The account without its reference to a Secret; undefined when it has none. */
export function withoutReference(account: ServiceAccount, secret: string): ServiceAccount | undefined {
  const left = account.secrets?.filter(({ name }) => name !== secret);
  return left?.length === account.secrets?.length ? undefined : { ...account, secrets: left };
}

const encode = (text: string): string => Buffer.from(text).toString('base64');
