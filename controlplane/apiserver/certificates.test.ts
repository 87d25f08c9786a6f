// CertificateSigningRequests over HTTPS: the requesting user, who may approve and sign, which fields cannot change; bootstrap
// tokens; anonymous reads; addresses of nodes.
import { Agent, get } from 'node:https';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import { FakeClock } from '../../test/lib/fake-clock';
import { bootstrapTokenSecret, readBootstrapToken } from '../api/bootstrap-token';
import { createRequest } from '../pki/certificate-request';
import { readClusterInfo } from '../pki/cluster-info';
import { clientUsages, servingUsages, signers } from '../pki/signers';

t.setTimeout(120_000);

const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const rbac = '/apis/rbac.authorization.k8s.io/v1';

const clock = new FakeClock(Date.now());
let server: TestServer;
t.before(async () => {
  server = await startApiServer({ clock });
});
t.teardown(() => server.close());

async function body(
  name: string,
  fields: { commonName?: string; organizations?: string[]; hosts?: string[] } = {},
  spec = {},
) {
  const { request } = await createRequest({ commonName: 'jane', ...fields });
  return {
    metadata: { name },
    spec: { request: base64(request), signerName: signers.apiserverClient, usages: ['client auth'], ...spec },
  };
}

const approved = { type: 'Approved', status: 'True', reason: 'KubectlApprove', message: 'yes' };
const decide = (name: string, conditions: object[], as?: Awaited<ReturnType<TestServer['identity']>>) =>
  server.call('PUT', `${requests}/${name}/approval`, {
    body: { metadata: { name }, status: { conditions } },
    ...(as ? { as } : {}),
  });

async function allow(user: string, rules: object[]) {
  await server.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: user }, rules } });
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    body: {
      metadata: { name: user },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    },
  });
  return server.identity(user);
}
const group = 'certificates.k8s.io';
const requestRules = [
  { apiGroups: [group], resources: ['certificatesigningrequests'], verbs: ['create', 'get', 'update', 'list'] },
  {
    apiGroups: [group],
    resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
    verbs: ['update', 'patch', 'get'],
  },
];

t.test('the server records the requesting user, and the spec cannot change', async (t) => {
  const jane = await allow('jane', requestRules);
  const made = await server.call('POST', requests, {
    as: jane,
    body: await body(
      'one',
      {},
      { username: 'system:admin', groups: ['system:masters'], uid: '7', extra: { a: ['b'] } },
    ),
  });
  t.equal(made.status, 201, made.text);
  t.equal(made.json.spec.username, 'jane');
  t.strictSame(made.json.spec.groups, ['system:authenticated']);
  t.notOk('uid' in made.json.spec);
  t.same(Object.keys(made.json.spec.extra), ['authentication.kubernetes.io/credential-id']);
  const changed = await server.call('PUT', `${requests}/one`, {
    as: jane,
    body: {
      ...made.json,
      metadata: { ...made.json.metadata, labels: { a: 'b' } },
      spec: { ...made.json.spec, usages: ['any'] },
    },
  });
  t.match(changed.json, { metadata: { labels: { a: 'b' } }, spec: { usages: ['client auth'] } });
  t.same(
    (await server.call('GET', `${requests}?fieldSelector=spec.signerName=${signers.kubeletClient}`)).json.items,
    [],
  );
});

t.test('an invalid request is refused with the reason', async (t) => {
  const wrong = async (spec: object, message: RegExp) => {
    const answer = await server.call('POST', requests, { body: await body('wrong', {}, spec) });
    t.equal(answer.status, 422, answer.text);
    t.match(answer.json.message, message);
  };
  await wrong({ request: base64('hello') }, /spec.request: Invalid value: .*CERTIFICATE REQUEST/);
  await wrong({ request: undefined }, /spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST/);
  await wrong({ usages: [] }, /spec.usages: Required value/);
  await wrong({ usages: ['client auth', 'world peace'] }, /spec.usages\[1\]: Unsupported value: "world peace"/);
  await wrong({ usages: ['client auth', 'client auth'] }, /spec.usages\[1\]: Duplicate value/);
  await wrong(
    { signerName: 'mine' },
    /spec.signerName: Invalid value: "mine": must be a fully qualified domain and path/,
  );
  await wrong({ signerName: 'mine/too' }, /at least two segments/);
  await wrong({ signerName: 'kubernetes.io/legacy-unknown' }, /not allowed/);
  await wrong(
    { expirationSeconds: 599 },
    /spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600/,
  );
  const masters = await server.call('POST', requests, { body: await body('m', { organizations: ['system:masters'] }) });
  t.match(masters.json, {
    code: 403,
    message: /use of kubernetes.io\/kube-apiserver-client signer with system:masters group/,
  });
});

