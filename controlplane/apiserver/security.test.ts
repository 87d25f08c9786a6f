// Authentication and authorization: certificates, tokens, RBAC, the node authorizer, reviews.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import type { KeyPair } from '../pki/certificate';
import { createAuthority, issueCertificate } from '../pki/issue';

let server: TestServer;
t.before(async () => {
  server = await startApiServer({ tokenFile: 'secret-token,robot,1,"ci,builders"\n' });
});
t.teardown(() => server.close());

const pods = '/api/v1/namespaces/default/pods';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const account = (name: string) => ({ metadata: { name } });

t.test('an anonymous user sees only health and version', async (t) => {
  for (const path of ['/healthz', '/livez', '/readyz', '/version']) {
    t.equal((await server.call('GET', path, { as: null })).status, 200, path);
  }
  t.equal((await server.call('GET', '/readyz?verbose', { as: null })).text.split('\n')[0], '[+]ping ok');
  for (const path of [pods, '/api', '/metrics', '/openapi/v2', '/apis/apps/v1', '/readyz/ping']) {
    const answer = await server.call('GET', path, { as: null });
    t.match(answer.json, { code: 403, reason: 'Forbidden', message: /User "system:anonymous" cannot/ }, path);
  }
  t.equal((await server.call('GET', pods, { as: null, headers: bearer('nonsense') })).status, 401);
  t.equal((await server.call('GET', '/version', { as: null, headers: bearer('nonsense') })).status, 401);
});

t.test('a certificate of another CA with the same name', async (t) => {
  const now = Date.now();
  const foreign = await createAuthority(new X509Certificate(server.ca).subject.replace(/^CN=/, ''), now);
  const usages = ['client'] as const;
  const pair = await issueCertificate(foreign, { commonName: 'jane', organizations: ['system:masters'], usages }, now);
  for (const path of ['/version', '/api', pods]) {
    t.equal((await server.call('GET', path, { as: pair })).status, 401, path);
  }
  // Also below HTTP: an error of the certificate is reported before an error of the request.
  const answerTo = async (identity: KeyPair | undefined) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca, ...identity });
    await once(socket, 'secureConnect');
    socket.write('no request at all\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    return text;
  };
  t.match(await answerTo(pair), /^HTTP\/1\.1 401 Unauthorized\r\n[\s\S]*"reason":"Unauthorized"/);
  t.match(await answerTo(await server.identity('jane')), /^HTTP\/1\.1 400 Bad Request\r\n/);
  t.match(await answerTo(undefined), /^HTTP\/1\.1 400 Bad Request\r\n/);
});

