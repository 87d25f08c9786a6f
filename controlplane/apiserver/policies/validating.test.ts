// Validating policies over real HTTPS: which requests they see, what their expressions read, and how they refuse.
import t, { type Test } from 'tap';
import { type CallOptions, startApiServer, type TestServerOptions } from '../../../test/lib/api-server';

const group = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const merge = 'application/merge-patch+json';
const ofMaps = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
const ofDeployments = { ...ofMaps, apiGroups: ['apps'], resources: ['deployments', 'deployments/scale'] };
const named = (name: string, rest: object = {}) => ({ metadata: { name }, ...rest });
const selector = { matchLabels: { a: 'b' } };
const deployment = (name: string, replicas: number) =>
  named(name, {
    spec: {
      replicas,
      selector,
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });

interface Parts {
  readonly policy?: object;
  readonly binding?: object;
  readonly rules?: readonly object[];
}

async function serve(t: Test, audit?: TestServerOptions['audit']) {
  const server = await startApiServer(audit && { audit });
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const call = async (method: string, path: string, body?: unknown, options: CallOptions = {}) =>
    server.call(method, path, body === undefined ? options : { body, ...options });
  /** Creates a policy and a binding of the same name. */
  const bind = async (
    name: string,
    validations: readonly object[],
    { policy, binding, rules = [ofMaps] }: Parts = {},
  ) => {
    const created = [
      await call('POST', `${group}/validatingadmissionpolicies`, {
        metadata: { name },
        spec: { matchConstraints: { resourceRules: rules }, validations, ...policy },
      }),
      await call('POST', `${group}/validatingadmissionpolicybindings`, {
        metadata: { name },
        spec: { policyName: name, validationActions: ['Deny'], ...binding },
      }),
    ];
    for (const { status, text } of created) t.equal(status, 201, text);
  };
  return { server, call, bind };
}

t.test('a refusal names policy and binding, with the code of its reason', async (t) => {
  const { call, bind } = await serve(t);
  await bind(
    'limit.example.com',
    [{ expression: 'object.spec.replicas <= 5', message: 'at most five', reason: 'Forbidden' }],
    { rules: [ofDeployments] },
  );
  t.equal((await call('POST', deployments, deployment('ok', 5))).status, 201);
  const { status, json } = await call('POST', deployments, deployment('many', 6));
  const why =
    "ValidatingAdmissionPolicy 'limit.example.com' with binding 'limit.example.com' denied request: at most five";
  t.equal(status, 403);
  t.strictSame(json, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `deployments.apps "many" is forbidden: ${why}`,
    reason: 'Forbidden',
    details: { name: 'many', group: 'apps', kind: 'deployments', causes: [{ message: why }] },
    code: 403,
  });
  t.equal((await call('GET', `${deployments}/many`)).status, 404, 'nothing was written');
  const scaled = await call('PATCH', `${deployments}/ok/scale`, { spec: { replicas: 9 } }, { type: merge });
  t.equal(scaled.status, 403, 'the scale is a Scale object for the policy');
  t.equal((await call('PATCH', `${deployments}/ok`, { spec: { replicas: 6 } }, { type: merge })).status, 403);
  t.equal((await call('POST', `${deployments}?dryRun=All`, deployment('many', 6))).status, 403, 'also a dry run');
});

t.test('messages and reasons', async (t) => {
  const { call, bind } = await serve(t);
  const cases: readonly (readonly [validation: object, code: number, message: string])[] = [
    [{ expression: ' false ' }, 422, 'failed expression: false'],
    [{ expression: 'false', message: ' text ' }, 422, 'text'],
    [{ expression: 'false', messageExpression: '"n " + object.metadata.name', message: 'text' }, 422, 'n a'],
    [{ expression: 'false', messageExpression: 'string(1 / 0)', message: 'text' }, 422, 'text'],
    [{ expression: 'false', messageExpression: '"a\\nb"' }, 422, 'failed expression: false'],
    [{ expression: 'false', reason: 'RequestEntityTooLarge' }, 413, 'failed expression: false'],
    [
      { expression: 'object.data.k == "x"' },
      422,
      `expression 'object.data.k == "x"' resulted in error: no such key: data`,
    ],
  ];
  for (const [i, [validation, code, message]] of cases.entries()) {
    await bind(`p${i}`, [validation]);
    const { status, json } = await call('POST', maps, named('a'));
    t.equal(status, code);
    const who = `ValidatingAdmissionPolicy 'p${i}' with binding 'p${i}'`;
    t.equal(json.message, `configmaps "a" is forbidden: ${who} denied request: ${message}`);
    await call('DELETE', `${group}/validatingadmissionpolicybindings/p${i}`);
  }
});

