// rbac.authorization.k8s.io/v1 RoleBinding.
import type { V1RoleBinding } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type RoleBinding = Wire<V1RoleBinding>;

export const roleBindings = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  model: 'V1RoleBinding',
  // RBAC names are free as long as they fit one path segment: system:node.
  nameCheck: pathSegment,
});