t.test('a certificate determines name and groups, RBAC decides', async (t) => {
  const jane = await server.identity('jane', 'dev');
  const denied = await server.call('GET', pods, { as: jane });
  t.match(denied.json, {
    code: 403,
    reason: 'Forbidden',
    message: 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
  });
  const cluster = await server.call('GET', '/apis/apps/v1/deployments', { as: jane });
  t.match(cluster.json.message, /deployments.apps is forbidden: .* in API group "apps" at the cluster scope$/);
  const path = await server.call('GET', '/metrics', { as: jane });
  t.equal(path.json.message, 'forbidden: User "jane" cannot get path "/metrics"');
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const role = { metadata: { name: 'reader' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] };
  t.equal((await server.call('POST', `${rbac}/roles`, { body: role })).status, 201);
  const binding = {
    metadata: { name: 'readers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'dev' }],
  };
  t.equal((await server.call('POST', `${rbac}/rolebindings`, { body: binding })).status, 201);
  t.equal((await server.call('GET', pods, { as: jane })).status, 200, 'a new binding is valid at once');
  t.equal((await server.call('GET', '/api/v1/namespaces/kube-system/pods', { as: jane })).status, 403);
  await server.call('DELETE', `${rbac}/rolebindings/readers`);
  t.equal((await server.call('GET', pods, { as: jane })).status, 403, 'a deleted binding is invalid at once');
});

const rbacPath = '/apis/rbac.authorization.k8s.io/v1';
const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

async function grant(namespace: string, user: string, rule: object): Promise<void> {
  const body = { metadata: { name: user }, rules: [rule] };
  await server.call('POST', `${rbacPath}/namespaces/${namespace}/roles`, { body });
  const binding = {
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  };
  const made = await server.call('POST', `${rbacPath}/namespaces/${namespace}/rolebindings`, { body: binding });
  if (made.status !== 201) throw new Error(made.text);
}

t.test('cached decisions of different requests are never mixed', async (t) => {
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'mine' } } });
  await grant('mine', 'owner', { apiGroups: ['*'], resources: ['*'], verbs: ['*'] });
  const owner = await server.identity('owner');
  const body = { metadata: { name: 'mine' }, stringData: { a: 'b' } };
  await server.call('POST', '/api/v1/namespaces/kube-system/secrets', { body });
  const list = '/api/v1/namespaces/kube-system/secrets?fieldSelector=metadata.name%3D';
  // With these separators the joined parts of each review equal those of another request.
  for (const separator of ['\n', '/', ':', ' ', ',', '\u0000']) {
    const [s, what] = [separator, JSON.stringify(separator)];
    const review = async (verb: string, resource: string, subresource: string) => {
      const resourceAttributes = { verb, resource, subresource, namespace: 'mine' };
      const { json } = await server.call('POST', reviews, { body: { spec: { resourceAttributes } }, as: owner });
      t.equal(json.status.allowed, true, 'the owner may do everything in this namespace');
    };
    await review('list', 'secrets', `${s}kube-system${s}`);
    t.equal((await server.call('GET', list + encodeURIComponent(`mine${s}${s}`), { as: owner })).status, 403, what);
    await review('get', 'nodes', `proxy${s}${s}n:`);
    const node = encodeURIComponent(`n:${s}mine${s}`);
    // A slash cannot be part of a name in a path.
    const { status } = await server.call('GET', `/api/v1/nodes/${node}/proxy/pods`, { as: owner });
    t.equal(status, s === '/' ? 400 : 403, what);
  }
});

t.test('authorization and selection read the selected name in the same way', async (t) => {
  await grant('default', 'picky', {
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: ['a'],
    verbs: ['list'],
  });
  const picky = await server.identity('picky');
  for (const name of ['a', 'b']) {
    await server.call('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name } } });
  }
  const ask = async (selector: string) => {
    const query = `fieldSelector=${encodeURIComponent(selector)}`;
    const { status, json } = await server.call('GET', `/api/v1/namespaces/default/configmaps?${query}`, { as: picky });
    return status === 200 ? json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name) : status;
  };
  t.same(await ask('metadata.name=a'), ['a']);
  t.same(await ask('metadata.name==a'), ['a']);
  t.same(await ask('metadata.name=a,metadata.name=b'), []);
  for (const selector of [
    'metadata.name!=a',
    'metadata.name=b',
    'metadata.namespace=default',
    'xmetadata.name=a',
    'metadata.namespace!=\\,metadata.name=a',
    ',',
  ]) {
    t.equal(await ask(selector), 403, selector);
  }
  // Authorization and selection both ignore the blanks, or neither does.
  for (const selector of [' metadata.name = a ', 'metadata.name=a ', 'metadata.name=\na']) {
    const found = await ask(selector);
    t.ok(found === 403 || (Array.isArray(found) && !found.includes('b')), `${JSON.stringify(selector)}: ${found}`);
  }
});

t.test('impersonation needs a permission', async (t) => {
  const as = { 'impersonate-user': 'joe' };
  const denied = await server.call('GET', pods, { headers: as });
  t.match(denied.json.message, /User "joe" cannot list resource "pods"/);
  const jane = await server.identity('jane');
  const refused = await server.call('GET', pods, { headers: { 'impersonate-user': 'kubernetes-admin' }, as: jane });
  t.match(refused.json.message, /User "jane" cannot impersonate-on:user-info:list resource "pods"/);
});

