import t from 'tap';
import type { ClusterRole } from '../../api/cluster-role';
import { matchesSelector, selectorFromLabelSelector } from '../../api/selector';
import { forbiddenResource } from './authorizer';
import { bootstrapClusterRoleBindings, bootstrapClusterRoles } from './bootstrap-policy';
import { type PolicyRule, ruleAllowsResource } from './rules';

/** Also the rules that the controller clusterrole-aggregation collects. */
function rulesOf({ rules = [], aggregationRule }: ClusterRole): readonly PolicyRule[] {
  const selectors = (aggregationRule?.clusterRoleSelectors ?? []).map((each) => selectorFromLabelSelector(each)!);
  const parts = bootstrapClusterRoles.filter(({ metadata }) =>
    selectors.some((selector) => matchesSelector(selector, metadata?.labels)),
  );
  return [...rules, ...parts.flatMap(rulesOf)];
}
const roleOf = (name: string): ClusterRole => bootstrapClusterRoles.find(({ metadata }) => metadata?.name === name)!;

// A user who writes status.loadBalancer.ingress makes every node catch the traffic to that address (CVE-2020-8554).
t.test('only administrators of the cluster and the controllers may write the status of Services', async (t) => {
  const writing = ['create', 'patch', 'update', '*'];
  const mayWrite = bootstrapClusterRoles.filter((role) =>
    rulesOf(role).some(
      ({ apiGroups = [], resources = [], verbs }) =>
        ['', '*'].some((group) => apiGroups.includes(group)) &&
        ['services/status', '*/status', '*'].some((resource) => resources.includes(resource)) &&
        verbs.some((verb) => writing.includes(verb)),
    ),
  );
  t.same(
    mayWrite.map(({ metadata }) => metadata?.name),
    [
      'cluster-admin',
      'system:controller:generic-garbage-collector',
      'system:controller:service-controller',
      'k8ts:controllers',
    ],
  );
});

/** The resources of all served groups and kinds, and whether a role allows the verb for them. */
function allowed(role: string, verb: string, group: string, resources: readonly string[]): string[] {
  const rules = rulesOf(roleOf(role));
  return resources.filter((each) => {
    const [resource = '', subresource = ''] = each.split('/');
    const attributes = { verb, group, resource, subresource, namespace: 'a', name: 'b' };
    return rules.some((rule) => ruleAllowsResource(rule, attributes));
  });
}

t.test('admin, edit and view are aggregated, as upstream', async (t) => {
  const prefix = 'rbac.authorization.k8s.io/aggregate-to-';
  const bootstrapping = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
  const cases: readonly (readonly [name: string, partOf?: string])[] = [
    ['admin'],
    ['edit', 'admin'],
    ['view', 'edit'],
    ['system:aggregate-to-admin', 'admin'],
    ['system:aggregate-to-edit', 'edit'],
    ['system:aggregate-to-view', 'view'],
  ];
  for (const [name, partOf] of cases) {
    const { metadata, rules, aggregationRule } = roleOf(name);
    t.same(metadata?.labels, { ...bootstrapping, ...(partOf ? { [`${prefix}${partOf}`]: 'true' } : {}) }, name);
    const selects = { clusterRoleSelectors: [{ matchLabels: { [`${prefix}${name}`]: 'true' } }] };
    const isAggregated = !name.startsWith('system:');
    t.same(aggregationRule, isAggregated ? selects : undefined, name);
    t.equal(rules === undefined, isAggregated, name);
  }
});

