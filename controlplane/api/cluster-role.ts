// rbac.authorization.k8s.io/v1 ClusterRole.
import type { V1ClusterRole } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { rbacGroup, roleColumns, validateRules } from './rbac';
import type { Wire } from './types';
import { required } from './validation/causes';
import { pathSegment } from './validation/names';

export type ClusterRole = Wire<V1ClusterRole>;

export const clusterRoles = defineKind<ClusterRole>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
  schema: { model: 'V1ClusterRole' },
  nameCheck: pathSegment,
  validate: ({ rules, aggregationRule }) => {
    if (aggregationRule && !aggregationRule.clusterRoleSelectors?.length) {
      return [
        required(
          'aggregationRule.clusterRoleSelectors',
          'at least one clusterRoleSelector required if aggregationRule is non-nil',
        ),
      ];
    }
    return validateRules(rules, true);
  },
  columns: roleColumns,
});
