// rbac.authorization.k8s.io/v1 ClusterRoleBinding.
import type { V1ClusterRoleBinding } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type ClusterRoleBinding = Wire<V1ClusterRoleBinding>;

export const clusterRoleBindings = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
  model: 'V1ClusterRoleBinding',
  // RBAC names are free as long as they fit one path segment: system:node.
  nameCheck: pathSegment,
});