// Endpoints and EndpointSlices steer traffic past the NetworkPolicies of a namespace (CVE-2021-25740); only the cluster sets the
// status and the limits of a namespace.
t.test('the owner of a namespace may write the same resources as upstream', async (t) => {
  const core = [
    'bindings',
    'configmaps',
    'endpoints',
    'events',
    'limitranges',
    'namespaces',
    'namespaces/finalize',
    'namespaces/status',
    'nodes',
    'nodes/proxy',
    'persistentvolumeclaims',
    'persistentvolumes',
    'pods',
    'pods/attach',
    'pods/binding',
    'pods/exec',
    'pods/log',
    'pods/portforward',
    'pods/status',
    'resourcequotas',
    'secrets',
    'serviceaccounts',
    'services',
    'services/status',
  ];
  const writable = [
    'configmaps',
    'events',
    'persistentvolumeclaims',
    'pods',
    'pods/attach',
    'pods/exec',
    'pods/portforward',
    'secrets',
    'serviceaccounts',
    'services',
  ];
  for (const role of ['edit', 'admin']) {
    for (const verb of ['create', 'update', 'patch', 'delete', 'deletecollection']) {
      t.same(allowed(role, verb, '', core), writable, `${role} ${verb}`);
      t.same(allowed(role, verb, 'discovery.k8s.io', ['endpointslices']), []);
      t.same(
        allowed(role, verb, 'apps', ['deployments', 'deployments/scale', 'deployments/status', 'controllerrevisions']),
        ['deployments', 'deployments/scale'],
      );
      t.same(
        allowed(role, verb, 'rbac.authorization.k8s.io', ['roles', 'clusterroles']),
        role === 'admin' ? ['roles'] : [],
      );
    }
    t.same(allowed(role, 'create', '', ['pods/eviction', 'serviceaccounts/token']), [
      'pods/eviction',
      'serviceaccounts/token',
    ]);
    t.same(allowed(role, 'impersonate', '', ['serviceaccounts', 'users', 'groups']), ['serviceaccounts']);
  }
  for (const verb of ['create', 'update', 'patch', 'delete', 'deletecollection', 'impersonate']) {
    t.same(allowed('view', verb, '', [...core, 'pods/eviction', 'serviceaccounts/token']), [], verb);
  }
  t.same(allowed('view', 'get', '', ['secrets', 'pods/exec', 'configmaps']), ['configmaps']);
});

t.test('the ClusterRoles of the agents allow no read of a Secret and no write of endpoints', async (t) => {
  for (const role of ['system:ingress', 'system:dns', 'system:node-proxier', 'k8ts:node-proxier']) {
    for (const verb of ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']) {
      t.same(allowed(role, verb, '', ['secrets', 'serviceaccounts/token']), [], `${role} ${verb}`);
    }
    for (const verb of ['create', 'update', 'patch', 'delete']) {
      t.same(allowed(role, verb, 'discovery.k8s.io', ['endpointslices']), [], `${role} ${verb}`);
      t.same(allowed(role, verb, '', ['endpoints', 'pods', 'services', 'nodes']), [], `${role} ${verb}`);
    }
  }
});

t.test('a refusal of a kind of path.k8ts.io names the role that has the right', async (t) => {
  const refusal = (verb: string, group: string, resource: string) => {
    const attributes = { verb, group, resource, subresource: '', namespace: '', name: '' };
    const kind = { group, version: 'v1', kind: 'X', plural: resource, namespaced: false };
    return forbiddenResource({ name: 'jane', groups: [] }, attributes, kind, 'a reason').message;
  };
  const cannot = 'is forbidden: User "jane" cannot';
  t.equal(
    refusal('create', 'path.k8ts.io', 'packetpaths'),
    `packetpaths.path.k8ts.io ${cannot} create resource "packetpaths" in API group "path.k8ts.io" at the cluster scope: a reason; ` +
      'ClusterRole k8ts:path has this right',
  );
  for (const [verb, resource, role] of [
    ['create', 'hopreports', 'path'],
    ['create', 'packetprobes', 'path-probe'],
    ['get', 'nodetraffics', 'traffic'],
  ] as const) {
    t.match(refusal(verb, 'path.k8ts.io', resource), `; ClusterRole k8ts:${role} has this right`);
  }
  t.equal(
    refusal('get', '', 'pods'),
    `pods ${cannot} get resource "pods" in API group "" at the cluster scope: a reason`,
  );
  t.notMatch(refusal('delete', 'path.k8ts.io', 'nodetraffics'), 'ClusterRole', 'no role has it');
});

// The role reads Secrets: the node authorizer allows a kubelet only those of its own pods.
t.test('no user has the role system:node', async (t) => {
  const bindings = bootstrapClusterRoleBindings.filter(({ roleRef }) => roleRef.name === 'system:node');
  t.same(
    bindings.map(({ subjects }) => subjects),
    [undefined],
  );
});

t.test('each controller of upstream has its role, and only its ServiceAccount has it', async (t) => {
  const prefix = 'system:controller:';
  const names = bootstrapClusterRoles
    .map(({ metadata }) => metadata?.name ?? '')
    .filter((name) => name.startsWith(prefix));
  t.equal(names.length, 38);
  for (const name of names) {
    const subjects = bootstrapClusterRoleBindings
      .filter(({ roleRef }) => roleRef.name === name)
      .flatMap(({ subjects = [] }) => subjects);
    t.same(subjects, [{ kind: 'ServiceAccount', name: name.slice(prefix.length), namespace: 'kube-system' }], name);
  }
});
