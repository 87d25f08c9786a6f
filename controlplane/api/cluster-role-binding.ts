// rbac.authorization.k8s.io/v1 ClusterRoleBinding.
import type { V1ClusterRoleBinding } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { bindingColumns, defaultBinding, rbacGroup, validateBinding } from './rbac';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type ClusterRoleBinding = Wire<V1ClusterRoleBinding>;

export const clusterRoleBindings = defineKind<ClusterRoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
  schema: { model: 'V1ClusterRoleBinding' },
  createOnUpdate: true,
  nameCheck: pathSegment,
  defaults: defaultBinding,
  validate: (binding, { old }) => validateBinding(binding, old, ['ClusterRole']),
  columns: bindingColumns,
});
