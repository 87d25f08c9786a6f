// Webhooks over real HTTPS: which requests are sent, what a webhook sees, what it may change, and how it refuses.
import t, { type Test } from 'tap';
import { type CallOptions, startApiServer, type TestServer } from '../../../test/lib/api-server';
import {
  allow,
  base64,
  deny,
  patchWith,
  type Review,
  startWebhook,
  type WebhookAnswer,
} from '../../../test/lib/webhook-server';

const configurations = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const merge = 'application/merge-patch+json';
const anything = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] };
const ofMaps = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
const pod = { containers: [{ name: 'c', image: 'i' }] };

type Answers = (request: Review, path: string) => WebhookAnswer | Promise<WebhookAnswer>;

async function serve(t: Test, answer: Answers) {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const hook = await startWebhook(await server.serving('127.0.0.1'), answer);
  t.teardown(() => hook.close());
  const call = async (method: string, path: string, body?: unknown, options: CallOptions = {}) =>
    server.call(method, path, body === undefined ? options : { body, ...options });
  /** Creates a configuration with one webhook for each of `parts`. */
  const configure = async (which: 'mutating' | 'validating', name: string, ...parts: readonly object[]) => {
    const webhooks = parts.map((part, i) => ({
      name: `w${i}.${name}.example.com`,
      rules: [ofMaps],
      clientConfig: { url: hook.url(`/${name}${i}`), caBundle: base64(server.ca) },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...part,
    }));
    const path = `${configurations}/${which}webhookconfigurations`;
    const { status, text } = await call('POST', path, { metadata: { name }, webhooks });
    t.equal(status, 201, text);
  };
  return { server, hook, call, configure };
}

interface Container {
  readonly name: string;
  readonly volumeMounts?: readonly { readonly name: string }[];
}
const named = (name: string, rest: object = {}) => ({ metadata: { name }, ...rest });

t.test('what a validating webhook sees of a create, an update and a deletion', async (t) => {
  const { hook, call, configure } = await serve(t, () => allow);
  await configure('validating', 'v', {});
  t.equal(
    (await call('POST', `${maps}?fieldManager=m&fieldValidation=Strict`, named('a', { data: { k: '1' } }))).status,
    201,
  );
  t.equal((await call('PATCH', `${maps}/a`, { data: { k: '2' } }, { type: merge })).status, 200);
  t.equal((await call('DELETE', `${maps}/a?gracePeriodSeconds=5`)).status, 200);
  const common = {
    apiVersion: 'admission.k8s.io/v1',
    path: '/v0',
    query: 'timeout=10s',
    host: `127.0.0.1:${hook.port}`,
    kind: { group: '', version: 'v1', kind: 'ConfigMap' },
    resource: { group: '', version: 'v1', resource: 'configmaps' },
    requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
    requestResource: { group: '', version: 'v1', resource: 'configmaps' },
    name: 'a',
    namespace: 'default',
    userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    dryRun: false,
  };
  const at = (k: string) => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', uid: /./ }, data: { k } });
  const options = (kind: string) => ({ kind, apiVersion: 'meta.k8s.io/v1' });
  t.match(hook.reviews, [
    {
      ...common,
      operation: 'CREATE',
      object: at('1'),
      oldObject: null,
      options: { ...options('CreateOptions'), fieldManager: 'm', fieldValidation: 'Strict' },
    },
    { ...common, operation: 'UPDATE', object: at('2'), oldObject: at('1'), options: options('UpdateOptions') },
    {
      ...common,
      operation: 'DELETE',
      object: null,
      oldObject: at('2'),
      options: { ...options('DeleteOptions'), gracePeriodSeconds: 5 },
    },
  ]);
  t.equal(hook.reviews.length, 3);
  t.equal(hook.connections(), 1, 'the connection is kept');
  t.notOk('subResource' in hook.reviews[0]);
  t.equal(new Set(hook.reviews.map(({ uid }) => uid)).size, 3, 'each review has a uid of its own');
});

