// The audit log of requests over real HTTPS: which events are written, with what, and what the answers show.
import t, { type Test } from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { startWebhook } from '../../../test/lib/webhook-server';
import type { LogWriter } from './rotating-file';

// biome-ignore lint/suspicious/noExplicitAny: tests look into events of every kind.
type Event = any;

interface Lab {
  readonly server: TestServer;
  readonly lines: string[];
  /** The events of users other than the server itself, and removes them. */
  take(): Event[];
}

async function openLab(t: Test, policy: string): Promise<Lab> {
  const lines: string[] = [];
  const log: LogWriter = {
    write: async (text) => void lines.push(...text.trimEnd().split('\n')),
    close: async () => undefined,
  };
  const source = `apiVersion: audit.k8s.io/v1\nkind: Policy\n${policy}`;
  const rotation = { maxBytes: 1, maxBackups: 0, maxAgeMs: 0 };
  const audit = { policy: { source, file: 'policy.yaml' }, log, rotation };
  const server = await startApiServer({ audit, tokenFile: 'secret-token,robot,1,ci\n' });
  t.teardown(() => server.close());
  const take = () =>
    lines
      .splice(0)
      .map((line) => JSON.parse(line))
      .filter(({ user }) => user.username !== 'system:apiserver');
  return { server, lines, take };
}

const robot = { as: null, headers: { authorization: 'Bearer secret-token' } };
const configMaps = '/api/v1/namespaces/default/configmaps';
const shape = ({ stage, verb, responseStatus }: Event) => `${stage} ${verb} ${responseStatus?.code ?? '-'}`;

t.test('an event of each stage shows who asked for what, and the answer', async (t) => {
  const { server, take } = await openLab(t, 'rules: [{level: Metadata}]');
  const answer = await server.call('POST', `${configMaps}?fieldManager=me`, {
    body: { metadata: { name: 'a' }, data: { k: 'v' } },
    headers: { 'user-agent': 'probe/1', 'x-forwarded-for': '192.0.2.9, nonsense' },
  });
  const events = take();
  t.same(events.map(shape), ['RequestReceived create -', 'ResponseComplete create 201']);
  const [received, complete] = events;
  t.notOk('objectRef' in received && received.objectRef.name, 'the name is in the body');
  t.match(complete, {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: answer.headers['audit-id'],
    requestURI: `${configMaps}?fieldManager=me`,
    user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: ['192.0.2.9', '127.0.0.1'],
    userAgent: 'probe/1',
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestReceivedTimestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  });
  t.notOk('requestObject' in complete || 'responseObject' in complete);
  t.equal(received.auditID, complete.auditID);
  const given = await server.call('GET', '/version', { headers: { 'audit-id': 'my-id' } });
  t.equal(given.headers['audit-id'], 'my-id');
});

t.test('refused requests and wrong credentials', async (t) => {
  const { server, take } = await openLab(t, 'omitStages: [RequestReceived]\nrules: [{level: Metadata}]');
  await server.call('GET', `${configMaps}/x`, robot);
  await server.call('GET', `${configMaps}/x`);
  await server.call('GET', configMaps, { as: null });
  await server.call('GET', '/version', { as: null, headers: { authorization: 'Bearer nonsense' } });
  await server.call('GET', '/nothing/there');
  const events = take();
  t.match(events[0], {
    user: { username: 'robot' },
    responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403, message: /cannot get resource/ },
    annotations: { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': '' },
  });
  t.match(events[1], { responseStatus: { status: 'Failure', reason: 'NotFound', code: 404, details: { name: 'x' } } });
  t.match(events[2], { verb: 'list', user: { username: 'system:anonymous' }, responseStatus: { code: 403 } });
  t.match(events[3], { user: {}, responseStatus: { code: 401, message: 'Authentication failed, attempted: bearer' } });
  t.notOk(JSON.stringify(events).includes('nonsense'), 'no event contains the token');
  t.match(events[4], { verb: 'get', requestURI: '/nothing/there', responseStatus: { code: 404 } });
});

