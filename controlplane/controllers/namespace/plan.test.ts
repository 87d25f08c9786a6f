import t from 'tap';
import type { Namespace } from '../../api/namespace';
import type { KubeObject } from '../../api/types';
import { planConditions, planDeletions, type Remaining } from './plan';

const now = Date.parse('2026-01-01T00:00:00Z');
const object = (name: string, over: object = {}): KubeObject => ({ metadata: { name, namespace: 'a', ...over } });
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const namespace = (status: object = {}): Namespace => ({ metadata: { name: 'a', ...deleting } as never, status });

const names = (list: readonly Remaining[]) =>
  list.map(({ resource, objects }) => `${resource}: ${objects.map(({ metadata }) => metadata?.name).join()}`);

t.test('which objects are deleted next', async (t) => {
  const secrets = { resource: 'secrets', objects: [object('s')] };
  const pods = { resource: 'pods', objects: [object('p'), object('q', deleting)] };
  const cases: { name: string; remaining: Remaining[]; expected: string[] }[] = [
    { name: 'pods first, without those that are being deleted', remaining: [secrets, pods], expected: ['pods: p'] },
    {
      name: 'nothing else while pods terminate',
      remaining: [secrets, { resource: 'pods', objects: [object('q', deleting)] }],
      expected: [],
    },
    {
      name: 'then all other objects',
      remaining: [secrets, { resource: 'pods', objects: [] }, { resource: 'deployments.apps', objects: [object('d')] }],
      expected: ['secrets: s', 'deployments.apps: d'],
    },
    { name: 'nothing left', remaining: [{ resource: 'pods', objects: [] }], expected: [] },
  ];
  for (const { name, remaining, expected } of cases) t.same(names(planDeletions(remaining)), expected, name);
});

const conditionsOf = (status: Namespace['status']) =>
  Object.fromEntries(
    (status?.conditions ?? []).map(({ type, status: value, message }) => [type, `${value} ${message}`]),
  );

t.test('conditions of a namespace that is being deleted', async (t) => {
  const held = object('h', { ...deleting, finalizers: ['example.com/hold'] });
  const remaining = [
    { resource: 'pods', objects: [object('p'), object('q')] },
    { resource: 'configmaps', objects: [held] },
    { resource: 'deployments.apps', objects: [object('d')] },
  ];
  const status = planConditions(namespace(), remaining, undefined, now);
  t.equal(status?.phase, 'Terminating');
  t.match(conditionsOf(status), {
    NamespaceDeletionContentFailure: /^False/,
    NamespaceContentRemaining:
      'True Some resources are remaining: pods. has 2 resource instances, configmaps. has 1 resource instances, deployments.apps has 1 resource instances',
    NamespaceFinalizersRemaining:
      'True Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
  });
  t.equal(
    planConditions(namespace(status), remaining, undefined, now + 1000),
    undefined,
    'unchanged conditions are not written again',
  );
  const failed = planConditions(namespace(status), [], 'cannot delete x', now + 1000);
  t.match(conditionsOf(failed), {
    NamespaceDeletionContentFailure: 'True cannot delete x',
    NamespaceContentRemaining: /^False/,
    NamespaceFinalizersRemaining: /^False/,
  });
});
