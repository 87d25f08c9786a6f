// The roles and bindings that every cluster starts with. Those of kube-apiserver are here in full, with the same names and rules, so
// that tools, manuals and upstream's own components find what they expect; `policy/own.ts` adds those of k8ts.
import type { ClusterRole } from '../../api/cluster-role';
import type { ClusterRoleBinding } from '../../api/cluster-role-binding';
import { componentRoles } from './policy/components';
import { controllerRoles } from './policy/controllers';
import { consoleUserRole, controllersRole, ownRoles, proxierRole } from './policy/own';
import { account, api, bootstrapMetadata, group, type Subject, user } from './policy/subjects';
import { userRoles } from './policy/users';
import type { PolicyRule } from './rules';

export { type NamespacedGrant, namespacedGrants } from './policy/namespaced';

/** Roles whose rules the controller clusterrole-aggregation collects. */
const aggregated: readonly string[] = ['admin', 'edit', 'view'];
/** Each role here is a part of the aggregated role on the right. */
const partOf: Readonly<Record<string, string | readonly string[]>> = {
  edit: 'admin',
  'system:aggregate-to-admin': 'admin',
  view: 'edit',
  'system:aggregate-to-edit': 'edit',
  'system:aggregate-to-view': 'view',
  // As the manifests of metrics-server have it.
  'system:aggregated-metrics-reader': ['admin', 'edit', 'view'],
};
const aggregateTo = (role: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' });

const controllerRole = (name: string): string => `system:controller:${name}`;

const clusterRules: readonly (readonly [name: string, rules: readonly PolicyRule[]])[] = [
  ...Object.entries(userRoles),
  ...Object.entries(componentRoles),
  ...Object.entries(controllerRoles).map(([name, rules]) => [controllerRole(name), rules] as const),
  ...Object.entries(ownRoles),
];

const controllerManager = user('system:kube-controller-manager');
const scheduler = user('system:kube-scheduler');
const proxy = user('system:kube-proxy');
const authenticated = group('system:authenticated');

const clusterGrants: readonly (readonly [role: string, subjects: readonly Subject[]])[] = [
  ['cluster-admin', [group('system:masters')]],
  ['system:basic-user', [authenticated]],
  ['system:discovery', [authenticated]],
  ['system:monitoring', [group('system:monitoring')]],
  ['system:public-info-viewer', [authenticated, group('system:unauthenticated')]],
  ['system:service-account-issuer-discovery', [group('system:serviceaccounts')]],
  ['system:kube-controller-manager', [controllerManager]],
  ['system:kube-dns', [account('kube-dns')]],
  ['system:kube-scheduler', [scheduler]],
  ['system:volume-scheduler', [scheduler]],
  // Kubelets have the node authorizer instead.
  ['system:node', []],
  ['system:node-proxier', [proxy]],
  ...Object.keys(controllerRoles).map((name) => [controllerRole(name), [account(name)]] as const),
  [controllersRole, [controllerManager]],
  [proxierRole, [proxy]],
  [consoleUserRole, [authenticated]],
  ['system:dns', [user('system:dns')]],
  ['system:ingress', [user('system:ingress')]],
];

function clusterRole(name: string, content: Pick<ClusterRole, 'rules' | 'aggregationRule'>): ClusterRole {
  const metadata = bootstrapMetadata(name);
  const whole = partOf[name];
  for (const role of [whole ?? []].flat()) Object.assign(metadata.labels, aggregateTo(role));
  return { kind: 'ClusterRole', apiVersion: `${api}/v1`, metadata, ...content };
}

/** Aggregated roles have no rules here. */
export const bootstrapClusterRoles: readonly ClusterRole[] = [
  ...clusterRules.map(([name, rules]) => clusterRole(name, { rules: [...rules] })),
  ...aggregated.map((name) =>
    clusterRole(name, { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] } }),
  ),
];

export const bootstrapClusterRoleBindings: readonly ClusterRoleBinding[] = clusterGrants.map(([role, subjects]) => ({
  kind: 'ClusterRoleBinding',
  apiVersion: `${api}/v1`,
  metadata: bootstrapMetadata(role),
  roleRef: { apiGroup: api, kind: 'ClusterRole', name: role },
  ...(subjects.length === 0 ? {} : { subjects: [...subjects] }),
}));
