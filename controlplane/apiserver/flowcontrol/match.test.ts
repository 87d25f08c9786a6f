// Which FlowSchema takes which request: the objects of every cluster, and rules of all forms.
import t from 'tap';
import { mandatoryFlows, suggestedFlows } from '../../api/flow-control/bootstrap-objects';
import { configMaps, deployments, type FlowSchema, leases, nodes, pods } from '../../api/index';
import type { Kind } from '../../api/kind';
import { type Asked, inOrder, matchesAll, matchesRules, rulesFor } from './match';

const resource = (verb: 'get' | 'create' | 'update', kind: Kind, namespace = '', subresource = ''): Asked => ({
  verb,
  kind,
  namespace,
  subresource,
});
const all = inOrder([...suggestedFlows, ...mandatoryFlows]);
const authenticated = 'system:authenticated';
const account = (namespace: string, name: string) => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', authenticated],
});
const node = { name: 'system:node:n', groups: ['system:nodes', authenticated] };
const manager = { name: 'system:kube-controller-manager', groups: [authenticated] };
const anonymous = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

const cases: readonly (readonly [{ name: string; groups: string[] }, Asked, string])[] = [
  [{ name: 'root', groups: ['system:masters'] }, resource('get', pods, 'a'), 'exempt'],
  [anonymous, { verb: 'get', path: '/healthz' }, 'probes'],
  [anonymous, { verb: 'get', path: '/readyz/ping' }, 'probes'],
  [anonymous, { verb: 'get', path: '/readyzz' }, 'global-default'],
  [node, resource('update', nodes, '', 'status'), 'system-node-high'],
  [node, resource('get', leases, 'kube-node-lease'), 'system-node-high'],
  [node, resource('get', pods, 'a'), 'system-nodes'],
  [manager, resource('update', leases, 'kube-system'), 'system-leader-election'],
  [manager, resource('get', pods, 'a'), 'kube-controller-manager'],
  [account('kube-system', 'x'), resource('get', pods, 'a'), 'kube-system-service-accounts'],
  [account('a', 'x'), resource('get', deployments, 'a'), 'service-accounts'],
  [{ name: 'ann', groups: [authenticated] }, resource('get', configMaps, 'a'), 'global-default'],
  [{ name: 'ann', groups: [] }, resource('get', configMaps, 'a'), 'none'],
];
for (const [user, asked, expected] of cases) {
  t.test(`${user.name}: ${'path' in asked ? asked.path : `${asked.verb} ${asked.kind.plural}`}`, async (t) => {
    const found = all.find((schema) => matchesRules(rulesFor(schema, user), asked));
    t.equal(found?.metadata?.name ?? 'none', expected);
  });
}

t.test('the rules of one schema', async (t) => {
  const subjects = [{ kind: 'User', user: { name: '*' } }];
  const rule = (more: object) => [
    { subjects, resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], ...more }] },
  ];
  const rows: readonly (readonly [string, object, Asked, boolean])[] = [
    ['the namespace', { namespaces: ['a'] }, resource('get', pods, 'a'), true],
    ['another namespace', { namespaces: ['a'] }, resource('get', pods, 'b'), false],
    ['of all namespaces, the cluster', { namespaces: ['*'] }, resource('get', pods), false],
    ['the cluster', { clusterScope: true }, resource('get', pods), true],
    ['another verb', { namespaces: ['*'] }, resource('create', pods, 'a'), false],
    ['another group', { namespaces: ['*'], apiGroups: ['apps'] }, resource('get', pods, 'a'), false],
    ['a subresource', { namespaces: ['*'] }, resource('get', pods, 'a', 'status'), false],
    [
      'its own subresource',
      { namespaces: ['*'], resources: ['pods/status'] },
      resource('get', pods, 'a', 'status'),
      true,
    ],
    ['a path', { namespaces: ['*'] }, { verb: 'get', path: '/version' }, false],
  ];
  for (const [name, more, asked, expected] of rows) t.equal(matchesRules(rule(more), asked), expected, name);
  const folder = [{ subjects, nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/a/*', '/b'] }] }];
  for (const [path, expected] of [
    ['/a', false],
    ['/a/x', true],
    ['/b', true],
    ['/b/x', true],
    ['/bc', false],
  ] as const) {
    t.equal(matchesRules(folder, { verb: 'get', path }), expected, path);
  }
  const everything = {
    subjects,
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  };
  t.equal(matchesAll([everything]), true);
  t.equal(matchesAll([{ ...everything, nonResourceRules: [] }]), false, 'no paths');
  const [rules] = everything.resourceRules;
  for (const part of [{ verbs: ['get'] }, { namespaces: ['a'] }, { clusterScope: false }, { resources: ['pods'] }]) {
    t.equal(matchesAll([{ ...everything, resourceRules: [{ ...rules!, ...part }] }]), false, JSON.stringify(part));
  }
  const ofAccounts = (name: string): FlowSchema => ({
    spec: {
      matchingPrecedence: 1,
      priorityLevelConfiguration: { name: 'x' },
      rules: [{ subjects: [{ kind: 'ServiceAccount', serviceAccount: { namespace: 'a', name } }] }],
    },
  });
  const counts = (name: string) =>
    [account('a', 'x'), account('ab', 'x'), account('a', 'y')].map((user) => rulesFor(ofAccounts(name), user).length);
  t.same(counts('x'), [1, 0, 0]);
  t.same(counts('*'), [1, 0, 1]);
});
