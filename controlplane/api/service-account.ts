// v1 ServiceAccount.
import type { V1ServiceAccount } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type ServiceAccount = Wire<V1ServiceAccount>;

export const serviceAccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  model: 'V1ServiceAccount',
  subresources: [
    { name: 'token', verbs: ['create'], group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
  ],
});