t.test('approving and signing need a permission for the signer', async (t) => {
  const jane = await server.identity('jane');
  await server.call('POST', requests, { body: await body('two') });
  const refused = await decide('two', [approved], jane);
  t.match(refused.json, {
    code: 403,
    message:
      'certificatesigningrequests.certificates.k8s.io "two" is forbidden: user not permitted to approve requests with signerName "kubernetes.io/kube-apiserver-client"',
  });
  const sign = (as: typeof jane) =>
    server.call('PATCH', `${requests}/two/status`, {
      as,
      type: 'application/merge-patch+json',
      body: { status: { certificate: base64(server.ca) } },
    });
  t.match((await sign(jane)).json, { code: 403, message: /not permitted to sign requests with signerName/ });
  const signerRules = (verbs: string[]) => [
    ...requestRules,
    { apiGroups: [group], resources: ['signers'], resourceNames: ['kubernetes.io/*'], verbs },
  ];
  const approver = await allow('approver', signerRules(['approve']));
  const done = await decide('two', [approved], approver);
  t.equal(done.status, 200, done.text);
  t.match(done.json.status.conditions, [{ type: 'Approved', lastTransitionTime: /Z$/, lastUpdateTime: /Z$/ }]);
  t.equal((await sign(approver)).status, 403, 'the approver may not sign');
  const signer = await allow('signer', signerRules(['sign']));
  t.match((await sign(signer)).json.status, { certificate: base64(server.ca), conditions: [{ type: 'Approved' }] });
  const table = await server.call('GET', requests, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.strictSame(
    table.json.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'Age', 'SignerName', 'Requestor', 'RequestedDuration', 'Condition'],
  );
  const row = table.json.rows.find(({ cells }: { cells: string[] }) => cells[0] === 'two');
  t.strictSame(row.cells.slice(2), [signers.apiserverClient, 'kubernetes-admin', '<none>', 'Approved,Issued']);
});

t.test('a decision is final, and each subresource writes only its own part', async (t) => {
  await server.call('POST', requests, { body: await body('three', {}, { expirationSeconds: 3600 }) });
  const patch = (subresource: string, status: object) =>
    server.call('PATCH', `${requests}/three${subresource}`, { type: 'application/merge-patch+json', body: { status } });
  t.match((await patch('/status', { conditions: [approved] })).json, {
    code: 422,
    message: /may not add .*"Approved"/,
  });
  t.match((await patch('/approval', { conditions: [{ ...approved, status: 'False' }] })).json, {
    message: /status.conditions\[0\].status: Unsupported value: "False": supported values: "True"/,
  });
  await patch('/approval', { conditions: [approved], certificate: base64(server.ca) });
  await patch('', { conditions: [] });
  const found = await server.call('GET', `${requests}/three`);
  t.match(found.json.status.conditions, [approved], 'a write of the object does not change the status');
  t.notOk(found.json.status.certificate, 'an approval writes no certificate');
  const reworded = await patch('/status', { conditions: [{ ...approved, reason: 'Other' }] });
  t.match(reworded.json.status.conditions, [approved], 'a write of the status keeps the decision');
  t.match((await decide('three', [])).json, { code: 422, message: /may not remove a condition of type "Approved"/ });
  const denied = { ...approved, type: 'Denied' };
  t.match((await decide('three', [approved, denied])).json, { code: 422, message: /mutually exclusive/ });
  t.match((await patch('/status', { certificate: base64('no') })).json, {
    code: 422,
    message: /CERTIFICATE PEM block/,
  });
  const broken = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';
  t.match((await patch('/status', { certificate: base64(broken) })).json, { message: /x509: malformed certificate/ });
  const { key } = await server.identity('x');
  t.match((await patch('/status', { certificate: base64(server.ca + key) })).json, { message: /found "PRIVATE KEY"/ });
  t.equal((await patch('/status', { certificate: base64(`issued for you\n${server.ca}`) })).status, 200);
  t.match((await patch('/status', { certificate: base64('-----BEGIN CERTIFICATE-----\n') })).json, { code: 422 });
  const failing = [
    { type: 'Approved', status: 'True' },
    { type: 'Failed', status: 'True' },
  ];
  t.equal((await patch('/status', { conditions: failing })).status, 200);
});

