// The roles and bindings every cluster starts with, as data. Names and permissions are those kube-apiserver creates, for the
// kinds this server has, so that tools and manuals that refer to them work unchanged.
import type { ClusterRole } from '../../api/cluster-role';
import type { ClusterRoleBinding } from '../../api/cluster-role-binding';
import type { Role } from '../../api/role';
import type { RoleBinding } from '../../api/role-binding';
import { receiptNamespace } from '../../api/services/programmed';
import { extensionAuthenticationName } from '../aggregator/extension-authentication';
import type { PolicyRule } from './rules';

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const all = [...read, ...write];
const rule = (group: string, resources: readonly string[], verbs: readonly string[], names?: string[]): PolicyRule => ({
  apiGroups: [group],
  resources: [...resources],
  verbs: [...verbs],
  ...(names ? { resourceNames: names } : {}),
});
const events = [
  rule('', ['events'], ['create', 'patch', 'update']),
  rule('events.k8s.io', ['events'], ['create', 'patch', 'update']),
];

const workloads = [
  'daemonsets',
  'deployments',
  'deployments/scale',
  'replicasets',
  'replicasets/scale',
  'statefulsets',
  'statefulsets/scale',
];
const coreReadable = [
  'bindings',
  'configmaps',
  'endpoints',
  'events',
  'limitranges',
  'namespaces',
  'namespaces/status',
  'persistentvolumeclaims',
  'persistentvolumeclaims/status',
  'pods',
  'pods/log',
  'pods/status',
  'replicationcontrollers',
  'replicationcontrollers/scale',
  'replicationcontrollers/status',
  'resourcequotas',
  'resourcequotas/status',
  'serviceaccounts',
  'services',
  'services/status',
];
const viewRules: PolicyRule[] = [
  rule('', coreReadable, read),
  rule(
    'apps',
    [
      'controllerrevisions',
      ...workloads,
      'daemonsets/status',
      'deployments/status',
      'replicasets/status',
      'statefulsets/status',
    ],
    read,
  ),
  rule('autoscaling', ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'], read),
  rule('batch', ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], read),
  rule('discovery.k8s.io', ['endpointslices'], read),
  rule('networking.k8s.io', ['ingresses', 'ingresses/status', 'networkpolicies'], read),
  rule('policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status'], read),
];
const editRules: PolicyRule[] = [
  rule('', ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], read),
  rule('', ['serviceaccounts'], ['impersonate']),
  rule('', ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'], write),
  rule('', ['pods/eviction', 'serviceaccounts/token'], ['create']),
  rule(
    '',
    [
      'configmaps',
      'events',
      'persistentvolumeclaims',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'secrets',
      'serviceaccounts',
      'services',
      'services/proxy',
    ],
    write,
  ),
  rule('apps', [...workloads, 'deployments/rollback'], write),
  rule('autoscaling', ['horizontalpodautoscalers'], write),
  rule('batch', ['cronjobs', 'jobs'], write),
  rule('networking.k8s.io', ['ingresses', 'networkpolicies'], write),
  rule('policy', ['poddisruptionbudgets'], write),
  rule('coordination.k8s.io', ['leases'], all),
];
const adminRules: PolicyRule[] = [
  rule('authorization.k8s.io', ['localsubjectaccessreviews'], ['create']),
  rule('rbac.authorization.k8s.io', ['rolebindings', 'roles'], all),
];

const discoveryPaths = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];
const paths = (nonResourceURLs: readonly string[]): PolicyRule => ({
  nonResourceURLs: [...nonResourceURLs],
  verbs: ['get'],
});

const aggregationController = 'system:controller:clusterrole-aggregation-controller';

