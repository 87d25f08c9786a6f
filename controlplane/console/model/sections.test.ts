import t from 'tap';
import type { Resource } from './discovery';
import { resourceOfKey, sectionsOf } from './sections';

const resource = (plural: string, group = '', verbs = ['list']): Resource => ({
  group,
  version: 'v1',
  plural,
  kind: plural,
  namespaced: true,
  verbs,
  subresources: [],
});

t.test('known kinds have their section, all others the last one', async (t) => {
  const resources = [
    resource('widgets', 'z.example.com'),
    resource('gadgets', 'a.example.com'),
    resource('services'),
    resource('deployments', 'apps'),
    resource('pods'),
    resource('pods', 'metrics.k8s.io'),
    resource('events', 'events.k8s.io'),
    resource('bindings', '', ['create']),
  ];
  t.strictSame(
    sectionsOf(resources).map(({ id, resources: list }) => [
      id,
      ...list.map(({ plural, group }) => `${plural}.${group}`),
    ]),
    [
      ['workloads', 'pods.', 'deployments.apps'],
      ['network', 'services.'],
      ['more', 'gadgets.a.example.com', 'pods.metrics.k8s.io', 'widgets.z.example.com'],
    ],
  );
  t.equal(resourceOfKey(resources, 'd')?.plural, 'deployments');
  t.equal(resourceOfKey(resources, 'x'), undefined);
  t.equal(resourceOfKey([], 'p'), undefined);
});