t.test('what expressions read', async (t) => {
  const { call, bind } = await serve(t);
  await call('PATCH', '/api/v1/namespaces/default', { metadata: { labels: { env: 'test' } } }, { type: merge });
  const policy = {
    variables: [
      { name: 'keys', expression: 'has(object.data) ? object.data.map(k, k) : []' },
      { name: 'count', expression: 'size(variables.keys)' },
      { name: 'broken', expression: '1 / 0' },
    ],
  };
  await bind(
    'p',
    [
      { expression: 'request.operation != "CREATE" || oldObject == null' },
      { expression: 'request.operation != "UPDATE" || oldObject.metadata.name == object.metadata.name' },
      { expression: 'request.kind.kind == "ConfigMap" && request.resource.resource == "configmaps"' },
      { expression: 'request.namespace == "default" && request.name == object.metadata.name' },
      { expression: 'request.userInfo.username == "kubernetes-admin" && !request.dryRun' },
      { expression: 'namespaceObject != null && namespaceObject.metadata.labels["env"] == "test"' },
      { expression: 'authorizer.group("").resource("pods").namespace("default").check("create").allowed()' },
      { expression: 'authorizer.requestResource.check("anything").allowed()' },
      {
        expression:
          'authorizer.serviceAccount("kube-system", "x").path("/version").check("get").reason().startsWith("RBAC: allowed by")',
      },
      { expression: 'variables.count < 3', messageExpression: '"has " + string(variables.count)' },
      { expression: 'false || variables.count < 3 || variables.broken > 0' },
    ],
    { policy },
  );
  const created = await call('POST', maps, named('a', { data: { k: 'v' } }));
  t.equal(created.status, 201, created.text);
  const put = await call('PUT', `${maps}/a`, named('a', { data: { a: '1', b: '2', c: '3' } }));
  t.equal(put.status, 422);
  t.match(put.json.message, /denied request: has 3$/);
  t.equal((await call('PUT', `${maps}/a`, named('a', { data: { a: '1' } }))).status, 200);
});

t.test('deletions, and objects of the cluster', async (t) => {
  const { call, bind } = await serve(t);
  await call('POST', maps, named('kept', { metadata: { name: 'kept', labels: { keep: 'yes' } } }));
  await call('POST', maps, named('other'));
  await bind('deletions', [{ expression: 'object == null && !has(oldObject.metadata.labels)' }], {
    rules: [{ ...ofMaps, operations: ['DELETE'] }],
  });
  t.equal((await call('DELETE', `${maps}/kept`)).status, 422);
  t.equal((await call('DELETE', `${maps}/other`)).status, 200);
  await bind('cluster', [{ expression: 'namespaceObject == null && request.name != "bad"' }], {
    rules: [{ ...ofMaps, resources: ['namespaces', 'nodes'] }],
  });
  t.equal((await call('POST', '/api/v1/nodes', named('n'))).status, 201);
  t.equal((await call('POST', '/api/v1/namespaces', named('bad'))).status, 422);
});

t.test('which requests match', async (t) => {
  const { call, bind } = await serve(t);
  const cases: readonly {
    readonly name: string;
    readonly parts: Parts;
    readonly body: { readonly metadata: object };
    readonly denied: boolean;
  }[] = [
    { name: 'operation', parts: { rules: [{ ...ofMaps, operations: ['UPDATE'] }] }, body: named('a'), denied: false },
    { name: 'resource', parts: { rules: [{ ...ofMaps, resources: ['secrets'] }] }, body: named('a'), denied: false },
    { name: 'names', parts: { rules: [{ ...ofMaps, resourceNames: ['b'] }] }, body: named('a'), denied: false },
    { name: 'names', parts: { rules: [{ ...ofMaps, resourceNames: ['a'] }] }, body: named('a'), denied: true },
    {
      name: 'excluded names',
      parts: {
        policy: {
          matchConstraints: {
            resourceRules: [ofMaps],
            excludeResourceRules: [{ ...ofMaps, resourceNames: ['a'] }],
          },
        },
      },
      body: named('a'),
      denied: false,
    },
    {
      name: 'object selector',
      parts: { policy: { matchConstraints: { resourceRules: [ofMaps], objectSelector: selector } } },
      body: named('a'),
      denied: false,
    },
    {
      name: 'object selector',
      parts: { policy: { matchConstraints: { resourceRules: [ofMaps], objectSelector: selector } } },
      body: { metadata: { name: 'a', labels: { a: 'b' } } },
      denied: true,
    },
    {
      name: 'namespace selector of the binding',
      parts: { binding: { matchResources: { namespaceSelector: { matchLabels: { none: 'such' } } } } },
      body: named('a'),
      denied: false,
    },
    {
      name: 'rules of the binding',
      parts: { binding: { matchResources: { resourceRules: [{ ...ofMaps, resourceNames: ['b'] }] } } },
      body: named('a'),
      denied: false,
    },
    {
      name: 'match condition',
      parts: { policy: { matchConditions: [{ name: 'c', expression: 'request.name == "b"' }] } },
      body: named('a'),
      denied: false,
    },
    {
      name: 'another policy of the binding',
      parts: { binding: { policyName: 'none' } },
      body: named('a'),
      denied: false,
    },
  ];
  for (const [i, { name, parts, body, denied }] of cases.entries()) {
    await bind(`p${i}`, [{ expression: 'false' }], parts);
    t.equal((await call('POST', `${maps}?dryRun=All`, body)).status, denied ? 422 : 201, name);
    await call('DELETE', `${group}/validatingadmissionpolicybindings/p${i}`);
  }
});

