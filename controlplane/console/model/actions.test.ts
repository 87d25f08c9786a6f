import t from 'tap';
import { actionsOf, needsTypedName, questionOf, restartPatch } from './actions';
import type { Resource } from './discovery';

const resource = (plural: string, group: string, verbs: string[], subresources: string[] = []): Resource => ({
  group,
  version: 'v1',
  plural,
  kind: plural,
  namespaced: true,
  verbs,
  subresources,
});

t.test('the actions of a kind', async (t) => {
  const all = ['get', 'list', 'update', 'delete', 'patch'];
  t.strictSame(actionsOf(resource('pods', '', all, ['log', 'exec', 'status'])), ['edit', 'logs', 'exec', 'delete']);
  t.strictSame(actionsOf(resource('deployments', 'apps', all, ['scale'])), ['edit', 'scale', 'restart', 'delete']);
  t.strictSame(actionsOf(resource('deployments', 'example.com', all)), ['edit', 'delete']);
  t.strictSame(actionsOf(resource('nodes', 'metrics.k8s.io', ['get', 'list'])), []);
});

t.test('the permission of an action', async (t) => {
  t.strictSame(questionOf('exec', resource('pods', '', []), 'a', 'web'), {
    group: '',
    version: 'v1',
    resource: 'pods',
    namespace: 'a',
    name: 'web',
    verb: 'create',
    subresource: 'exec',
  });
});

t.test('what needs the name', async (t) => {
  t.ok(needsTypedName({ plural: 'namespaces', group: '' }));
  t.ok(needsTypedName({ plural: 'customresourcedefinitions', group: 'apiextensions.k8s.io' }));
  t.notOk(needsTypedName({ plural: 'namespaces', group: 'example.com' }));
  t.match(restartPatch(0), '1970-01-01T00:00:00.000Z');
});