t.test('refusals keep the status of the answer', async (t) => {
  const cases: readonly {
    readonly status?: object;
    readonly code: number;
    readonly reason?: string;
    readonly why: string;
  }[] = [
    { code: 400, why: ' without explanation' },
    { status: { message: 'no' }, code: 400, why: ': no' },
    { status: { reason: 'Because' }, code: 400, reason: 'Because', why: ': Because' },
    { status: { code: 200, message: 'no' }, code: 400, why: ': no' },
    { status: { code: 403, reason: 'Forbidden', message: 'no' }, code: 403, reason: 'Forbidden', why: ': no' },
    { status: { code: 418, message: 'tea' }, code: 418, why: ': tea' },
    { status: { code: 500, reason: 'InternalError', message: 'x' }, code: 500, reason: 'InternalError', why: ': x' },
  ];
  let next = 0;
  const { call, configure } = await serve(t, () => deny(cases[next++]!.status));
  await configure('validating', 'v', {});
  for (const { code, reason, why } of cases) {
    const { status, json } = await call('POST', maps, named('a'));
    t.equal(status, code);
    t.match(json, {
      kind: 'Status',
      status: 'Failure',
      code,
      message: `admission webhook "w0.v.example.com" denied the request${why}`,
      ...(reason ? { reason } : {}),
    });
    t.notOk(!reason && 'reason' in json);
  }
  t.equal((await call('GET', `${maps}/a`)).status, 404, 'nothing was written');
});

t.test('webhooks that cannot be called: failurePolicy Fail and Ignore', async (t) => {
  const gone = await (async () => {
    const probe = await startWebhook(await (await startServer(t)).serving('127.0.0.1'), () => allow);
    await probe.close();
    return probe.url('/x');
  })();
  const { server, hook, call, configure } = await serve(t, (_, path) => {
    const answers: Record<string, WebhookAnswer> = {
      '/status': { raw: 'broken', status: 500 },
      '/missing': { raw: '', status: 404 },
      '/redirect': { raw: '', status: 307, location: '/ok' },
      '/text': { raw: 'hello' },
      '/nothing': { raw: '' },
      '/beta': { raw: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{}}' },
      '/digits': { response: { allowed: true, patchType: 'JSONPatch', patch: 'W1%=' } },
      '/empty': { raw: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}' },
      '/uid': { response: { uid: 'x', allowed: true } },
      '/patch': { response: { allowed: true, patch: 'W10=' } },
      '/large': { raw: 'x'.repeat(4 * 1024 * 1024) },
    };
    return answers[path] ?? allow;
  });
  const other = await startServer(t);
  const post = (path: string) => `failed to call webhook: Post "${hook.url(path)}?timeout=10s": `;
  const cases: readonly { readonly config: object; readonly why: string }[] = [
    {
      config: { url: hook.url('/status') },
      why: 'failed to call webhook: an error on the server ("broken") has prevented the request from succeeding',
    },
    {
      config: { url: hook.url('/missing') },
      why: 'failed to call webhook: the server could not find the requested resource',
    },
    {
      config: { url: hook.url('/redirect') },
      why: 'failed to call webhook: the server responded with the status code 307 but did not return more information',
    },
    {
      config: { url: hook.url('/text') },
      why: `failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    },
    {
      config: { url: hook.url('/nothing') },
      why: 'failed to call webhook: 0-length response with status code: 200 and content type: ',
    },
    {
      config: { url: hook.url('/beta') },
      why: 'failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion',
    },
    { config: { url: hook.url('/digits') }, why: 'failed to call webhook: illegal base64 data at input byte 2' },
    { config: { url: hook.url('/empty') }, why: 'received invalid webhook response: webhook response was absent' },
    { config: { url: hook.url('/uid') }, why: 'received invalid webhook response: expected response.uid="' },
    {
      config: { url: hook.url('/patch') },
      why: 'received invalid webhook response: validating webhook may not return response.patch',
    },
    { config: { url: hook.url('/large') }, why: `${post('/large')}the answer is larger than 3145728 bytes` },
    {
      config: { url: gone },
      why: `failed to call webhook: Post "${gone}?timeout=10s": dial tcp ${gone.slice(8, -2)}: connect: connection refused`,
    },
    {
      config: { url: hook.url('/ok'), caBundle: base64(other.ca) },
      why: `${post('/ok')}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    },
    { config: { url: hook.url('/ok'), caBundle: base64('no certificate') }, why: `${post('/ok')}` },
    {
      config: { service: { namespace: 'default', name: 'none' } },
      why: 'failed to call webhook: Post "https://none.default.svc:443/?timeout=10s": service "none" not found',
    },
  ];
  for (const { config, why } of cases) {
    const clientConfig = { caBundle: base64(server.ca), ...config };
    await configure('validating', 'v', { clientConfig });
    const { status, json } = await call('POST', maps, named('a'));
    const failure = `failed calling webhook "w0.v.example.com": ${why}`;
    t.equal(status, 500);
    t.equal(json.reason, 'InternalError');
    t.ok(json.message.startsWith(`Internal error occurred: ${failure}`), json.message);
    t.ok(json.details.causes[0].message.startsWith(failure));
    const path = `${configurations}/validatingwebhookconfigurations/v`;
    const ignore = [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }];
    await call('PATCH', path, ignore, { type: 'application/json-patch+json' });
    t.equal((await call('POST', `${maps}?dryRun=All`, named('a'))).status, 201, 'Ignore');
    await call('DELETE', path);
  }
});

