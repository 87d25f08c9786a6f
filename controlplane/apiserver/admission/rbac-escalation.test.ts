// A user cannot grant permissions that the user does not have, over real HTTPS.
import t from 'tap';
import { type CallOptions, startApiServer, type TestServer } from '../../../test/lib/api-server';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const local = `${rbac}/namespaces/default`;
const role = (name: string, rules: object[]) => ({ metadata: { name }, rules });
const readPods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] };
const secrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] };
const binding = (name: string, kind: string, to: string, user = 'x') => ({
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: to },
  subjects: [{ kind: 'User', name: user }],
});

let server: TestServer;
let as: NonNullable<CallOptions['as']>;
t.before(async () => {
  server = await startApiServer();
  as = await server.identity('eve', 'dev');
  const write = { apiGroups: ['rbac.authorization.k8s.io'], resources: ['*'], verbs: ['create', 'update', 'patch'] };
  await server.call('POST', `${rbac}/clusterroles`, { body: role('eve', [write, readPods]) });
  await server.call('POST', `${rbac}/clusterrolebindings`, { body: binding('eve', 'ClusterRole', 'eve', 'eve') });
  await server.call('POST', `${rbac}/clusterroles`, { body: role('secret-reader', [secrets]) });
});
t.teardown(() => server.close());

const refusal =
  'user "eve" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
  '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}';

t.test('a role may hold no more permissions than its writer', async (t) => {
  t.equal((await server.call('POST', `${local}/roles`, { as, body: role('held', [readPods]) })).status, 201);
  const created = await server.call('POST', `${local}/roles`, { as, body: role('more', [readPods, secrets]) });
  t.match(created.json, { code: 403, message: `roles.rbac.authorization.k8s.io "more" is forbidden: ${refusal}` });
  const cluster = await server.call('POST', `${rbac}/clusterroles`, { as, body: role('more', [secrets]) });
  t.match(cluster.json, {
    code: 403,
    message: `clusterroles.rbac.authorization.k8s.io "more" is forbidden: ${refusal}`,
  });
  const type = 'application/merge-patch+json';
  const patched = await server.call('PATCH', `${local}/roles/held`, { as, type, body: { rules: [secrets] } });
  t.match(patched.json, { code: 403, message: /not currently held/ });
  const noVerbs = await server.call('POST', `${local}/roles`, {
    as,
    body: role('broken', [{ apiGroups: [''], resources: ['pods'], verbs: [] }]),
  });
  t.equal(noVerbs.status, 422, 'an invalid role is refused by validation');
});

t.test('only who may do everything writes an aggregated role', async (t) => {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
  const path = `${rbac}/clusterroles`;
  const type = 'application/merge-patch+json';
  const message = /is forbidden: must have cluster-admin privileges to use the aggregationRule$/;
  const refused = { code: 403, message };
  const body = { ...role('all', []), aggregationRule };
  t.match((await server.call('POST', path, { as, body })).json, refused, 'create');
  t.equal((await server.call('POST', path, { body })).status, 201);
  const edit = (patch: object) => server.call('PATCH', `${path}/all`, { as, type, body: patch });
  t.match((await edit({ rules: [readPods] })).json, refused, 'rules');
  t.match((await edit({ aggregationRule: null })).json, refused, 'no aggregationRule any more');
  t.match((await edit({ rules: [secrets] })).json, { code: 403, message: /not currently held/ }, 'rules come first');
  t.equal((await edit({ metadata: { finalizers: ['example.com/a'] } })).status, 200, 'finalizers grant nothing');
});

t.test('lists that combine to millions of permissions', async (t) => {
  const many = (letter: string, count: number) => Array.from({ length: count }, (_, i) => `${letter}${i}`);
  const create = (rule: object) => server.call('POST', `${local}/roles?dryRun=All`, { as, body: role('many', [rule]) });
  const product = { apiGroups: many('g', 250), resources: many('r', 250), verbs: many('v', 250) };
  t.match((await create(product)).json, { code: 413, message: /combine to 15625000 permissions/ });
  const repeated = {
    apiGroups: Array(300).fill(''),
    resources: Array(300).fill('pods'),
    verbs: Array(300).fill('get'),
  };
  t.equal((await create(repeated)).status, 201, 'repeated values count once');
  const named = { ...readPods, resourceNames: many('n', 15_000) };
  t.equal((await create(named)).status, 201, 'a rule that one other rule covers is not split into single permissions');
  const some = { apiGroups: [''], resources: many('r', 50), verbs: many('v', 50) };
  t.match((await create(some)).json, { code: 403, message: /Resources:\["r0"\], Verbs:\["v0" "v1"/ });
});

t.test('a ServiceAccount without a namespace is in the namespace of the binding', async (t) => {
  const body = {
    ...binding('account', 'ClusterRole', 'secret-reader'),
    subjects: [{ kind: 'ServiceAccount', name: 'ed' }],
  };
  t.equal((await server.call('POST', `${local}/rolebindings`, { body })).status, 201);
  const allowed = async (namespace: string) => {
    const user = `system:serviceaccount:${namespace}:ed`;
    const spec = { user, resourceAttributes: { namespace: 'default', verb: 'get', resource: 'secrets' } };
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    return (await server.call('POST', path, { body: { spec } })).json.status?.allowed;
  };
  t.equal(await allowed('default'), true);
  t.equal(await allowed('kube-system'), false);
});

t.test('a binding may grant no more permissions than its writer holds', async (t) => {
  const held = await server.call('POST', `${local}/rolebindings`, { as, body: binding('held', 'ClusterRole', 'eve') });
  t.equal(held.status, 201);
  const more = await server.call('POST', `${local}/rolebindings`, {
    as,
    body: binding('more', 'ClusterRole', 'secret-reader'),
  });
  t.match(more.json, { code: 403, message: `rolebindings.rbac.authorization.k8s.io "more" is forbidden: ${refusal}` });
  const nowhere = await server.call('POST', `${local}/rolebindings`, { as, body: binding('n', 'Role', 'none') });
  t.match(nowhere.json, { code: 404, message: 'rolebindings.rbac.authorization.k8s.io "none" not found' });
});

t.test('the verbs escalate and bind allow more', async (t) => {
  const rules = [
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['escalate'] },
    {
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['clusterroles'],
      resourceNames: ['secret-reader'],
      verbs: ['bind'],
    },
  ];
  await server.call('POST', `${local}/roles`, { body: role('trusted', rules) });
  await server.call('POST', `${local}/rolebindings`, { body: binding('trusted', 'Role', 'trusted', 'eve') });
  t.equal((await server.call('POST', `${local}/roles`, { as, body: role('more', [secrets]) })).status, 201);
  const body = binding('more', 'ClusterRole', 'secret-reader');
  t.equal((await server.call('POST', `${local}/rolebindings`, { as, body })).status, 201);
  const cluster = await server.call('POST', `${rbac}/clusterrolebindings`, { as, body });
  t.equal(cluster.status, 403, 'only in this namespace');
});
