// Mutating policies over real HTTPS: what they change, how they merge, in which order, and how they fail.
import t, { type Test } from 'tap';
import { type CallOptions, startApiServer } from '../../../test/lib/api-server';
import { allow, base64, patchWith, startWebhook } from '../../../test/lib/webhook-server';

const group = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const merge = 'application/merge-patch+json';
const ofMaps = { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
const ofPods = { ...ofMaps, resources: ['pods'] };
const named = (name: string, rest: object = {}) => ({ metadata: { name }, ...rest });
const pod = { containers: [{ name: 'c', image: 'i' }] };
const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const json = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });

interface Parts {
  readonly policy?: object;
  readonly binding?: object;
  readonly rules?: readonly object[];
}

async function serve(t: Test) {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const call = async (method: string, path: string, body?: unknown, options: CallOptions = {}) =>
    server.call(method, path, body === undefined ? options : { body, ...options });
  const bind = async (
    name: string,
    mutations: readonly object[],
    { policy, binding, rules = [ofMaps] }: Parts = {},
  ) => {
    const created = [
      await call('POST', `${group}/mutatingadmissionpolicies`, {
        metadata: { name },
        spec: { matchConstraints: { resourceRules: rules }, mutations, reinvocationPolicy: 'Never', ...policy },
      }),
      await call('POST', `${group}/mutatingadmissionpolicybindings`, {
        metadata: { name },
        spec: { policyName: name, ...binding },
      }),
    ];
    for (const { status, text } of created) t.equal(status, 201, text);
  };
  return { server, call, bind };
}

t.test('apply configurations merge by the schema', async (t) => {
  const { call, bind } = await serve(t);
  await bind(
    'sidecar',
    [
      apply(`Object{
        metadata: Object.metadata{labels: {"injected": "yes"}},
        spec: Object.spec{
          initContainers: [Object.spec.initContainers{name: "mesh", image: "mesh:1", restartPolicy: "Always"}],
          containers: object.spec.containers.map(c, Object.spec.containers{
            name: c.name,
            env: [Object.spec.containers.env{name: "MESH", value: "on"}]
          })
        }
      }`),
    ],
    {
      rules: [ofPods],
      policy: {
        matchConditions: [
          { name: 'once', expression: '!object.?spec.initContainers.orValue([]).exists(c, c.name == "mesh")' },
        ],
      },
    },
  );
  const body = named('p', { metadata: { name: 'p', labels: { own: '1' } }, spec: pod });
  const { status, json: made, text } = await call('POST', pods, body);
  t.equal(status, 201, text);
  t.strictSame(made.metadata.labels, { own: '1', injected: 'yes' });
  t.match(made.spec.containers, [{ name: 'c', image: 'i', env: [{ name: 'MESH', value: 'on' }] }]);
  t.equal(made.spec.containers.length, 1);
  t.match(made.spec.initContainers, [
    { name: 'mesh', image: 'mesh:1', restartPolicy: 'Always', terminationMessagePath: '/dev/termination-log' },
  ]);
  t.ok(
    made.spec.initContainers[0].volumeMounts.some(({ name }: { name: string }) => name.startsWith('kube-api-access')),
    'the other rules saw the new container',
  );
});

t.test('JSON patches', async (t) => {
  const { call, bind } = await serve(t);
  await bind('patch', [
    json('[JSONPatch{op: "add", path: "/metadata/labels", value: {"a/b": "1"}}]'),
    json('[JSONPatch{op: "replace", path: "/metadata/labels/" + jsonpatch.escapeKey("a/b"), value: "2"}]'),
    json('[JSONPatch{op: "test", path: "/data/k", value: "none"}, JSONPatch{op: "remove", path: "/data"}]'),
    json('[JSONPatch{op: "add", path: "/metadata/finalizers", value: ["a.example/1", "a.example/2"]}]'),
    json('[JSONPatch{op: "remove", path: "/metadata/finalizers/-1"}]'),
  ]);
  const { status, json: made, text } = await call('POST', maps, named('a', { data: { k: 'v' } }));
  t.equal(status, 201, text);
  t.strictSame(made.metadata.labels, { 'a/b': '2' }, 'each mutation sees the one before it');
  t.strictSame(made.data, { k: 'v' }, 'a test that fails changes nothing');
  t.strictSame(made.metadata.finalizers, ['a.example/1'], 'a negative index counts from the end');
});

t.test('variables, parameters and the old object; only what the write may change', async (t) => {
  const { call, bind } = await serve(t);
  await call('POST', maps, named('labels', { data: { team: 'x' } }));
  await bind('p', [apply('Object{metadata: Object.metadata{annotations: variables.all, name: "other", uid: "u"}}')], {
    policy: {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      variables: [
        { name: 'verb', expression: 'request.operation' },
        {
          name: 'all',
          expression: '{"team": params.data.team, "verb": variables.verb, "had": string(oldObject != null)}',
        },
      ],
    },
    binding: { paramRef: { name: 'labels', parameterNotFoundAction: 'Deny' } },
  });
  const created = await call('POST', maps, named('a'));
  t.equal(created.status, 201, created.text);
  t.match(created.json.metadata, { name: 'a', annotations: { team: 'x', verb: 'CREATE', had: 'false' } });
  t.not(created.json.metadata.uid, 'u');
  const patched = await call('PATCH', `${maps}/a`, { data: { k: 'v' } }, { type: merge });
  t.match(patched.json.metadata.annotations, { verb: 'UPDATE', had: 'true' });
  t.equal((await call('POST', `${maps}?dryRun=All`, named('b'))).json.metadata.annotations.team, 'x', 'also a dry run');
  t.equal((await call('DELETE', `${maps}/a`)).status, 200);
});

