// rbac.authorization.k8s.io/v1 RoleBinding.
import type { V1RoleBinding } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type RoleBinding = Wire<V1RoleBinding>;

export const roleBindings = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  model: 'V1RoleBinding',
});