async function startServer(t: Test): Promise<TestServer> {
  const server = await startApiServer();
  t.teardown(() => server.close());
  return server;
}

t.test('a webhook that does not answer in time', async (t) => {
  const { call, configure } = await serve(t, () => new Promise<WebhookAnswer>(() => {}));
  await configure('validating', 'v', { timeoutSeconds: 1 });
  const { json } = await call('POST', maps, named('a'));
  t.match(json.message, /failed to call webhook: Post ".*\/v0\?timeout=1s": context deadline exceeded$/);
});

t.test('mutating webhooks run in the order of names; each sees the changes of those before it', async (t) => {
  const { hook, call, configure } = await serve(t, ({ object }, path) =>
    patchWith({ op: 'add', path: '/data', value: { seen: `${object.data?.seen ?? ''}${path}` } }),
  );
  await configure('mutating', 'b', {});
  await configure('mutating', 'a', {}, {});
  const { status, json } = await call('POST', maps, named('m'));
  t.equal(status, 201);
  t.strictSame(json.data, { seen: '/a0/a1/b0' });
  t.equal(hook.reviews.length, 3, 'Never: no webhook is called again');
  t.match(hook.reviews[0].object.metadata, { name: 'm', namespace: 'default' });
  t.notOk(hook.reviews[0].object.metadata.uid, 'the server sets it after mutating webhooks');
  const patched = await call('PATCH', `${maps}/m`, { data: { seen: 'x' } }, { type: merge });
  t.strictSame(patched.json.data, { seen: 'x/a0/a1/b0' });
});

t.test('reinvocation: once, only with IfNeeded, and only after a later change', async (t) => {
  const { hook, call, configure } = await serve(t, ({ object }, path) => {
    const seen = `${object.data?.seen ?? ''}${path}`;
    return path === '/c0' ? allow : patchWith({ op: 'add', path: '/data', value: { seen } });
  });
  await configure('mutating', 'a', { reinvocationPolicy: 'IfNeeded' });
  await configure('mutating', 'b', { reinvocationPolicy: 'IfNeeded' });
  await configure('mutating', 'c', { reinvocationPolicy: 'IfNeeded' });
  const { json } = await call('POST', maps, named('m'));
  t.equal(json.data.seen, '/a0/b0/a0/b0');
  t.strictSame(
    hook.reviews.map(({ path }) => path),
    ['/a0', '/b0', '/c0', '/a0', '/b0', '/c0'],
  );
});

