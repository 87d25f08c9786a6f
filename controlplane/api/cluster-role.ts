// rbac.authorization.k8s.io/v1 ClusterRole.
import type { V1ClusterRole } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type ClusterRole = Wire<V1ClusterRole>;

export const clusterRoles = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
  model: 'V1ClusterRole',
  // RBAC names are free as long as they fit one path segment: system:node.
  nameCheck: pathSegment,
});
