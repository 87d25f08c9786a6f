// Shared parts of the four kinds of rbac.authorization.k8s.io: rules, subjects, roleRef and their columns.
import { isDeepStrictEqual } from 'node:util';
import type { RbacV1Subject, V1PolicyRule, V1RoleRef } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import type { Column } from './kind';
import { ageColumn, nameColumn } from './table';
import type { KubeObject, Wire } from './types';
import { invalid, invalidEach, notSupported, required } from './validation/causes';
import { dns1123Subdomain, pathSegment } from './validation/names';

export type PolicyRule = Wire<V1PolicyRule>;
export type Subject = Wire<RbacV1Subject>;
export type RoleRef = Wire<V1RoleRef>;

export const rbacGroup = 'rbac.authorization.k8s.io';

interface Binding extends KubeObject {
  roleRef: RoleRef;
  subjects?: Subject[];
}

/** `clusterWide` rules may also name non-resource URLs. */
export function validateRules(rules: readonly PolicyRule[] | undefined, clusterWide: boolean): FieldCause[] {
  return (rules ?? []).flatMap(({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }, i) => {
    const at = `rules[${i}]`;
    const causes = verbs?.length ? [] : [required(`${at}.verbs`, 'verbs must contain at least one value')];
    if (nonResourceURLs?.length) {
      if (!clusterWide) {
        causes.push(
          invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'),
        );
      }
      if (apiGroups?.length || resources?.length || resourceNames?.length) {
        causes.push(
          invalid(
            `${at}.nonResourceURLs`,
            nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        );
      }
      return causes;
    }
    if (!apiGroups?.length)
      causes.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if (!resources?.length)
      causes.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    return causes;
  });
}

export function defaultBinding(binding: Binding): void {
  binding.roleRef ??= { apiGroup: '', kind: '', name: '' };
  binding.roleRef.apiGroup ||= rbacGroup;
  const { subjects } = binding;
  for (const subject of subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ??= rbacGroup;
  }
}

/** The roleRef of a binding must not change: a change would silently replace the granted permissions. */
export function validateBinding(
  binding: Binding,
  old: Binding | undefined,
  roleKinds: readonly string[],
): FieldCause[] {
  const { roleRef, subjects } = binding;
  const causes: FieldCause[] = [];
  if (roleRef?.apiGroup !== rbacGroup) {
    causes.push(notSupported('roleRef.apiGroup', roleRef?.apiGroup ?? '', [rbacGroup]));
  }
  if (!roleKinds.includes(roleRef?.kind ?? '')) {
    causes.push(notSupported('roleRef.kind', roleRef?.kind ?? '', roleKinds));
  }
  if (!roleRef?.name) causes.push(required('roleRef.name'));
  else causes.push(...invalidEach('roleRef.name', roleRef.name, pathSegment(roleRef.name)));
  (subjects ?? []).forEach((subject, i) => {
    causes.push(...validateSubject(subject, binding.metadata?.namespace === undefined, `subjects[${i}]`));
  });
  if (old && !isDeepStrictEqual(roleRef, old.roleRef)) {
    causes.push(invalid('roleRef', roleRef, 'cannot change roleRef'));
  }
  return causes;
}

function validateSubject(
  { kind, name, namespace, apiGroup = '' }: Subject,
  clusterWide: boolean,
  field: string,
): FieldCause[] {
  const causes = name ? [] : [required(`${field}.name`)];
  if (kind === 'ServiceAccount') {
    if (name) causes.push(...invalidEach(`${field}.name`, name, dns1123Subdomain(name)));
    if (apiGroup !== '') causes.push(notSupported(`${field}.apiGroup`, apiGroup, ['']));
    if (!namespace && clusterWide) causes.push(required(`${field}.namespace`));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== rbacGroup) causes.push(notSupported(`${field}.apiGroup`, apiGroup, [rbacGroup]));
  } else {
    causes.push(notSupported(`${field}.kind`, kind ?? '', ['ServiceAccount', 'User', 'Group']));
  }
  return causes;
}

/** Roles show the time of their creation, not an age. */
export const roleColumns: readonly Column<KubeObject>[] = [
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    description: 'The time when the role was created.',
    cell: ({ metadata }) => metadata?.creationTimestamp ?? '',
  },
];

const subjectNames = (binding: Binding, kind: string): string =>
  (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ');

export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  {
    name: 'Role',
    type: 'string',
    description: 'The role whose permissions are granted.',
    cell: ({ roleRef }) => `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`,
  },
  ageColumn,
  { name: 'Users', type: 'string', priority: 1, cell: (binding) => subjectNames(binding, 'User') },
  { name: 'Groups', type: 'string', priority: 1, cell: (binding) => subjectNames(binding, 'Group') },
  { name: 'ServiceAccounts', type: 'string', priority: 1, cell: (binding) => subjectNames(binding, 'ServiceAccount') },
];