t.test('after a change the rules of the server run again', async (t) => {
  const sidecar = { name: 'sidecar', image: 's' };
  const { call, configure } = await serve(t, ({ object }) =>
    object.spec.containers.length > 1 ? allow : patchWith({ op: 'add', path: '/spec/containers/-', value: sidecar }),
  );
  await configure('mutating', 'inject', { rules: [{ ...ofMaps, resources: ['pods'] }] });
  const { json } = await call('POST', pods, named('p', { spec: pod }));
  t.strictSame(
    json.spec.containers.map(({ name, volumeMounts }: Container) => [name, volumeMounts?.[0]?.name]),
    ['c', 'sidecar'].map((name) => [name, json.spec.volumes[0].name]),
    'the new container has the token too',
  );
  t.equal(json.spec.volumes.length, 1);
  t.equal(json.spec.containers[1].terminationMessagePath, '/dev/termination-log', 'defaults are set');
});

t.test('what a patch cannot change, and patches that do not apply', async (t) => {
  let answer: WebhookAnswer = allow;
  const { call, configure } = await serve(t, () => answer);
  await configure('mutating', 'm', {});
  answer = patchWith(
    { op: 'add', path: '/metadata/name', value: 'other' },
    { op: 'add', path: '/metadata/uid', value: 'u' },
    { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
    { op: 'add', path: '/metadata/finalizers', value: ['a.example/1', 'a.example/2'] },
    { op: 'remove', path: '/metadata/finalizers/-1' },
    { op: 'add', path: '/unknown', value: 1 },
  );
  const made = await call('POST', maps, named('a'));
  t.match(made.json.metadata, { name: 'a', uid: /-/, labels: { a: 'b' }, finalizers: ['a.example/1'] });
  t.notOk('unknown' in made.json);
  const failures: readonly { readonly patch: object; readonly message: RegExp }[] = [
    {
      patch: { op: 'remove', path: '/data/x' },
      message:
        /^Internal error occurred: remove operation does not apply: doc is missing path: "\/data\/x": missing value$/,
    },
    {
      patch: { op: 'remove', path: '/metadata/labels' },
      message:
        /^Internal error occurred: error in remove for path: '\/metadata\/labels': Unable to remove nonexistent key: labels: missing value$/,
    },
    {
      patch: { op: 'add', path: '/data', value: [] },
      message: /^Internal error occurred: json: cannot unmarshal array/,
    },
  ];
  for (const { patch, message } of failures) {
    answer = patchWith(patch);
    const { status, json } = await call('POST', maps, named('b'));
    t.equal(status, 500);
    t.match(json.message, message);
  }
  answer = patchWith({ op: 'add', path: '/metadata/labels', value: { 'not valid': '' } });
  t.equal((await call('POST', maps, named('b'))).status, 422, 'the result is validated');
  answer = patchWith({ op: 'add', path: '/x', value: 1 });
  t.match((await call('DELETE', `${maps}/a`)).json, {
    code: 500,
    message:
      'Internal error occurred: admission webhook "w0.m.example.com" attempted to modify the object, which is not supported for this operation',
  });
});

t.test('a webhook cannot give its writer permissions, or change the spec through the status', async (t) => {
  const { server, call, configure } = await serve(t, ({ resource, subResource }) =>
    resource.resource === 'roles'
      ? patchWith({ op: 'add', path: '/rules', value: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] })
      : subResource === 'status'
        ? patchWith(
            { op: 'add', path: '/spec/activeDeadlineSeconds', value: 7 },
            { op: 'add', path: '/status/message', value: 'm' },
          )
        : allow,
  );
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles';
  const rules = [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['create'] }];
  await call('POST', roles, named('writer', { rules }));
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'writer' };
  await call(
    'POST',
    roles.replace('roles', 'rolebindings'),
    named('w', { roleRef, subjects: [{ kind: 'User', name: 'u' }] }),
  );
  await configure('mutating', 'm', { rules: [anything] });
  const as = await server.identity('u');
  t.equal((await call('POST', roles, named('more', { rules: [] }), { as })).status, 403);
  await call('POST', pods, named('p', { spec: pod }));
  const { json } = await call('PATCH', `${pods}/p/status`, { status: { phase: 'Running' } }, { type: merge });
  t.match(json.status, { phase: 'Running', message: 'm' });
  t.notOk(json.spec.activeDeadlineSeconds);
});

