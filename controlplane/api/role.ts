// rbac.authorization.k8s.io/v1 Role.
import type { V1Role } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type Role = Wire<V1Role>;

export const roles = defineKind<Role>({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
  model: 'V1Role',
  // RBAC names are free as long as they fit one path segment: system:node.
  nameCheck: pathSegment,
});
