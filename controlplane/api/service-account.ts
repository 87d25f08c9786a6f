// v1 ServiceAccount.
import type { V1ServiceAccount } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';

export type ServiceAccount = Wire<V1ServiceAccount>;

/** On an account whose pods may use only the Secrets that it names. */
export const mountableSecretsAnnotation = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  subresources: [
    { name: 'token', verbs: ['create'], group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
  ],
  schema: { model: 'V1ServiceAccount' },
  // References to Secrets name Secrets of the account's own namespace: all else in them has no meaning.
  defaults: (account) => {
    if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }));
  },
  deletion: { answersWithObject: true },
  warnings: ({ metadata }, { old }) =>
    metadata?.annotations?.[mountableSecretsAnnotation] !== undefined &&
    old?.metadata?.annotations?.[mountableSecretsAnnotation] === undefined
      ? [
          `metadata.annotations[${mountableSecretsAnnotation}]: deprecated in v1.32+; ` +
            'prefer separate namespaces to isolate access to mounted secrets',
        ]
      : [],
  columns: [nameColumn, ageColumn],
});