t.test('matchPolicy: the same objects in another group', async (t) => {
  const { call, bind } = await serve(t);
  const events = { operations: ['CREATE'], apiGroups: ['events.k8s.io'], apiVersions: ['v1'], resources: ['events'] };
  const event = {
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
    reason: 'Test',
    message: 'text',
  };
  const path = '/api/v1/namespaces/default/events';
  await bind('exact', [{ expression: 'false' }], {
    policy: { matchConstraints: { resourceRules: [events], matchPolicy: 'Exact' } },
  });
  t.equal((await call('POST', path, event)).status, 201);
  await bind('equivalent', [{ expression: '!has(object.note) || request.kind.group != "events.k8s.io"' }], {
    rules: [events],
  });
  const { status, json } = await call('POST', path, { ...event, metadata: { name: 'f' } });
  t.equal(status, 422, 'the policy sees the form that its rule names');
  t.match(json.message, /events "f" is forbidden: ValidatingAdmissionPolicy 'equivalent'/);
});

t.test('parameters', async (t) => {
  const { call, bind } = await serve(t);
  const policy = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } };
  const rules = [ofDeployments];
  const validations = [{ expression: 'params == null || object.spec.replicas <= int(params.data.max)', message: 'm' }];
  const tryIt = async (replicas: number) => call('POST', `${deployments}?dryRun=All`, deployment('d', replicas));
  const denied = /denied request: (.*)$/;
  await bind('p', validations, {
    policy,
    rules,
    binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
  });
  const absent = await tryIt(1);
  t.equal(absent.status, 422);
  t.equal(
    denied.exec(absent.json.message)?.[1],
    'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
  );
  await call('POST', maps, named('limits', { data: { max: '3' } }));
  t.equal((await tryIt(3)).status, 201);
  t.equal((await tryIt(4)).status, 422);
  await call('DELETE', `${group}/validatingadmissionpolicybindings/p`);

  await bind('allow', validations, {
    policy,
    rules,
    binding: { paramRef: { name: 'none', parameterNotFoundAction: 'Allow' } },
  });
  t.equal((await tryIt(9)).status, 201, 'without parameters the policy does not apply');
  await bind('null', validations, { policy, rules });
  t.equal((await tryIt(9)).status, 201, 'a binding without paramRef: params is null');
  await call('POST', maps, { metadata: { name: 'small', labels: { a: 'b' } }, data: { max: '2' } });
  await bind('selected', validations, {
    policy,
    rules,
    binding: { paramRef: { selector, parameterNotFoundAction: 'Deny' } },
  });
  t.equal((await tryIt(2)).status, 201);
  t.equal((await tryIt(3)).status, 422, 'each selected object must allow it');
  await call('DELETE', `${group}/validatingadmissionpolicybindings/selected`);
  await bind('unknown', [{ expression: 'true' }], {
    policy: { paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' } },
    rules,
  });
  const unknown = await tryIt(1);
  t.equal(
    unknown.json.message,
    `deployments.apps "d" is forbidden: ValidatingAdmissionPolicy 'unknown' denied request: failed to configure policy: ` +
      "failed to find resource referenced by paramKind: 'example.com/v1, Kind=Limit'",
  );
});