t.test('dry runs say so; warnings reach the writer', async (t) => {
  const { hook, call, configure } = await serve(t, () => ({ response: { allowed: true, warnings: ['be careful'] } }));
  await configure('mutating', 'm', { sideEffects: 'NoneOnDryRun', admissionReviewVersions: ['v2', 'v1beta1', 'v1'] });
  const { headers } = await call('POST', `${maps}?dryRun=All`, named('a'));
  t.equal(headers['warning'], '299 - "be careful"');
  t.match(hook.reviews, [
    { dryRun: true, apiVersion: 'admission.k8s.io/v1beta1', options: { kind: 'CreateOptions', dryRun: ['All'] } },
  ]);
});

t.test('selectors: of the namespace, and of the old or the new object', async (t) => {
  const { hook, call, configure } = await serve(t, () => allow);
  const selector = { matchLabels: { call: 'yes' } };
  const spaces = '/api/v1/namespaces';
  await call('POST', spaces, named('plain'));
  await call('POST', spaces, { metadata: { name: 'chosen', labels: { call: 'yes' } } });
  await configure('validating', 'n', { namespaceSelector: selector, rules: [anything] });
  await configure('validating', 'o', { objectSelector: selector });
  const seen = async (method: string, path: string, body?: object, options?: CallOptions) => {
    hook.reviews.length = 0;
    const { status, text } = await call(method, path, body, options);
    t.ok(status < 300, text);
    return hook.reviews.map((review) => review.path).sort();
  };
  const labels = { call: 'yes' };
  t.strictSame(await seen('POST', '/api/v1/namespaces/plain/configmaps', named('a')), []);
  t.strictSame(await seen('POST', '/api/v1/namespaces/chosen/configmaps', named('a')), ['/n0']);
  t.strictSame(await seen('POST', maps, { metadata: { name: 'a', labels } }), ['/o0']);
  t.strictSame(await seen('PUT', `${maps}/a`, named('a')), ['/o0'], 'the old object has the label');
  t.strictSame(await seen('PUT', `${maps}/a`, named('a', { data: { k: 'v' } })), []);
  t.strictSame(await seen('POST', spaces, { metadata: { name: 'third', labels } }), ['/n0'], 'a namespace itself');
  t.equal(hook.reviews[0].namespace, 'third');
  const clear = { metadata: { labels: { call: null } } };
  t.strictSame(await seen('PATCH', `${spaces}/third`, clear, { type: merge }), [], 'its new labels decide');
  t.strictSame(await seen('POST', '/api/v1/nodes', named('cluster-scoped')), ['/n0']);
});

