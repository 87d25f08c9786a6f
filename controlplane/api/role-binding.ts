// rbac.authorization.k8s.io/v1 RoleBinding.
import type { V1RoleBinding } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { bindingColumns, defaultBinding, rbacGroup, validateBinding } from './rbac';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type RoleBinding = Wire<V1RoleBinding>;

export const roleBindings = defineKind<RoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  schema: { model: 'V1RoleBinding' },
  createOnUpdate: true,
  nameCheck: pathSegment,
  defaults: defaultBinding,
  validate: (binding, { old }) => validateBinding(binding, old, ['Role', 'ClusterRole']),
  columns: bindingColumns,
});
