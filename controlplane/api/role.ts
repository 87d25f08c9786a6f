// rbac.authorization.k8s.io/v1 Role.
import type { V1Role } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { rbacGroup, roleColumns, validateRules } from './rbac';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type Role = Wire<V1Role>;

export const roles = defineKind<Role>({
  group: rbacGroup,
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
  schema: { model: 'V1Role' },
  createOnUpdate: true,
  nameCheck: pathSegment,
  validate: ({ rules }) => validateRules(rules, false),
  columns: roleColumns,
});