const clusterRules: Readonly<Record<string, PolicyRule[]>> = {
  'cluster-admin': [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ],
  'system:aggregate-to-admin': adminRules,
  'system:aggregate-to-edit': editRules,
  'system:aggregate-to-view': viewRules,
  'system:discovery': [paths(discoveryPaths)],
  'system:public-info-viewer': [paths(['/healthz', '/livez', '/readyz', '/version', '/version/'])],
  'system:service-account-issuer-discovery': [
    paths([
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/',
      '/openid/v1/jwks',
      '/openid/v1/jwks/',
    ]),
  ],
  'system:monitoring': [
    paths(['/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*']),
  ],
  'system:basic-user': [
    rule('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    rule('authentication.k8s.io', ['selfsubjectreviews'], ['create']),
  ],
  'system:auth-delegator': [
    rule('authentication.k8s.io', ['tokenreviews'], ['create']),
    rule('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  ],
  // Kubelets are handled by the node authorizer; the role exists because tools refer to it.
  'system:node': [rule('', ['services'], read)],
  'system:node-proxier': [
    rule('', ['endpoints', 'namespaces', 'pods', 'services'], ['list', 'watch', 'get']),
    rule('', ['nodes'], read),
    rule('discovery.k8s.io', ['endpointslices'], ['list', 'watch']),
    rule('networking.k8s.io', ['networkpolicies', 'servicecidrs'], ['list', 'watch']),
    ...events,
  ],
  'system:dns': [
    rule('', ['endpoints', 'namespaces', 'nodes', 'pods', 'services'], read),
    // The objects it writes are in dnsRole.
    rule('discovery.k8s.io', ['endpointslices'], read),
    ...events,
  ],
  // No Secrets here: every node has this identity, so the ingress authorizer allows only those that Ingresses name.
  'system:ingress': [
    rule('', ['endpoints', 'namespaces', 'nodes', 'pods', 'services'], read),
    rule('discovery.k8s.io', ['endpointslices'], read),
    rule('networking.k8s.io', ['ingressclasses', 'ingresses'], read),
    rule('networking.k8s.io', ['ingresses/status'], ['update', 'patch']),
    ...events,
  ],
  'system:kube-scheduler': [
    rule(
      '',
      ['nodes', 'namespaces', 'services', 'replicationcontrollers', 'persistentvolumes', 'persistentvolumeclaims'],
      read,
    ),
    rule('', ['pods'], [...read, 'delete']),
    rule('', ['bindings', 'pods/binding'], ['create']),
    rule('', ['pods/status'], ['patch', 'update']),
    rule('apps', ['replicasets', 'statefulsets'], read),
    rule('policy', ['poddisruptionbudgets'], read),
    rule('storage.k8s.io', ['csidrivers', 'csinodes', 'csistoragecapacities', 'volumeattachments'], read),
    rule('coordination.k8s.io', ['leases'], ['create']),
    rule('coordination.k8s.io', ['leases'], ['get', 'update'], ['kube-scheduler']),
    ...events,
  ],
  // Upstream's scheduler binds claims to volumes. The role exists for schedulers that do so here.
  'system:volume-scheduler': [
    rule('', ['persistentvolumes'], [...read, 'patch', 'update']),
    rule('', ['persistentvolumeclaims'], [...read, 'patch', 'update']),
    rule('storage.k8s.io', ['storageclasses'], read),
  ],
  // All controllers run as one user; each needs to read everything and to write what it owns.
  'system:kube-controller-manager': [
    rule('*', ['*'], read),
    rule(
      '',
      [
        'configmaps',
        'endpoints',
        'events',
        'namespaces',
        'namespaces/finalize',
        'namespaces/status',
        'nodes',
        'nodes/status',
        'persistentvolumeclaims',
        'persistentvolumes',
        'pods',
        'pods/status',
        'pods/eviction',
        'replicationcontrollers',
        'replicationcontrollers/status',
        'resourcequotas/status',
        'secrets',
        'serviceaccounts',
        'serviceaccounts/token',
        'services',
        'services/status',
      ],
      write,
    ),
    // The garbage collector and namespace deletion remove objects of any kind.
    rule('*', ['*'], ['delete', 'deletecollection', 'patch', 'update']),
    rule('apps', ['*'], write),
    rule('autoscaling', ['*'], write),
    rule('batch', ['*'], write),
    rule('discovery.k8s.io', ['endpointslices'], write),
    rule('coordination.k8s.io', ['leases'], write),
    rule('authentication.k8s.io', ['tokenreviews'], ['create']),
    rule('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
    ...events,
  ],
  // It writes rules that its user does not have.
  [aggregationController]: [
    rule('rbac.authorization.k8s.io', ['clusterroles'], ['escalate', 'get', 'list', 'patch', 'update', 'watch']),
  ],
};

/** Roles whose rules the controller clusterrole-aggregation collects. */
const aggregated: readonly string[] = ['admin', 'edit', 'view'];
/** Each role here is a part of the aggregated role on the right. */
const partOf: Readonly<Record<string, string>> = {
  edit: 'admin',
  'system:aggregate-to-admin': 'admin',
  view: 'edit',
  'system:aggregate-to-edit': 'edit',
  'system:aggregate-to-view': 'view',
};
const aggregateTo = (role: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' });

interface Subject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
}
const user = (name: string): Subject => ({ kind: 'User', name });
const group = (name: string): Subject => ({ kind: 'Group', name });

const clusterGrants: readonly (readonly [binding: string, role: string, subjects: readonly Subject[]])[] = [
  ['cluster-admin', 'cluster-admin', [group('system:masters')]],
  ['system:discovery', 'system:discovery', [group('system:authenticated')]],
  ['system:basic-user', 'system:basic-user', [group('system:authenticated')]],
  [
    'system:public-info-viewer',
    'system:public-info-viewer',
    [group('system:authenticated'), group('system:unauthenticated')],
  ],
  [
    'system:service-account-issuer-discovery',
    'system:service-account-issuer-discovery',
    [group('system:serviceaccounts')],
  ],
  ['system:monitoring', 'system:monitoring', [group('system:monitoring')]],
  ['system:node-proxier', 'system:node-proxier', [user('system:kube-proxy')]],
  ['system:dns', 'system:dns', [user('system:dns')]],
  ['system:ingress', 'system:ingress', [user('system:ingress')]],
  ['system:kube-scheduler', 'system:kube-scheduler', [user('system:kube-scheduler')]],
  ['system:volume-scheduler', 'system:volume-scheduler', [user('system:kube-scheduler')]],
  ['system:kube-controller-manager', 'system:kube-controller-manager', [user('system:kube-controller-manager')]],
  [aggregationController, aggregationController, [user('system:kube-controller-manager')]],
];

const api = 'rbac.authorization.k8s.io';
const marks = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
};
const meta = (name: string) => ({ name, labels: { ...marks.labels }, annotations: { ...marks.annotations } });
const subjectOf = ({ kind, name }: Subject) => ({ kind, name, apiGroup: api });

function clusterRole(name: string, content: Pick<ClusterRole, 'rules' | 'aggregationRule'>): ClusterRole {
  const metadata = meta(name);
  const whole = partOf[name];
  if (whole !== undefined) Object.assign(metadata.labels, aggregateTo(whole));
  return { kind: 'ClusterRole', apiVersion: `${api}/v1`, metadata, ...content };
}

/** Aggregated roles have no rules here. */
export const bootstrapClusterRoles: readonly ClusterRole[] = [
  ...Object.entries(clusterRules).map(([name, rules]) => clusterRole(name, { rules })),
  ...aggregated.map((name) =>
    clusterRole(name, { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] } }),
  ),
];

export const bootstrapClusterRoleBindings: readonly ClusterRoleBinding[] = clusterGrants.map(
  ([name, role, subjects]) => ({
    kind: 'ClusterRoleBinding',
    apiVersion: `${api}/v1`,
    metadata: meta(name),
    roleRef: { apiGroup: api, kind: 'ClusterRole', name: role },
    subjects: subjects.map(subjectOf),
  }),
);

/** Permissions of a user inside one namespace. */
export interface NamespacedGrant {
  readonly role: Role;
  readonly binding: RoleBinding;
}

function namespacedGrant(name: string, namespace: string, subject: string, rules: PolicyRule[]): NamespacedGrant {
  const metadata = () => ({ ...meta(name), namespace });
  return {
    role: { kind: 'Role', apiVersion: `${api}/v1`, metadata: metadata(), rules },
    binding: {
      kind: 'RoleBinding',
      apiVersion: `${api}/v1`,
      metadata: metadata(),
      roleRef: { apiGroup: api, kind: 'Role', name },
      subjects: [subjectOf(user(subject))],
    },
  };
}

/** With it an aggregated API server reads whose certificates it can trust. The installer of that server binds it, as upstream. */
function authenticationReader(): NamespacedGrant {
  const reader = 'extension-apiserver-authentication-reader';
  const grant = namespacedGrant(reader, 'kube-system', 'system:kube-controller-manager', [
    rule('', ['configmaps'], read, [extensionAuthenticationName]),
  ]);
  const { binding } = grant;
  const name = `system::${reader}`;
  const subjects = [...(binding.subjects ?? []), subjectOf(user('system:kube-scheduler'))];
  return { ...grant, binding: { ...binding, metadata: { ...binding.metadata, name }, subjects } };
}

export const namespacedGrants: readonly NamespacedGrant[] = [
  authenticationReader(),
  // Each kube-proxy writes which revision its node's kernel has.
  namespacedGrant('system:node-proxier', receiptNamespace, 'system:kube-proxy', [
    rule('coordination.k8s.io', ['leases'], ['get', 'create', 'update', 'patch']),
  ]),
  // Each node's server announces its own address behind the DNS Service; the endpoints of other Services are not its own.
  namespacedGrant('system:dns', 'kube-system', 'system:dns', [
    rule('discovery.k8s.io', ['endpointslices'], ['create', 'update', 'patch', 'delete']),
  ]),
];
