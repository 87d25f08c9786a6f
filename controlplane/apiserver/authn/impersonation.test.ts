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
    t.match(
      json,
      { code: 400, reason: 'BadRequest', message: /^requested &user.DefaultInfo/ },
      JSON.stringify(headers),
    );
  }
  t.equal((await ask({ 'impersonate-user': 'joe' }, null)).status, 403, 'an anonymous request may not impersonate');
  t.equal((await ask({ 'impersonate-group': 'g' }, null)).status, 400);
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
    ['user', { ...joe, 'impersonate-group': 'dev' }, 'user-info'],
    ['user', { ...joe, 'impersonate-uid': '7' }, 'user-info'],
    ['user', { ...joe, 'impersonate-extra-scopes': 'x' }, 'user-info'],
    ['user', { 'impersonate-user': 'system:serviceaccount:ns:bot' }, 'serviceaccount'],
    ['group', { ...joe, 'impersonate-group': 'dev' }, undefined],
    ['group', { ...joe, 'impersonate-group': ['dev', 'system:masters'] }, 'user-info'],
    ['group', { ...joe, 'impersonate-group': 'dev,system:masters' }, 'user-info'],
    ['uid', { ...joe, 'impersonate-uid': '7' }, undefined],
    ['uid', { ...joe, 'impersonate-uid': '8' }, 'user-info'],
    ['extra', { ...joe, 'impersonate-extra-scopes': 'x' }, undefined],
    ['extra', { ...joe, 'impersonate-extra-Scopes': ['x', 'y'] }, 'user-info'],
    ['extra', { ...joe, 'impersonate-extra-other': 'x' }, 'user-info'],
    ['account', { 'impersonate-user': 'system:serviceaccount:ns:bot' }, undefined],
    ['account', { 'impersonate-user': 'system:serviceaccount:ns:other' }, 'serviceaccount'],
    ['account', joe, 'user-info'],
  ];
  for (const [name, headers, refusal] of cases) {
    const { json } = await ask(headers, actors[name]);
    const what = `${name} ${JSON.stringify(headers)}`;
    if (refusal === undefined) t.equal(json.kind, 'SelfSubjectReview', what);
    else {
      // The first mode that was tried explains the refusal.
      const lacking = `cannot impersonate-on:${refusal}:create resource "selfsubjectreviews"`;
      t.ok(json.code === 403 && json.message.includes(lacking), `${what}: ${json.message}`);
    }
  }
});

t.test('the narrower permissions of KEP-5284: for the user, and for the request', async (t) => {
  const group = 'authentication.k8s.io';
  const rule = (verb: string, resource: string, ...names: string[]) => ({
    ...may(group, resource, ...names),
    verbs: [verb],
  });
  const on = (mode: string) => rule(`impersonate-on:${mode}:create`, 'selfsubjectreviews');
  const reader = await actor('narrow', [
    on('user-info'),
    rule('impersonate:user-info', 'users', 'joe'),
    rule('impersonate:user-info', 'groups', 'dev'),
    on('serviceaccount'),
    rule('impersonate:serviceaccount', 'serviceaccounts', 'bot'),
    on('arbitrary-node'),
    rule('impersonate:arbitrary-node', 'nodes', 'n1'),
  ]);
  const become = async (headers: Sent) => (await ask(headers, reader)).json;
  const joe = { 'impersonate-user': 'joe' };
  t.same((await become({ ...joe, 'impersonate-group': 'dev' })).status.userInfo.groups, [
    'dev',
    'system:authenticated',
  ]);
  t.same((await become({ 'impersonate-user': 'system:node:n1' })).status.userInfo.groups, [
    'system:nodes',
    'system:authenticated',
  ]);
  t.same((await become({ 'impersonate-user': 'system:serviceaccount:ns:bot' })).status.userInfo.groups, [
    'system:serviceaccounts',
    'system:serviceaccounts:ns',
    'system:authenticated',
  ]);
  const cannot = (what: string, asked: string) => `${what} is forbidden: User "narrow" cannot ${asked}`;
  const refusals: readonly (readonly [Sent, string])[] = [
    [
      { ...joe, 'impersonate-group': 'ops' },
      cannot(
        'groups.authentication.k8s.io "ops"',
        'impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope',
      ),
    ],
    [
      { ...joe, 'impersonate-group': 'system:masters' },
      cannot(
        'groups.authentication.k8s.io "system:masters"',
        'impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope: ' +
          'impersonating the system:masters group is not allowed',
      ),
    ],
    [
      { 'impersonate-user': 'system:node:n2' },
      cannot(
        'nodes.authentication.k8s.io "n2"',
        'impersonate:arbitrary-node resource "nodes" in API group "authentication.k8s.io" at the cluster scope',
      ),
    ],
    [
      { ...joe, 'impersonate-extra-scopes': 'x' },
      cannot(
        'userextras.authentication.k8s.io',
        'impersonate:user-info resource "userextras" in API group "authentication.k8s.io" at the cluster scope: ' +
          'impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "scopes": ' +
          'must be a domain-prefixed path (such as "acme.io/foo")',
      ),
    ],
  ];
  for (const [headers, message] of refusals) t.equal((await become(headers)).message, message, JSON.stringify(headers));
  const pods = await server.call('GET', '/api/v1/namespaces/default/pods', { as: reader, headers: joe });
  t.match(pods.json.message, /User "narrow" cannot impersonate-on:user-info:list resource "pods"/);
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
  t.equal(half.status, 400);
});