t.test('failurePolicy, and the actions of a binding', async (t) => {
  const { call, bind } = await serve(t);
  const failing = [{ expression: 'object.data.none == "x"' }];
  await bind('ignored', failing, { policy: { failurePolicy: 'Ignore' } });
  t.equal((await call('POST', maps, named('a'))).status, 201);
  await bind('annotated', [{ expression: 'true' }], {
    policy: { auditAnnotations: [{ key: 'k', valueExpression: 'string(object.data.none)' }], failurePolicy: 'Ignore' },
  });
  t.equal((await call('POST', maps, named('b'))).status, 201);
  await bind('warned', [{ expression: 'false', message: 'old form' }], { binding: { validationActions: ['Warn'] } });
  const warned = await call('POST', maps, named('c'));
  t.equal(warned.status, 201);
  t.equal(
    warned.headers['warning'],
    `299 - "Validation failed for ValidatingAdmissionPolicy 'warned' with binding 'warned': old form"`,
  );
  await bind('audited', [{ expression: 'false' }], { binding: { validationActions: ['Audit'] } });
  t.equal((await call('POST', maps, named('d'))).status, 201);
  await bind('strict', [{ expression: 'true' }], {
    policy: { auditAnnotations: [{ key: 'k', valueExpression: 'string(object.data.none)' }] },
    binding: { validationActions: ['Audit'] },
  });
  const strict = await call('POST', maps, named('e'));
  t.equal(strict.status, 422, 'an annotation that fails refuses, whatever the actions are');
  t.match(strict.json.message, /expression 'string\(object.data.none\)' resulted in error: no such key: data$/);
});

t.test('a policy that is removed or changed counts at once; policies concern no policies', async (t) => {
  const { call, bind } = await serve(t);
  await bind('p', [{ expression: 'false' }], {
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
  });
  t.equal((await call('POST', maps, named('a'))).status, 422);
  const path = `${group}/validatingadmissionpolicies/p`;
  const change = { spec: { validations: [{ expression: 'object.metadata.name == "a"' }] } };
  t.equal((await call('PATCH', path, change, { type: merge })).status, 200);
  t.equal((await call('POST', maps, named('a'))).status, 201);
  t.equal((await call('POST', maps, named('b'))).status, 422);
  t.equal((await call('DELETE', path)).status, 200);
  t.equal((await call('POST', maps, named('b'))).status, 201);
});

t.test('what costs too much is refused, for all policies of a request together', async (t) => {
  const { call, bind } = await serve(t);
  const expensive = 'object.data.all(a, object.data.all(b, object.data.all(c, true))) || true';
  const data = Object.fromEntries(Array.from({ length: 28 }, (_, i) => [`k${i}`, 'v']));
  await bind('p0', [{ expression: expensive }]);
  t.equal((await call('POST', `${maps}?dryRun=All`, named('a', { data }))).status, 201);
  for (const name of ['p1', 'p2']) await bind(name, [{ expression: expensive }]);
  const { status, json } = await call('POST', `${maps}?dryRun=All`, named('a', { data }));
  t.equal(status, 422);
  t.match(json.message, /denied request: validation failed due to running out of cost budget/);
  t.equal((await call('POST', `${maps}?dryRun=All`, named('a', { data: { k: 'v' } }))).status, 201);
});

t.test('what the audit record of a request shows', async (t) => {
  const lines: string[] = [];
  const source =
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata, verbs: [create], resources: [{resources: [configmaps]}]}]';
  const { call, bind } = await serve(t, {
    policy: { source, file: 'policy.yaml' },
    log: { write: async (text) => void lines.push(text), close: async () => undefined },
    rotation: { maxBytes: 1, maxBackups: 0, maxAgeMs: 0 },
  });
  const policy = {
    auditAnnotations: [
      { key: 'name', valueExpression: '" " + object.metadata.name' },
      { key: 'none', valueExpression: 'null' },
    ],
  };
  await bind('p', [{ expression: 'true' }, { expression: 'false', message: 'm' }], {
    policy,
    binding: { validationActions: ['Audit', 'Warn'] },
  });
  t.equal((await call('POST', maps, named('a'))).status, 201);
  const events = lines.map((line) => JSON.parse(line));
  const { annotations } = events.find(({ objectRef }) => objectRef.name === 'a');
  t.equal(annotations['p/name'], 'a');
  t.notOk('p/none' in annotations);
  t.strictSame(JSON.parse(annotations['validation.policy.admission.k8s.io/validation_failure']), [
    { message: 'm', policy: 'p', binding: 'p', expressionIndex: 1, validationActions: ['Audit', 'Warn'] },
  ]);
});
