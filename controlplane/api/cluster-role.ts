// rbac.authorization.k8s.io/v1 ClusterRole.
import type { V1ClusterRole } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind } from './kind';
import { rbacGroup, roleColumns, validateRules } from './rbac';
import type { Wire } from './types';
import { invalid, required } from './validation/causes';
import { pathSegment } from './validation/names';
import { validateLabelSelector } from './validation/selectors';

export type ClusterRole = Wire<V1ClusterRole>;

export const clusterRoles = defineKind<ClusterRole>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
  schema: { model: 'V1ClusterRole' },
  createOnUpdate: true,
  nameCheck: pathSegment,
  validate: ({ rules, aggregationRule }) => [...validateRules(rules, true), ...validateAggregation(aggregationRule)],
  columns: roleColumns,
});

function validateAggregation(rule: ClusterRole['aggregationRule']): FieldCause[] {
  if (!rule) return [];
  const field = 'aggregationRule.clusterRoleSelectors';
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    return [required(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  }
  return selectors.flatMap((selector, i) => {
    const causes = validateLabelSelector(selector, `${field}[${i}]`);
    // Upstream prints the result of its failed conversion, which is null.
    return causes.length > 0 ? [...causes, invalid(`${field}[${i}]`, null, 'invalid label selector.')] : [];
  });
}