t.test('objects of requests and answers', async (t) => {
  const { server, take } = await openLab(
    t,
    `omitStages: [RequestReceived]
rules:
- {level: Request, resources: [{resources: [secrets]}]}
- {level: RequestResponse, omitManagedFields: true}`,
  );
  const body = { metadata: { name: 'a' }, data: { k: 'v' } };
  await server.call('POST', configMaps, { body });
  await server.call('PATCH', `${configMaps}/a?fieldManager=m&force=true`, {
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'w' } },
    type: 'application/apply-patch+yaml',
    headers: {},
  });
  await server.call('PATCH', `${configMaps}/a`, { body: { data: { l: 'x' } }, type: 'application/merge-patch+json' });
  await server.call('PUT', `${configMaps}/a`, { body });
  await server.call('GET', `${configMaps}/a`);
  await server.call('DELETE', `${configMaps}/a`, { body: { propagationPolicy: 'Background' } });
  await server.call('POST', '/api/v1/namespaces/default/secrets', {
    body: { metadata: { name: 's' }, stringData: { a: 'b' } },
  });
  const events = take();
  t.same(
    events.map(({ verb }) => verb),
    ['create', 'patch', 'patch', 'update', 'get', 'delete', 'create'],
  );
  const [created, applied, patched, replaced, read, deleted, secret] = events;
  t.match(created.requestObject, { kind: 'ConfigMap', data: { k: 'v' } });
  t.match(created.responseObject, { kind: 'ConfigMap', metadata: { uid: String } });
  t.match(applied, { requestObject: { data: { k: 'w' } }, responseObject: { data: { k: 'w' } } });
  t.notMatch(applied.responseObject.metadata, { managedFields: Array });
  t.same(patched.requestObject, { data: { l: 'x' } });
  t.match(replaced.requestObject, { data: { k: 'v' } });
  t.notOk(read.requestObject);
  t.match(read.responseObject, { data: { k: 'v' } });
  t.match(deleted, { requestObject: { propagationPolicy: 'Background' }, responseStatus: { status: 'Success' } });
  t.match(secret.requestObject, { stringData: { a: 'b' } });
  t.notOk(secret.responseObject);
  const large = { metadata: { name: 'large' }, data: { k: 'x'.repeat(1024 * 1024 - 50) } };
  await server.call('POST', configMaps, { body: large });
  const [cut] = take();
  t.same(cut.annotations['audit.k8s.io/truncated'], 'true');
  t.notOk(cut.requestObject);
});

t.test('a stream has an event at its beginning and one at its end', async (t) => {
  const { server, take, lines } = await openLab(
    t,
    'omitStages: [RequestReceived]\nrules: [{level: RequestResponse, verbs: [watch]}]',
  );
  const watch = await server.watch(`${configMaps}?watch=true`);
  t.same(take().map(shape), ['ResponseStarted watch 200']);
  watch.close();
  await watch.ended;
  while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.same(take().map(shape), ['ResponseComplete watch 200']);
});

t.test('impersonation, and the binding that allows a request', async (t) => {
  const { server, take } = await openLab(
    t,
    'omitStages: [RequestReceived]\nrules: [{level: Metadata, users: [kubernetes-admin, robot]}]',
  );
  await server.call('GET', '/apis', { headers: { 'impersonate-user': 'joe', 'impersonate-group': 'dev' } });
  await server.call('GET', '/apis', robot);
  const [joe, own] = take();
  t.match(joe, {
    user: { username: 'kubernetes-admin' },
    impersonatedUser: { username: 'joe', groups: ['dev', 'system:authenticated'] },
  });
  t.equal(
    own.annotations['authorization.k8s.io/reason'],
    'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
  );
});

t.test('annotations of Pod Security and of webhooks', async (t) => {
  const { server, take } = await openLab(
    t,
    'omitStages: [RequestReceived]\nrules: [{level: Metadata, verbs: [create], resources: [{resources: [pods]}]}]',
  );
  const labels = {
    'pod-security.kubernetes.io/enforce': 'baseline',
    'pod-security.kubernetes.io/audit': 'restricted',
  };
  await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'ns', labels } } });
  await server.call('POST', '/api/v1/namespaces/ns/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const hook = await startWebhook(await server.serving('127.0.0.1'), () => ({
    response: { allowed: true, auditAnnotations: { seen: 'yes' } },
  }));
  t.teardown(() => hook.close());
  const webhook = {
    name: 'check.example.com',
    clientConfig: { url: hook.url(), caBundle: Buffer.from(server.ca).toString('base64') },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const made = await server.call('POST', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    body: { metadata: { name: 'check' }, webhooks: [webhook] },
  });
  t.equal(made.status, 201);
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  t.equal((await server.call('POST', '/api/v1/namespaces/ns/pods', { body: pod })).status, 201);
  t.match(take()[0].annotations, {
    'pod-security.kubernetes.io/enforce-policy': 'baseline:latest',
    'pod-security.kubernetes.io/audit-violations': /^would violate PodSecurity "restricted:latest": /,
    'check.example.com/seen': 'yes',
  });
});

t.test('a server without a policy names no audit id, and counts nothing', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  t.notOk((await server.call('GET', '/version')).headers['audit-id']);
  t.notMatch((await server.call('GET', '/metrics')).text, /apiserver_audit/);
  const { server: audited } = await openLab(t, 'rules: [{level: Metadata}]');
  t.match((await audited.call('GET', '/metrics')).text, /apiserver_audit_event_total [1-9]/);
});