t.test('static tokens', async (t) => {
  const who = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    as: null,
    headers: bearer('secret-token'),
    body: {},
  });
  t.match(who.json.status.userInfo, { username: 'robot', groups: ['ci', 'builders', 'system:authenticated'] });
});

t.test('a ServiceAccount token is valid as long as its account and its bound object exist', async (t) => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await server.call('POST', accounts, { body: account('bot') });
  const short = await server.call('POST', `${accounts}/bot/token`, { body: { spec: { expirationSeconds: 5 } } });
  t.match(short.json, { code: 422, message: /may not specify a duration less than 10 minutes/ });
  const { json } = await server.call('POST', `${accounts}/bot/token`, { body: { spec: {} } });
  const { token } = json.status;
  const review = async (audiences?: string[]) =>
    (await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token, audiences } } }))
      .json.status;
  t.match(await review(), { authenticated: true, user: { username: 'system:serviceaccount:default:bot' } });
  t.notOk((await review(['elsewhere'])).authenticated);
  const asBot = await server.call('GET', pods, { as: null, headers: bearer(token) });
  t.match(asBot.json.message, /User "system:serviceaccount:default:bot" cannot list/);
  const tampered = `${token.slice(0, -4)}AAAA`;
  t.equal((await server.call('GET', '/api', { as: null, headers: bearer(tampered) })).status, 401);
  const [head, body, signature] = token.split('.');
  const respelled = [`${token}=`, `${head}=.${body}.${signature}`, token.replace('.', '. '), `${token}.`, `${token}+`];
  for (const odd of respelled) {
    const answer = await server.call('GET', '/api', { as: null, headers: bearer(odd) });
    t.equal(answer.status, 401, 'a token has one valid spelling');
  }
  await server.call('DELETE', `${accounts}/bot`);
  t.equal((await server.call('GET', '/api', { as: null, headers: bearer(token) })).status, 401);
  await server.call('POST', accounts, { body: account('bot') });
  t.equal(
    (await server.call('GET', '/api', { as: null, headers: bearer(token) })).status,
    401,
    'a new account with the same name does not accept it',
  );
});

t.test('a kubelet reads and writes only objects of its own node', async (t) => {
  const node = await server.identity('system:node:n1', 'system:nodes');
  const node2 = await server.identity('system:node:n2', 'system:nodes');
  const nodes = '/api/v1/nodes';
  t.equal((await server.call('POST', nodes, { body: { metadata: { name: 'n1' } }, as: node })).status, 201);
  const foreign = await server.call('POST', nodes, { body: { metadata: { name: 'n2' } }, as: node });
  t.match(foreign.json.message, /node "n1" is not allowed to modify node "n2"/);
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: account('default') });
  for (const name of ['used', 'unused']) {
    await server.call('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name } } });
  }
  const spec = {
    nodeName: 'n1',
    containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'used' } }] }],
  };
  await server.call('POST', pods, { body: { metadata: { name: 'p' }, spec } });
  const secrets = '/api/v1/namespaces/default/secrets';
  t.equal((await server.call('GET', `${secrets}/used`, { as: node })).status, 200);
  t.equal((await server.call('GET', `${secrets}/unused`, { as: node })).status, 403);
  t.equal((await server.call('GET', secrets, { as: node })).status, 403);
  t.equal((await server.call('GET', `${secrets}/used`, { as: node2 })).status, 403);
  const status = { type: 'application/merge-patch+json', body: { status: { phase: 'Running' } } };
  t.equal((await server.call('PATCH', `${pods}/p/status`, { ...status, as: node })).status, 200);
  t.equal((await server.call('PATCH', `${pods}/p/status`, { ...status, as: node2 })).status, 403);
  const lease = (name: string) => ({ metadata: { name }, spec: { holderIdentity: name } });
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  t.equal((await server.call('POST', leases, { body: lease('n1'), as: node })).status, 201);
  t.equal((await server.call('PUT', `${leases}/n1`, { body: lease('n1'), as: node2 })).status, 403);
  const token = (as: typeof node, uid: string) =>
    server.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
      as,
      body: { spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid } } },
    });
  const { uid } = (await server.call('GET', `${pods}/p`)).json.metadata;
  t.equal((await token(node, uid)).status, 201);
  t.equal((await token(node2, uid)).status, 403);
  t.equal((await token(node, 'other')).status, 403);
  const bound = (name: string) => `${pods}?fieldSelector=spec.nodeName%3D${name}`;
  t.equal((await server.call('GET', bound('n1'), { as: node })).status, 200);
  t.equal((await server.call('GET', `${pods}/p`, { as: node })).status, 200);
  for (const path of [pods, '/api/v1/pods', bound('n2'), `${pods}?fieldSelector=spec.nodeName!%3Dn1`]) {
    t.equal((await server.call('GET', path, { as: node })).status, 403, path);
  }
  t.equal((await server.call('GET', `${pods}/p`, { as: node2 })).status, 403);
  const nameless = await server.identity('system:node:', 'system:nodes');
  t.equal((await server.call('POST', leases, { body: lease(''), as: nameless })).status, 403);
});

