// Impersonation over real HTTPS: which user the request acts as, and which permission each part of that user needs.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import type { KeyPair } from '../../pki/certificate';

type Sent = Readonly<Record<string, string | string[]>>;
const reviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const rbac = '/apis/rbac.authorization.k8s.io/v1';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const ask = (headers: Sent, as?: KeyPair | null) =>
  server.call('POST', reviews, { headers, body: {}, ...(as === undefined ? {} : { as }) });

/** A user whose only permissions to impersonate are these rules. */
async function actor(name: string, rules: object[]): Promise<KeyPair> {
  await server.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name }, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }];
  await server.call('POST', `${rbac}/clusterrolebindings`, { body: { metadata: { name }, roleRef, subjects } });
  return server.identity(name);
}
const may = (group: string, resource: string, ...names: string[]) => ({
  apiGroups: [group],
  resources: [resource],
  verbs: ['impersonate'],
  ...(names.length > 0 ? { resourceNames: names } : {}),
});

t.test('a request acts as the impersonated user, account, groups, uid and extra', async (t) => {
  // This binding lets users in system:unauthenticated ask for their own identity.
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:basic-user' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }];
  const binding = { metadata: { name: 'basic' }, roleRef, subjects };
  await server.call('POST', `${rbac}/clusterrolebindings`, { body: binding });
  const become = async (headers: Sent) => (await ask(headers)).json.status.userInfo;
  const authenticated = 'system:authenticated';
  t.same(await become({ 'impersonate-user': 'joe' }), { username: 'joe', groups: [authenticated] });
  t.same(
    await become({
      'impersonate-user': 'joe',
      'impersonate-group': ['a,b', 'c'],
      'impersonate-uid': '7',
      'impersonate-extra-scopes': ['x', 'y, z'],
      'impersonate-extra-acme.com%2Fproject': 'p',
      'impersonate-extra-100%': 'q',
      'impersonate-extra-__proto__': 'r',
    }),
    {
      username: 'joe',
      uid: '7',
      groups: ['a,b', 'c', authenticated],
      extra: JSON.parse('{"scopes":["x","y, z"],"acme.com/project":["p"],"100%":["q"],"__proto__":["r"]}'),
    },
    'each header value is one value, commas included',
  );
  t.same(await become({ 'impersonate-user': 'system:anonymous' }), {
    username: 'system:anonymous',
    groups: ['system:unauthenticated'],
  });
  t.same(await become({ 'impersonate-user': 'joe', 'impersonate-group': 'system:unauthenticated' }), {
    username: 'joe',
    groups: ['system:unauthenticated'],
  });
  t.same(await become({ 'impersonate-user': 'system:serviceaccount:ns:bot' }), {
    username: 'system:serviceaccount:ns:bot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', authenticated],
  });
  t.same((await become({ 'impersonate-user': 'system:serviceaccount:ns:bot', 'impersonate-group': 'g' })).groups, [
    'g',
    authenticated,
  ]);
  t.same((await become({ 'impersonate-user': 'system:serviceaccount:Not_A:name' })).groups, [authenticated]);
  t.same((await become({ 'impersonate-user': ['first', 'second'] })).username, 'first');
});

t.test('groups, uid or extra without a user name are an error', async (t) => {
  for (const headers of [
    { 'impersonate-group': 'g' },
    { 'impersonate-uid': '7' },
    { 'impersonate-extra-scopes': 'x' },
    { 'impersonate-user': '', 'impersonate-group': 'g' },
  ] as Sent[]) {
    const { json } = await ask(headers);
    t.match(json, { code: 500, reason: 'InternalError', message: /without a user name/ }, JSON.stringify(headers));
  }
  t.equal((await ask({ 'impersonate-user': 'joe' }, null)).status, 401, 'an anonymous request may not impersonate');
  t.equal((await ask({ 'impersonate-group': 'g' }, null)).status, 401);
});

t.test('each part of the user needs its own permission', async (t) => {
  const actors = {
    user: await actor('as-user', [may('', 'users')]),
    group: await actor('as-group', [may('', 'users'), may('', 'groups', 'dev')]),
    uid: await actor('as-uid', [may('', 'users'), may('authentication.k8s.io', 'uids', '7')]),
    extra: await actor('as-extra', [may('', 'users'), may('authentication.k8s.io', 'userextras/scopes', 'x')]),
    account: await actor('as-account', [may('', 'serviceaccounts', 'bot')]),
  };
  const joe = { 'impersonate-user': 'joe' };
  const cases: [keyof typeof actors, Sent, string | undefined][] = [
    ['user', joe, undefined],
    ['user', { ...joe, 'impersonate-group': 'dev' }, 'groups "dev" is forbidden'],
    ['user', { ...joe, 'impersonate-uid': '7' }, 'uids.authentication.k8s.io "7" is forbidden'],
    ['user', { ...joe, 'impersonate-extra-scopes': 'x' }, 'cannot impersonate resource "userextras/scopes"'],
    ['user', { 'impersonate-user': 'system:serviceaccount:ns:bot' }, 'resource "serviceaccounts" in API group ""'],
    ['group', { ...joe, 'impersonate-group': 'dev' }, undefined],
    ['group', { ...joe, 'impersonate-group': ['dev', 'system:masters'] }, 'groups "system:masters" is forbidden'],
    ['group', { ...joe, 'impersonate-group': 'dev,system:masters' }, 'groups "dev,system:masters" is forbidden'],
    ['uid', { ...joe, 'impersonate-uid': '7' }, undefined],
    ['uid', { ...joe, 'impersonate-uid': '8' }, 'uids.authentication.k8s.io "8"'],
    ['extra', { ...joe, 'impersonate-extra-scopes': 'x' }, undefined],
    ['extra', { ...joe, 'impersonate-extra-Scopes': ['x', 'y'] }, 'userextras.authentication.k8s.io "y"'],
    ['extra', { ...joe, 'impersonate-extra-other': 'x' }, 'resource "userextras/other"'],
    ['account', { 'impersonate-user': 'system:serviceaccount:ns:bot' }, undefined],
    ['account', { 'impersonate-user': 'system:serviceaccount:ns:other' }, 'in the namespace "ns"'],
    ['account', joe, 'users "joe" is forbidden'],
  ];
  for (const [name, headers, refusal] of cases) {
    const { json } = await ask(headers, actors[name]);
    const what = `${name} ${JSON.stringify(headers)}`;
    if (refusal === undefined) t.equal(json.kind, 'SelfSubjectReview', what);
    else t.ok(json.code === 403 && json.message.includes(refusal), `${what}: ${json.message}`);
  }
});

t.test('a request with an Upgrade header also acts as the impersonated user', async (t) => {
  const path = '/api/v1/namespaces/default/pods/none/exec?command=x';
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
  t.equal(
    (await server.call('GET', path, { headers: upgrade })).status,
    404,
    "the administrator's request reaches the pod lookup",
  );
  const joe = await server.call('GET', path, { headers: { ...upgrade, 'impersonate-user': 'joe' } });
  t.match(joe.json, { code: 403, message: /User "joe" cannot get resource "pods\/exec"/ });
  const half = await server.call('GET', path, { headers: { ...upgrade, 'impersonate-group': 'g' } });
  t.equal(half.status, 500);
});
