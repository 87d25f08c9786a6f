import t from 'tap';
import type { ClusterRole } from '../../api/index';
import type { PolicyRule } from '../../api/rbac';
import { planRules } from './plan';

const rule = (resource: string, ...verbs: string[]): PolicyRule => ({
  apiGroups: [''],
  resources: [resource],
  verbs: verbs.length > 0 ? verbs : ['get'],
});
const role = (name: string, labels: Record<string, string>, ...rules: PolicyRule[]): ClusterRole => ({
  metadata: { name, labels },
  rules,
});
type Selectors = NonNullable<ClusterRole['aggregationRule']>['clusterRoleSelectors'];
const aggregated = (clusterRoleSelectors: Selectors, ...rules: PolicyRule[]): ClusterRole => ({
  ...role('sum', { to: 'sum' }, ...rules),
  aggregationRule: { clusterRoleSelectors },
});
const toSum = { matchLabels: { to: 'sum' } };
const [a, b, c] = [rule('a'), rule('b'), rule('c')];

interface Case {
  readonly name: string;
  readonly role: ClusterRole;
  readonly others?: readonly ClusterRole[];
  /** Absent: nothing to write. */
  readonly expected?: readonly PolicyRule[];
}
const cases: readonly Case[] = [
  {
    name: 'the union of the roles that match',
    role: aggregated([toSum]),
    others: [role('x', { to: 'sum' }, a, b), role('y', { to: 'other' }, c), role('z', {}, c)],
    expected: [a, b],
  },
  {
    name: 'by the names of the roles, however they are listed',
    role: aggregated([toSum]),
    others: [role('z', { to: 'sum' }, a), role('system:y', { to: 'sum' }, b), role('edit', { to: 'sum' }, c)],
    expected: [c, b, a],
  },
  {
    name: 'the selectors come first, then the names',
    role: aggregated([{ matchLabels: { late: 'yes' } }, toSum]),
    others: [role('x', { to: 'sum' }, a), role('y', { to: 'sum' }, b), role('z', { to: 'sum', late: 'yes' }, c)],
    expected: [c, a, b],
  },
  {
    name: 'expressions select too',
    role: aggregated([{ matchExpressions: [{ key: 'to', operator: 'In', values: ['sum', 'x'] }] }]),
    others: [role('x', { to: 'x' }, a), role('y', { to: 'y' }, b)],
    expected: [a],
  },
  {
    name: 'an empty selector selects all, but never the role itself',
    role: aggregated([{}], c),
    others: [role('x', {}, a), aggregated([{}], c)],
    expected: [a],
  },
  {
    name: 'an equal rule stands once; an absent list is an empty one',
    role: aggregated([toSum]),
    others: [role('x', { to: 'sum' }, a, b), role('y', { to: 'sum' }, { ...a, resourceNames: [] }, c)],
    expected: [a, b, c],
  },
  {
    name: 'rules that differ in the order of verbs or in a name are two',
    role: aggregated([toSum]),
    others: [
      role('x', { to: 'sum' }, rule('a', 'get', 'list'), rule('a', 'list', 'get')),
      role('y', { to: 'sum' }, { ...rule('a', 'get', 'list'), resourceNames: ['n'] }),
    ],
    expected: [
      rule('a', 'get', 'list'),
      rule('a', 'list', 'get'),
      { ...rule('a', 'get', 'list'), resourceNames: ['n'] },
    ],
  },
  {
    name: 'paths are not resources',
    role: aggregated([toSum]),
    others: [
      role('x', { to: 'sum' }, { verbs: ['get'], nonResourceURLs: ['a'] }, { verbs: ['get'], resources: ['a'] }),
    ],
    expected: [
      { verbs: ['get'], nonResourceURLs: ['a'] },
      { verbs: ['get'], resources: ['a'] },
    ],
  },
  { name: 'nothing changed', role: aggregated([toSum], a, b), others: [role('x', { to: 'sum' }, a, b)] },
  {
    name: 'the same rules in another order',
    role: aggregated([toSum], b, a),
    others: [role('x', { to: 'sum' }, a, b)],
    expected: [a, b],
  },
  {
    name: 'what a user added goes',
    role: aggregated([toSum], a, c),
    others: [role('x', { to: 'sum' }, a)],
    expected: [a],
  },
  { name: 'nothing matches any more', role: aggregated([toSum], a), expected: [] },
  { name: 'nothing matches, and there are no rules', role: { ...aggregated([toSum]), rules: undefined } },
  { name: 'a role without an aggregationRule', role: role('sum', {}, a), others: [role('x', {}, b)] },
];
for (const { name, role, others = [], expected } of cases) {
  t.test(name, async (t) => {
    t.same(planRules(role, [...others, role]), expected);
  });
}