t.test('a kubelet has no rights to other resources of the same name, nor to subresources', async (t) => {
  const node = await server.identity('system:node:n1', 'system:nodes');
  const isAllowed = async (resourceAttributes: object): Promise<boolean> => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    return (await server.call('POST', path, { as: node, body: { spec: { resourceAttributes } } })).json.status.allowed;
  };
  const cases: readonly (readonly [allowed: boolean, attributes: object])[] = [
    [true, { verb: 'get', group: '', resource: 'services', namespace: 'default', name: 'web' }],
    [false, { verb: 'get', group: '', resource: 'services', subresource: 'proxy', namespace: 'default', name: 'web' }],
    [false, { verb: 'list', group: 'serving.example.com', resource: 'services' }],
    [false, { verb: 'get', group: 'metrics.example.com', resource: 'nodes', name: 'n1' }],
    [true, { verb: 'create', group: 'events.k8s.io', resource: 'events', namespace: 'default' }],
    [false, { verb: 'create', group: 'example.com', resource: 'events', namespace: 'default' }],
    [false, { verb: 'create', group: 'example.com', resource: 'tokenreviews' }],
    [false, { verb: 'create', group: 'example.com', resource: 'pods', namespace: 'default' }],
    [true, { verb: 'watch', group: 'networking.k8s.io', resource: 'networkpolicies' }],
    [false, { verb: 'get', group: '', resource: 'constructor' }],
  ];
  for (const [allowed, attributes] of cases) t.equal(await isAllowed(attributes), allowed, JSON.stringify(attributes));
  const proxied = await server.call('GET', '/api/v1/namespaces/default/services/web/proxy/', { as: node });
  t.match(proxied.json, { code: 403, message: /cannot get resource "services\/proxy"/ });
});

t.test('access reviews answer as a request would be decided', async (t) => {
  const ask = async (spec: object) =>
    (await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { spec } })).json.status
      .allowed;
  const resourceAttributes = { verb: 'list', resource: 'endpointslices', group: 'discovery.k8s.io' };
  t.equal(await ask({ user: 'system:kube-proxy', groups: ['system:authenticated'], resourceAttributes }), true);
  t.equal(await ask({ user: 'someone', resourceAttributes }), false);
  t.equal(await ask({ user: 'x', groups: ['system:masters'], resourceAttributes }), true);
  t.equal(
    await ask({ user: 'x', groups: ['system:authenticated'], nonResourceAttributes: { verb: 'get', path: '/api/v1' } }),
    true,
  );
});