t.test('subresources and connections', async (t) => {
  const { hook, call, configure } = await serve(t, ({ subResource, operation, object }) => {
    if (subResource === 'scale')
      return patchWith({ op: 'replace', path: '/spec/replicas', value: object.spec.replicas + 1 });
    return operation === 'CONNECT' && object.command?.includes('rm') ? deny({ message: 'no rm', code: 403 }) : allow;
  });
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { a: 'b' } }, spec: pod };
  await call(
    'POST',
    deployments,
    named('d', { spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template } }),
  );
  await call('POST', pods, named('p', { spec: pod }));
  await configure('mutating', 'm', { rules: [anything] });
  const last = () => hook.reviews.at(-1);

  const scaled = await call('PATCH', `${deployments}/d/scale`, { spec: { replicas: 4 } }, { type: merge });
  t.equal(scaled.json.spec.replicas, 5);
  t.match(last(), {
    kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    subResource: 'scale',
    requestSubResource: 'scale',
    operation: 'UPDATE',
    name: 'd',
    object: { kind: 'Scale', spec: { replicas: 4 } },
    oldObject: { kind: 'Scale', spec: { replicas: 1 } },
  });
  t.equal((await call('GET', `${deployments}/d`)).json.spec.replicas, 5);

  const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
  t.equal((await call('POST', `${pods}/p/binding`, binding)).status, 201);
  t.match(last(), {
    kind: { group: '', version: 'v1', kind: 'Binding' },
    subResource: 'binding',
    operation: 'CREATE',
    object: { kind: 'Binding', target: { kind: 'Node', name: 'n' } },
    oldObject: null,
  });

  const refused = await call('POST', `${pods}/p/exec?command=rm&command=-rf&stdin=true&container=c`);
  t.match(refused.json, { code: 403, message: 'admission webhook "w0.m.example.com" denied the request: no rm' });
  t.match(last(), {
    kind: { group: '', version: 'v1', kind: 'PodExecOptions' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    subResource: 'exec',
    operation: 'CONNECT',
    name: 'p',
    namespace: 'default',
    object: { kind: 'PodExecOptions', apiVersion: 'v1', stdin: true, container: 'c', command: ['rm', '-rf'] },
    oldObject: null,
    options: null,
  });
  t.match((await call('POST', `${pods}/p/exec?command=ls`)).json, { message: 'Upgrade request required' });
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
  const socket = await call('GET', `${pods}/p/exec?command=rm`, undefined, { headers: upgrade });
  t.match(socket.json, { code: 403, message: /no rm/ }, 'an upgrade is refused before the kubelet is asked');

  const before = hook.reviews.length;
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } };
  t.equal((await call('POST', `${pods}/p/eviction`, eviction)).status, 201);
  t.strictSame(
    hook.reviews.slice(before).map(({ operation, subResource }) => [operation, subResource]),
    [['CREATE', 'eviction']],
    'the deletion that follows is not sent',
  );
  t.match(last(), { kind: { group: 'policy', version: 'v1', kind: 'Eviction' }, object: { kind: 'Eviction' } });
});

t.test('webhook configurations are never sent to webhooks', async (t) => {
  const { hook, call, configure } = await serve(t, () => deny());
  await configure('validating', 'v', { rules: [anything] });
  await configure('mutating', 'm', { rules: [anything] });
  t.equal((await call('POST', maps, named('a'))).status, 400);
  t.equal(hook.reviews.length, 1);
  t.equal((await call('DELETE', `${configurations}/mutatingwebhookconfigurations/m`)).status, 200);
  t.equal((await call('DELETE', `${configurations}/validatingwebhookconfigurations/v`)).status, 200);
  t.equal(hook.reviews.length, 1);
  t.equal((await call('POST', maps, named('a'))).status, 201, 'a deleted configuration has no effect');
});

t.test('validating webhooks run in parallel, after all mutating ones; the first in order refuses', async (t) => {
  let waiting = 0;
  let release: () => void = () => {};
  const both = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { call, configure } = await serve(t, async (_, path) => {
    if (++waiting === 2) release();
    await both;
    return deny({ message: path });
  });
  await configure('validating', 'v', {}, {});
  t.match((await call('POST', maps, named('a'))).json, {
    message: 'admission webhook "w0.v.example.com" denied the request: /v0',
  });
});

