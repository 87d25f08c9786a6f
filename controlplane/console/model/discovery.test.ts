import t from 'tap';
import { isListed, resourceOfKind, resourcesOf } from './discovery';

const kind = (resource: string, name: string, verbs = ['list']) => ({
  resource,
  scope: 'Namespaced',
  verbs,
  responseKind: { kind: name },
  subresources: [{ subresource: 'scale' }],
});
const resources = resourcesOf([
  {
    items: [
      {
        metadata: {},
        versions: [{ version: 'v1', resources: [kind('pods', 'Pod'), kind('bindings', 'Binding', ['create'])] }],
      },
    ],
  },
  {
    items: [
      {
        metadata: { name: 'autoscaling' },
        versions: [
          { version: 'v2', resources: [kind('hpas', 'HPA')] },
          { version: 'v1', resources: [kind('hpas', 'HPA'), kind('older', 'Older')] },
        ],
      },
    ],
  },
  {},
]);

t.test('each resource once, in its preferred version', async (t) => {
  t.strictSame(
    resources.map(({ group, version, plural }) => [group, version, plural].join('/')),
    ['/v1/pods', '/v1/bindings', 'autoscaling/v2/hpas', 'autoscaling/v1/older'],
  );
  t.match(resources[0], { kind: 'Pod', namespaced: true, subresources: ['scale'] });
});

t.test('what can be listed, and the resource of an owner', async (t) => {
  t.strictSame(resources.filter(isListed).length, 3);
  t.equal(resourceOfKind(resources, 'autoscaling/v1', 'HPA')?.plural, 'hpas');
  t.equal(resourceOfKind(resources, 'v1', 'Pod')?.plural, 'pods');
  t.equal(resourceOfKind(resources, 'apps/v1', 'Pod'), undefined);
});