t.test('a node requests certificates only for its own name', async (t) => {
  const node = await server.identity('system:node:n1', 'system:nodes');
  const ask = async (name: string, commonName: string, signerName: string) => {
    const fields = {
      commonName,
      organizations: ['system:nodes'],
      hosts: signerName === signers.kubeletServing ? ['n1'] : [],
    };
    const usages = signerName === signers.kubeletServing ? servingUsages : clientUsages;
    return server.call('POST', requests, { as: node, body: await body(name, fields, { signerName, usages }) });
  };
  t.equal((await ask('n-1', 'system:node:n1', signers.kubeletClient)).status, 201);
  t.equal((await ask('n-2', 'system:node:n1', signers.kubeletServing)).status, 201);
  t.equal((await ask('n-3', 'system:dns', signers.nodeAgent)).status, 201);
  for (const signer of [signers.kubeletClient, signers.kubeletServing]) {
    t.match((await ask('n-4', 'system:node:n2', signer)).json, { code: 403, message: /with CN=system:node:n1/ });
  }
  t.equal((await server.call('GET', `${requests}/n-1`, { as: node })).status, 200);
  t.equal((await decide('n-1', [approved], node)).status, 403);
});

t.test('a bootstrap token authenticates until it expires, and allows only what joining needs', async (t) => {
  const token = {
    id: 'abcdef',
    secret: '0123456789abcdef',
    description: 'for a test',
    usages: ['authentication', 'signing'],
    groups: ['system:bootstrappers:kubeadm:default-node-token'],
    expiresAtMs: clock.now() + 60_000,
  };
  const secrets = '/api/v1/namespaces/kube-system/secrets';
  const secret = bootstrapTokenSecret(token);
  t.equal((await server.call('POST', secrets, { body: secret })).status, 201);
  t.match(readBootstrapToken(secret), { id: 'abcdef', groups: token.groups, usages: token.usages, problem: undefined });
  const as = (value: string) => ({ as: null, headers: bearer(value) });
  const who = (value: string) =>
    server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { ...as(value), body: {} });
  t.match((await who('abcdef.0123456789abcdef')).json.status.userInfo, {
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'],
  });
  for (const wrong of ['abcdef.0123456789abcdee', 'ghijkl.0123456789abcdef', 'abcdef.', 'abcdef.0123456789abcde']) {
    t.equal((await who(wrong)).status, 401, wrong);
  }
  const good = as('abcdef.0123456789abcdef');
  t.equal((await server.call('GET', '/api/v1/nodes', good)).status, 200);
  const asked = await body(
    'by-token',
    { commonName: 'system:node:x', organizations: ['system:nodes'] },
    { signerName: signers.kubeletClient, usages: clientUsages },
  );
  t.match(
    (await server.call('POST', requests, { ...good, body: asked })).json.spec.username,
    'system:bootstrap:abcdef',
  );
  for (const path of [`${secrets}/bootstrap-token-abcdef`, '/api/v1/pods']) {
    t.equal((await server.call('GET', path, good)).status, 403, path);
  }
  t.equal((await decide('by-token', [approved])).status, 200, 'an administrator may read tokens');
  const change = (data: Record<string, string>) =>
    server.call('PATCH', `${secrets}/bootstrap-token-abcdef`, {
      type: 'application/merge-patch+json',
      body: { stringData: data },
    });
  await change({ 'usage-bootstrap-authentication': 'false' });
  t.equal((await who('abcdef.0123456789abcdef')).status, 401, 'a token without the usage authentication');
  await change({ 'usage-bootstrap-authentication': 'true', 'auth-extra-groups': 'system:masters' });
  t.equal((await who('abcdef.0123456789abcdef')).status, 401, 'a token with a group outside system:bootstrappers');
  await change({ 'auth-extra-groups': '' });
  t.equal((await who('abcdef.0123456789abcdef')).status, 201);
  clock.advance(60_000);
  t.equal((await who('abcdef.0123456789abcdef')).status, 401, 'an expired token');
});

