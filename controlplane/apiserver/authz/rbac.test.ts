// Bindings that change while the server runs, over real HTTPS: each write changes the grants of one binding.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
const user = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name });
const binding = (name: string, role: string, ...subjects: object[]) => ({
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
  subjects,
});

t.test('grants follow their bindings', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const jane = await server.identity('jane');
  const joe = await server.identity('joe');
  const reads = async (as: typeof jane) => (await server.call('GET', '/api/v1/namespaces/default/pods', { as })).status;
  const put = (body: ReturnType<typeof binding>) =>
    server.call('PUT', `${rbac}/rolebindings/${body.metadata.name}`, { body });
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }];
  for (const name of ['one', 'two'])
    await server.call('POST', `${rbac}/roles`, { body: { metadata: { name }, rules } });
  for (const [name, role] of [
    ['a', 'one'],
    ['b', 'two'],
  ] as const) {
    await server.call('POST', `${rbac}/rolebindings`, { body: binding(name, role, user('jane'), user('jane')) });
  }
  t.same([await reads(jane), await reads(joe)], [200, 403]);
  await put(binding('a', 'one', user('joe'), user('joe')));
  t.same([await reads(jane), await reads(joe)], [200, 200], 'the other binding still names jane');
  await put(binding('b', 'two', user('joe')));
  t.same([await reads(jane), await reads(joe)], [403, 200]);
  await server.call('DELETE', `${rbac}/rolebindings/a`);
  t.equal(await reads(joe), 200, 'one of two bindings is left');
  await server.call('DELETE', `${rbac}/rolebindings/b`);
  t.equal(await reads(joe), 403);
});

t.test('a role counts once, however many bindings and subjects name it', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const as = await server.identity('jane');
  const rules = [{ apiGroups: ['x'], resources: ['ys'], verbs: ['get'] }];
  await server.call('POST', `${rbac}/roles`, { body: { metadata: { name: 'one' }, rules } });
  for (const name of ['a', 'b', 'c']) {
    const subjects = Array(50).fill(user('jane'));
    await server.call('POST', `${rbac}/rolebindings`, { body: binding(name, 'one', ...subjects) });
  }
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace: 'default' },
  };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const { resourceRules } = (await server.call('POST', path, { as, body: review })).json.status;
  t.equal(resourceRules.filter((rule: { apiGroups: string[] }) => rule.apiGroups.includes('x')).length, 1);
});