t.test('matchPolicy: the same objects under another group', async (t) => {
  const { hook, call, configure } = await serve(t, ({ object }) =>
    patchWith({ op: 'replace', path: '/message', value: `${object.message} seen` }),
  );
  const rules = [{ ...ofMaps, resources: ['events'] }];
  await configure('mutating', 'equivalent', { rules });
  await configure('mutating', 'exact', { rules, matchPolicy: 'Exact' });
  const body = {
    metadata: { name: 'e' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    action: 'a',
    reason: 'r',
    note: 'note',
    type: 'Normal',
    reportingController: 'example.com/c',
    reportingInstance: 'i',
    regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
  };
  const { status, json } = await call('POST', '/apis/events.k8s.io/v1/namespaces/default/events', body);
  t.equal(status, 201, json.message);
  t.equal(json.note, 'note seen', 'the patch of the core form reaches the other form');
  t.equal(hook.reviews.length, 1);
  t.match(hook.reviews[0], {
    path: '/equivalent0',
    kind: { group: '', version: 'v1', kind: 'Event' },
    resource: { group: '', version: 'v1', resource: 'events' },
    requestKind: { group: 'events.k8s.io', version: 'v1', kind: 'Event' },
    requestResource: { group: 'events.k8s.io', version: 'v1', resource: 'events' },
    object: { apiVersion: 'v1', kind: 'Event', message: 'note' },
  });
});

t.test('each object of a collection is sent; generated names are known to validating webhooks only', async (t) => {
  const { hook, call, configure } = await serve(t, () => allow);
  await configure('mutating', 'm', { rules: [{ ...ofMaps, operations: ['CREATE'] }] });
  await configure('validating', 'v', {});
  const made = await call('POST', maps, { metadata: { generateName: 'g-' } });
  t.match(hook.reviews, [
    { path: '/m0', object: { metadata: { generateName: 'g-' } } },
    { path: '/v0', name: made.json.metadata.name },
  ]);
  t.notOk('name' in hook.reviews[0]);
  await call('POST', maps, named('h'));
  hook.reviews.length = 0;
  t.equal((await call('DELETE', maps)).status, 200);
  t.strictSame(
    hook.reviews.map(({ operation, name }) => [operation, name]),
    [made.json.metadata.name, 'h'].sort().map((name) => ['DELETE', name]),
  );
});
t.test('match conditions decide whether a webhook is called', async (t) => {
  const { server, hook, call, configure } = await serve(t, () => deny());
  const node = await server.identity('system:node:n1', 'system:nodes');
  await configure(
    'validating',
    'conditions',
    {
      matchConditions: [
        { name: 'not-nodes', expression: "!('system:nodes' in request.userInfo.groups)" },
        { name: 'labelled', expression: "has(object.metadata.labels) && object.metadata.labels['team'] == 'a'" },
      ],
    },
    {
      failurePolicy: 'Ignore',
      matchConditions: [{ name: 'fails', expression: 'object.metadata.annotations.size() > 0' }],
    },
  );
  const create = (name: string, metadata: object = {}) => call('POST', maps, { metadata: { name, ...metadata } });
  t.equal((await create('free')).status, 201, 'a condition is false, and the other one fails but is ignored');
  t.equal(hook.reviews.length, 0);
  const refused = await create('mine', { labels: { team: 'a' } });
  t.equal(refused.status, 400, refused.text);
  t.equal(hook.reviews.length, 1, 'all conditions of the first webhook are true');
  const annotated = await create('noted', { annotations: { a: 'b' } });
  t.equal(annotated.status, 400, 'the condition of the second webhook is true');
  const byNode = await call('POST', maps, { metadata: { name: 'n', labels: { team: 'a' } } }, { as: node });
  t.equal(byNode.status, 403, 'a node may not create ConfigMaps at all');

  await configure('validating', 'strict', {
    matchConditions: [{ name: 'fails', expression: 'object.data.key == "x"' }],
  });
  const failed = await create('free-2');
  t.equal(failed.status, 403);
  t.equal(
    failed.json.message,
    `configmaps "free-2" is forbidden: expression 'object.data.key == "x"' resulted in error: no such key: data`,
  );
});

t.test('an expression that does not compile is refused', async (t) => {
  const { call, hook } = await serve(t, () => allow);
  const path = `${configurations}/validatingwebhookconfigurations`;
  const configuration = (expression: string) => ({
    metadata: { name: 'c' },
    webhooks: [
      {
        name: 'a.example.com',
        clientConfig: { url: hook.url('/') },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        matchConditions: [{ name: 'x', expression }],
      },
    ],
  });
  const cases: readonly (readonly [expression: string, message: RegExp])[] = [
    ['request.nope == "a"', /compilation failed: ERROR: <input>:1:8: undefined field 'nope'/],
    ['authorizer.group("")', /must evaluate to bool but got kubernetes.authorization.GroupCheck/],
    ['params == null', /undeclared reference to 'params'/],
    ['request.name', /must evaluate to bool but got string/],
  ];
  for (const [expression, message] of cases) {
    const { status, json } = await call('POST', path, configuration(expression));
    t.equal(status, 422, expression);
    t.match(json.details.causes, [{ field: 'webhooks[0].matchConditions[0].expression', message }], expression);
  }
  t.equal((await call('POST', path, configuration('request.operation == "CREATE"'))).status, 201);
});