t.test('what fails: texts, code, and failurePolicy', async (t) => {
  const { call, bind } = await serve(t);
  const cases: readonly (readonly [mutation: object, message: RegExp])[] = [
    [apply('Object{data: {"k": object.data.none}}'), /^expression 'Object.*' resulted in error: no such key: data$/],
    [
      apply('Object{metadata: Object.spec{}}'),
      /^type mismatch: unexpected type name "Object.spec", expected "Object.metadata", which matches field name path/,
    ],
    [
      apply('Object{nope: "x"}'),
      /^error applying patch: failed to convert patch object to typed object: \.nope: field not declared in schema$/,
    ],
    [
      apply(
        'Object{metadata: Object.metadata{finalizers: ["x"], ownerReferences: [Object.metadata.ownerReferences{uid: "u", controller: "x"}]}}',
      ),
      /^error applying patch: failed to convert patch object to typed object/,
    ],
    [json('[JSONPatch{op: "remove", path: "/none"}]'), /^JSON Patch: /],
    [json('[JSONPatch{op: "add", path: "/data", value: 5}]'), /data/],
  ];
  for (const [i, [mutation, message]] of cases.entries()) {
    await bind(`p${i}`, [mutation]);
    const { status, json: found } = await call('POST', maps, named('a'));
    t.equal(status, 403);
    t.equal(found.reason, 'Invalid', 'as upstream: the reason, but not its code');
    const [who, why] = found.message.split(' denied request: ');
    t.equal(who, `policy 'p${i}' with binding 'p${i}'`);
    t.match(why, message);
    t.match(found.details, { name: 'a', kind: 'configmaps', causes: [{ message: found.message }] });
    await call(
      'PATCH',
      `${group}/mutatingadmissionpolicies/p${i}`,
      { spec: { failurePolicy: 'Ignore' } },
      { type: merge },
    );
    t.equal((await call('POST', `${maps}?dryRun=All`, named('a'))).status, 201, 'Ignore');
    await call('DELETE', `${group}/mutatingadmissionpolicybindings/p${i}`);
  }
  await bind('unknown', [apply('Object{}')], { policy: { paramKind: { apiVersion: 'example.com/v1', kind: 'X' } } });
  const { status, json: found } = await call('POST', maps, named('a'));
  t.equal(status, 403);
  t.match(found, {
    reason: 'Forbidden',
    message:
      'policy "unknown" denied request: failed to configure policy: failed to find resource referenced by paramKind: ' +
      "'example.com/v1, Kind=X'",
  });
});

t.test('atomic lists are refused', async (t) => {
  const { call, bind } = await serve(t);
  await bind('p', [apply('Object{spec: Object.spec{containers: [Object.spec.containers{name: "c", args: ["x"]}]}}')], {
    rules: [ofPods],
  });
  const { status, json: found } = await call('POST', pods, named('p', { spec: pod }));
  t.equal(status, 403);
  t.match(
    found.message,
    /error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: \.spec\.containers\[0\]\.args$/,
  );
});

t.test('order: policies by name, then webhooks; reinvocationPolicy', async (t) => {
  const { server, call, bind } = await serve(t);
  const seen: (string | undefined)[] = [];
  const hook = await startWebhook(await server.serving('127.0.0.1'), (request) => {
    seen.push(request.object?.data?.log);
    return seen.length === 1 ? patchWith({ op: 'add', path: '/data/hook', value: 'yes' }) : allow;
  });
  t.teardown(() => hook.close());
  await call('POST', `${group}/mutatingwebhookconfigurations`, {
    metadata: { name: 'w' },
    webhooks: [
      {
        name: 'w.example.com',
        rules: [ofMaps],
        clientConfig: { url: hook.url('/'), caBundle: base64(server.ca) },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        reinvocationPolicy: 'IfNeeded',
      },
    ],
  });
  const log = (name: string) => apply(`Object{data: {"log": object.?data["log"].orValue("") + "${name}"}}`);
  const condition = { matchConditions: [{ name: 'm', expression: 'request.name == "a"' }] };
  await bind('b', [log('b')], { policy: condition });
  await bind('a', [log('a')], { policy: { ...condition, reinvocationPolicy: 'IfNeeded' } });
  const { status, json: made, text } = await call('POST', maps, named('a'));
  t.equal(status, 201, text);
  t.equal(made.data.log, 'aba', 'a is evaluated again, b is not');
  t.equal(made.data.hook, 'yes');
  t.strictSame(seen, ['ab', 'aba'], 'the webhook is called after the policies, and again after a change');
});

t.test('a status write stays one', async (t) => {
  const { call, bind } = await serve(t);
  await call('POST', pods, named('p', { spec: pod }));
  await bind(
    'p',
    [
      apply(
        'Object{metadata: Object.metadata{labels: {"l": "1"}}, spec: Object.spec{priority: 7}, status: Object.status{reason: "R"}}',
      ),
    ],
    {
      rules: [{ ...ofPods, resources: ['pods/status'] }],
    },
  );
  const {
    status,
    json: made,
    text,
  } = await call('PATCH', `${pods}/p/status`, { status: { message: 'm' } }, { type: merge });
  t.equal(status, 200, text);
  t.match(made.status, { message: 'm', reason: 'R' });
  t.equal(made.spec.priority, 0, 'the spec is not a part of this write');
});
