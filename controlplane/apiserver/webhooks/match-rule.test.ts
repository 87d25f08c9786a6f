import t from 'tap';
import type { Operation } from '../write/rule';
import { ruleMatches } from './match-rule';

const deployments = { group: 'apps', version: 'v1', plural: 'deployments', namespaced: true };
const pods = { group: '', version: 'v1', plural: 'pods', namespaced: true };
const nodes = { group: '', version: 'v1', plural: 'nodes', namespaced: false };
const namespaces = { group: '', version: 'v1', plural: 'namespaces', namespaced: false };
const all = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] };

const cases: readonly {
  readonly rule: object;
  readonly kind: typeof pods;
  readonly operation?: Operation;
  readonly subresource?: string;
  readonly matches: boolean;
}[] = [
  { rule: {}, kind: pods, matches: true },
  { rule: {}, kind: pods, subresource: 'status', matches: false },
  { rule: { operations: ['CREATE', 'UPDATE'] }, kind: pods, matches: true },
  { rule: { operations: ['CREATE', 'UPDATE'] }, kind: pods, operation: 'delete', matches: false },
  { rule: { operations: ['CONNECT'] }, kind: pods, operation: 'connect', matches: true },
  { rule: { apiGroups: [''] }, kind: pods, matches: true },
  { rule: { apiGroups: [''] }, kind: deployments, matches: false },
  { rule: { apiGroups: ['apps', ''] }, kind: deployments, matches: true },
  { rule: { apiVersions: ['v1beta1'] }, kind: deployments, matches: false },
  { rule: { resources: ['pods'] }, kind: pods, matches: true },
  { rule: { resources: ['pods'] }, kind: pods, subresource: 'exec', matches: false },
  { rule: { resources: ['pods/exec'] }, kind: pods, subresource: 'exec', matches: true },
  { rule: { resources: ['pods/exec'] }, kind: pods, matches: false },
  { rule: { resources: ['pods/*'] }, kind: pods, subresource: 'exec', matches: true },
  { rule: { resources: ['pods/*'] }, kind: pods, matches: true },
  { rule: { resources: ['*/scale'] }, kind: deployments, subresource: 'scale', matches: true },
  { rule: { resources: ['*/scale'] }, kind: deployments, matches: false },
  { rule: { resources: ['*/*'] }, kind: deployments, subresource: 'scale', matches: true },
  { rule: { resources: ['services', 'pods/status'] }, kind: pods, subresource: 'status', matches: true },
  { rule: { scope: 'Namespaced' }, kind: pods, matches: true },
  { rule: { scope: 'Namespaced' }, kind: nodes, matches: false },
  { rule: { scope: 'Cluster' }, kind: nodes, matches: true },
  { rule: { scope: 'Cluster' }, kind: namespaces, matches: true },
  { rule: { scope: 'Namespaced' }, kind: namespaces, matches: false },
  { rule: { scope: 'Cluster' }, kind: pods, matches: false },
  { rule: { scope: '*' }, kind: pods, matches: true },
  { rule: { resources: undefined }, kind: pods, matches: false },
];

t.test('which requests a rule matches', async (t) => {
  for (const { rule, kind, operation = 'create', subresource = '', matches } of cases) {
    const shown = `${JSON.stringify(rule)} ${operation} ${kind.plural}${subresource && `/${subresource}`}`;
    t.equal(ruleMatches({ ...all, ...rule }, { kind, operation, subresource }), matches, shown);
  }
});