t.test('an anonymous user reads cluster-info and nothing else', async (t) => {
  const path = '/api/v1/namespaces/kube-public/configmaps';
  const found = await server.call('GET', `${path}/cluster-info`, { as: null });
  t.equal(found.status, 200, found.text);
  t.strictSame(readClusterInfo(found.json.data.kubeconfig), {
    server: `https://10.9.8.7:${server.port}`,
    caPem: server.ca,
  });
  for (const other of [path, `${path}/kube-root-ca.crt`, '/api/v1/namespaces/kube-system/configmaps/cluster-info']) {
    t.match((await server.call('GET', other, { as: null })).json, { code: 403, reason: 'Forbidden' }, other);
  }
  await allow('system:anonymous', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }]);
  t.equal((await server.call('GET', path, { as: null })).status, 200, 'RBAC can allow anonymous reads');
  t.equal((await server.call('DELETE', `${path}/none`, { as: null })).status, 404, 'and writes, as upstream');
  await server.call('DELETE', `${rbac}/clusterrolebindings/system:anonymous`);
});

t.test('a certificate that expires during a connection no longer authenticates', async (t) => {
  const jane = await server.identity('jane');
  const who = () => server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { as: jane, body: {} });
  t.equal((await who()).status, 201);
  clock.advance(400 * 24 * 3600 * 1000);
  t.equal((await who()).status, 401);
  clock.advance(-400 * 24 * 3600 * 1000);
  t.equal((await who()).status, 201);
});

t.test('new connections get the new server certificate, and open connections continue', async (t) => {
  const serial = (agent: Agent) =>
    new Promise<string>((resolve, reject) => {
      get({ host: '127.0.0.1', port: server.port, path: '/healthz', agent }, (response) => {
        const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume().on('end', () => resolve(serialNumber));
      }).on('error', reject);
    });
  const open = () => {
    const agent = new Agent({ ca: server.ca, keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    return agent;
  };
  const old = open();
  const before = await serial(old);
  const serving = await server.serving('127.0.0.1');
  const client = await server.identity('kube-apiserver-kubelet-client', 'system:masters');
  server.api.renew({
    ca: server.ca,
    certificate: serving.cert,
    key: serving.key,
    kubeletClientCertificate: client.cert,
    kubeletClientKey: client.key,
    proxyCa: server.ca,
    proxyClientCertificate: client.cert,
    proxyClientKey: client.key,
  });
  const after = await serial(open());
  t.not(after, before);
  t.equal(await serial(old), before);
  const jane = await server.identity('jane');
  const who = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { as: jane, body: {} });
  t.equal(who.json.status.userInfo.username, 'jane', 'clients are still authenticated');
});

t.test('an address belongs to one node only', async (t) => {
  const node = (name: string, ...addresses: string[]) => ({
    metadata: { name },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  });
  const post = (object: object) => server.call('POST', '/api/v1/nodes', { body: object });
  t.equal((await post(node('a', '192.0.2.1'))).status, 201);
  t.match((await post(node('b', '192.0.2.1'))).json, {
    code: 403,
    message:
      /^nodes "b" is forbidden: address 192.0.2.1 belongs to node "a" already; .*--node-ip.*kubectl delete node a$/,
  });
  t.equal((await post(node('b', '192.0.2.2'))).status, 201);
  const report = (name: string, ...addresses: string[]) =>
    server.call('PATCH', `/api/v1/nodes/${name}/status`, {
      type: 'application/merge-patch+json',
      body: { status: node(name, ...addresses).status },
    });
  t.equal((await report('b', '192.0.2.2', '192.0.2.1')).status, 403);
  t.equal((await report('a', '192.0.2.3')).status, 200);
  t.equal((await report('b', '192.0.2.1')).status, 200, 'an address that its node gave up is free');
  t.equal((await report('b', '192.0.2.1')).status, 200, 'its own address');
  const both = await Promise.all([post(node('c', '192.0.2.9')), post(node('d', '192.0.2.9'))]);
  t.strictSame(both.map(({ status }) => status).sort(), [201, 403], 'one of two requests at the same time is refused');
  await server.call('DELETE', '/api/v1/nodes/b');
  t.equal((await post(node('e', '192.0.2.1'))).status, 201, 'the address of a deleted node is free');
  t.equal((await server.call('POST', '/api/v1/nodes?dryRun=All', { body: node('f', '192.0.2.77') })).status, 201);
  t.equal((await post(node('g', '192.0.2.77'))).status, 201, 'a dry run reserves no address');
  t.equal((await post(node('j', 'fd00::7'))).status, 201);
  t.equal((await post(node('k', 'fd00:0:0::7'))).status, 403, 'every spelling of an address counts');
  for (const name of ['h', 'i'])
    t.equal((await post(node(name, '127.0.0.1'))).status, 201, 'several nodes may have a loopback address');
});
