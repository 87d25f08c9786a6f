// Bodies and patches that cannot be parsed or do not fit: code, reason and message of kube-apiserver.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', deployments, { body: deployment });
  await server.call('POST', cms, { body: { metadata: { name: 'a' }, data: { z: '1' } } });
});
t.teardown(() => server.close());

const cms = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const labels = { app: 'd' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const deployment = { metadata: { name: 'd' }, spec: { selector: { matchLabels: labels }, template } };

interface Case {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly type?: string;
  readonly body: unknown;
  readonly code: number;
  readonly message: string;
}
const unrecognized = (why: string, summary: string) =>
  `the object provided is unrecognized (must be of type ConfigMap): ${why} (${summary})`;
const noType = "couldn't get version/kind; json parse error: ";
const hex = (text: string) => Buffer.from(text).toString('hex');
const typeMeta =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

const bodies: readonly Case[] = [
  {
    name: 'truncated JSON',
    body: '{"kind":"ConfigMap",',
    code: 400,
    message: unrecognized(`${noType}unexpected end of JSON input`, '{"kind":"ConfigMap",'),
  },
  {
    name: 'only the beginning of a long body is shown',
    body: '{"apiVersion":"v1" "kind":"ConfigMap","metadata":{}}',
    code: 400,
    message: unrecognized(
      `${noType}invalid character '"' after object key:value pair`,
      '{"apiVersion":"v1" "kind":"Con ...',
    ),
  },
  { name: 'no body', body: '', code: 400, message: unrecognized(`${noType}unexpected end of JSON input`, '<empty>') },
  {
    name: 'a list',
    body: '[]',
    code: 400,
    message: unrecognized(`${noType}json: cannot unmarshal array into Go value of type ${typeMeta}`, hex('[]')),
  },
  {
    name: 'a kind that is not a string',
    body: '{"kind":5}',
    code: 400,
    message: unrecognized(
      `${noType}json: cannot unmarshal number into Go struct field .kind of type string`,
      '{"kind":5}',
    ),
  },
  {
    name: 'YAML with a wrong line',
    type: 'application/yaml',
    body: 'kind: ConfigMap\nmetadata: {name: [}\n',
    code: 400,
    message:
      /^the object provided is unrecognized \(must be of type ConfigMap\): yaml: line 2: [^\n]+ \([0-9a-f]{60} \.\.\.\)$/ as never,
  },
  {
    name: 'an unknown kind',
    path: deployments,
    body: { apiVersion: 'apps/v1', kind: 'Deploymentt' },
    code: 400,
    message:
      'Deploymentt in version "v1" cannot be handled as a Deployment: no kind "Deploymentt" is registered for version "apps/v1"',
  },
  {
    name: 'another kind',
    path: deployments,
    body: { apiVersion: 'v1', kind: 'Pod' },
    code: 400,
    message:
      'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
  },
  {
    name: 'an older version',
    path: deployments,
    body: { apiVersion: 'apps/v1beta2', kind: 'Deployment' },
    code: 400,
    message: 'the API version in the data (apps/v1beta2) does not match the expected API version (apps/v1)',
  },
  {
    name: 'an older version of another group',
    path: deployments,
    body: { apiVersion: 'extensions/v1beta1', kind: 'Deployment' },
    code: 400,
    message: 'the API version in the data (extensions/v1beta1) does not match the expected API version (apps/v1)',
  },
  {
    name: 'a version that never was',
    path: deployments,
    body: { apiVersion: 'apps/v9alpha1', kind: 'Deployment' },
    code: 400,
    message:
      'Deployment in version "v9alpha1" cannot be handled as a Deployment: no kind "Deployment" is registered for version "apps/v9alpha1"',
  },
  {
    name: 'metadata that is not an object',
    body: { metadata: 'x' },
    code: 400,
    message:
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: ' +
      'json: cannot unmarshal string into Go struct field ConfigMap.metadata of type v1.ObjectMeta',
  },
  {
    name: 'null is read as an object without fields',
    body: 'null',
    code: 422,
    message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
  },
  {
    name: 'a Binding of a wrong type',
    path: '/api/v1/namespaces/default/pods/p/binding',
    body: { target: 'n' },
    code: 400,
    message:
      'Binding in version "v1" cannot be handled as a Binding: ' +
      'json: cannot unmarshal string into Go struct field Binding.target of type v1.ObjectReference',
  },
  {
    name: 'a review of a wrong type',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: { spec: { resourceAttributes: 5 } },
    code: 400,
    message:
      'SelfSubjectAccessReview in version "v1" cannot be handled as a SelfSubjectAccessReview: json: cannot unmarshal ' +
      'number into Go struct field SelfSubjectAccessReviewSpec.spec.resourceAttributes of type v1.ResourceAttributes',
  },
  {
    name: 'an unknown media type',
    type: 'text/plain',
    body: 'x',
    code: 415,
    message:
      'the body of the request was in an unknown format - accepted media types include: application/json, ' +
      'application/yaml, application/vnd.kubernetes.protobuf',
  },
  {
    name: 'a broken docker configuration',
    path: '/api/v1/namespaces/default/secrets',
    body: {
      metadata: { name: 's' },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from('nope').toString('base64') },
    },
    code: 422,
    message:
      'Secret "s" is invalid: data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": ' +
      "invalid character 'o' in literal null (expecting 'u')",
  },
];

const json = 'application/json-patch+json';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const rejected = 'the server rejected our request due to an error in our request';
const patch = (type: string, body: unknown, code: number, message: string): Case => ({
  name: `${type} ${JSON.stringify(body)}`,
  method: 'PATCH',
  path: `${deployments}/d`,
  type,
  body,
  code,
  message,
});
const invalidPatch = (value: string, why: string) =>
  ` "" is invalid: patch: Invalid value: ${JSON.stringify(value)}: ${why}`;
const notInt = 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32';

const patches: readonly Case[] = [
  patch('application/json', {}, 415, '415: Unsupported Media Type'),
  patch(merge, '{"spec":', 400, 'error decoding patch: unexpected end of JSON input'),
  patch(json, '[{op', 400, "error decoding patch: invalid character 'o' looking for beginning of object key string"),
  patch(strategic, '{d', 400, "invalid character 'd' looking for beginning of object key string"),
  patch(
    merge,
    '[]',
    400,
    'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ),
  patch(strategic, '[]', 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'),
  patch(json, [{ op: 'zap', path: '/spec' }], 422, rejected),
  patch(json, [{ op: 'replace', path: '/none/x', value: 1 }], 422, rejected),
  patch(json, [{ op: 'test', path: '/metadata/name', value: 'x' }], 422, rejected),
  patch(json, [{ path: '/spec' }], 422, rejected),
  patch(
    json,
    [{ op: 'replace', path: '', value: [] }],
    422,
    invalidPatch(
      '[]',
      "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type " +
        'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }',
    ),
  ),
  patch(
    json,
    [{ op: 'replace', path: '', value: {} }],
    400,
    'the name of the object (d based on URL) was undeterminable: name must be provided',
  ),
  patch(
    json,
    [{ op: 5 }],
    400,
    'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string',
  ),
  patch(
    strategic,
    { spec: { template: { spec: { containers: [{ image: 'x' }] } } } },
    500,
    'map: map[image:x] does not contain declared merge key: name',
  ),
  // After a strategic merge patch upstream converts Go's own values, and its converter has words of its own.
  ...(
    [
      [{ spec: { replicas: 'x' } }, 'map[spec:map[replicas:x]]', 'unrecognized type: int32'],
      [{ spec: { replicas: 1.5 } }, 'map[spec:map[replicas:1.5]]', 'cannot convert float64 to int32'],
      [{ spec: { paused: 1 } }, 'map[spec:map[paused:1]]', 'unrecognized type: bool'],
      [{ spec: 5 }, 'map[spec:5]', 'cannot restore struct from: int64'],
      [{ metadata: [] }, 'map[metadata:[]]', 'cannot restore struct from: slice'],
      [{ metadata: { labels: 'x' } }, 'map[metadata:map[labels:x]]', 'cannot restore map from string'],
      [{ metadata: { name: 5 } }, 'map[metadata:map[name:5]]', 'cannot convert int64 to string'],
      [{ metadata: { finalizers: 5 } }, 'map[metadata:map[finalizers:5]]', 'cannot restore slice from int64'],
      [
        { spec: { template: { spec: { restartPolicy: 5 } } } },
        'map[spec:map[template:map[spec:map[restartPolicy:5]]]]',
        'cannot convert int64 to v1.RestartPolicy',
      ],
      [
        { spec: { template: { spec: { restartPolicy: true } } } },
        'map[spec:map[template:map[spec:map[restartPolicy:true]]]]',
        'unrecognized type: string',
      ],
      [
        { metadata: { creationTimestamp: 5 } },
        'map[metadata:map[creationTimestamp:5]]',
        'json: cannot unmarshal number into Go value of type string',
      ],
      [
        { spec: { strategy: { rollingUpdate: { maxSurge: 1.5 } } } },
        'map[spec:map[strategy:map[rollingUpdate:map[maxSurge:1.5]]]]',
        'json: cannot unmarshal number 1.5 into Go value of type int32',
      ],
    ] as const
  ).map(([body, shown, why]) => patch(strategic, body, 422, invalidPatch(shown, why))),
];

for (const { name, method = 'POST', path = cms, type, body, code, message } of [...bodies, ...patches]) {
  t.test(name, async (t) => {
    const answer = await server.call(method, path, { body, ...(type ? { type } : {}) });
    t.equal(answer.status, code, answer.text);
    t.match(answer.json.message, message);
    if (typeof message === 'string') t.equal(answer.json.message, message);
  });
}

t.test('a patch with a wrong result shows the result', async (t) => {
  const path = `${deployments}/d`;
  const { json: current } = await server.call('GET', path);
  const value = JSON.stringify({ ...current, spec: { ...current.spec, replicas: 'x' } });
  const merged = await server.call('PATCH', path, { type: merge, body: { spec: { replicas: 'x' } } });
  t.equal(merged.json.message, invalidPatch(value, notInt));
  t.match(merged.json, { code: 422, reason: 'Invalid' });
  t.same(merged.json.details, {
    causes: [
      { reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${notInt}`, field: 'patch' },
    ],
  });
});

t.test('strict decoding of patches', async (t) => {
  const strict = async (type: string, body: unknown) => {
    const { json } = await server.call('PATCH', `${cms}/a?dryRun=All&fieldValidation=Strict`, { type, body });
    t.equal(json.code, 422);
    return /strict decoding error: .*$/.exec(json.message)?.[0];
  };
  t.equal(
    await strict(strategic, '{"data":{"a":"1","a":"2"},"x":1}'),
    'strict decoding error: duplicate field "data.a", unknown field "x"',
  );
  t.equal(
    await strict(merge, '{"x":1,"data":{"a":"1","a":"2"}}'),
    'strict decoding error: duplicate field "data.a", unknown field "x"',
  );
  t.equal(
    await strict(
      json,
      '[{"op":"add","path":"/x","value":{"a":1,"a":2},"foo":1},{"op":"test","path":"/b","path":"/data/z","value":"1"}]',
    ),
    'strict decoding error: json patch unknown field "[0].foo", json patch duplicate field "[1].path", unknown field "x"',
  );
  const warned = await server.call('PATCH', `${cms}/a?dryRun=All`, {
    type: merge,
    body: '{"data":{"a":"1","a":"2"},"x":1}',
  });
  t.equal(warned.status, 200);
  t.match(warned.headers['warning'], /duplicate field \\"data\.a\\"/);
  t.match(warned.headers['warning'], /unknown field \\"x\\"/);
});

t.test('duplicate fields in YAML', async (t) => {
  const type = 'application/yaml';
  const body = 'metadata:\n  name: twice\n  name: again\ndata:\n  a: "1"\nz: 1\n';
  const strict = await server.call('POST', `${cms}?dryRun=All&fieldValidation=Strict`, { type, body });
  t.equal(
    strict.json.message,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ' +
      'yaml: unmarshal errors:\n  line 3: key "name" already set in map, unknown field "z"',
  );
  const warned = await server.call('POST', `${cms}?dryRun=All`, { type, body });
  t.equal(warned.json.metadata.name, 'again');
  t.match(warned.headers['warning'], /line 3: key \\"name\\" already set in map/);
});

t.test('a patch cannot change kind and apiVersion', async (t) => {
  const cases = [
    [
      { kind: 'Secret' },
      422,
      /^ "" is invalid: patch: .*converting \(v1\.Secret\) to \(core\.ConfigMap\): unknown conversion$/,
    ],
    [{ kind: 'Foo' }, 422, /^ "" is invalid: patch: .*no kind "Foo" is registered for version "v1"$/],
    [{ apiVersion: 'v2' }, 422, /no kind "ConfigMap" is registered for version "v2"$/],
    [{ apiVersion: 'a/b/c' }, 422, /unexpected GroupVersion string: a\/b\/c$/],
    [
      { apiVersion: null },
      400,
      /^the name of the object \(a based on URL\) was undeterminable: name must be provided$/,
    ],
  ] as const;
  for (const [body, code, message] of cases) {
    const type = 'application/merge-patch+json';
    t.match((await server.call('PATCH', `${cms}/a`, { type, body })).json, { code, message });
  }
  const same = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { labels: { x: 'y' } } };
  t.equal((await server.call('PATCH', `${cms}/a`, { type: 'application/merge-patch+json', body: same })).status, 200);
});

t.test('a patch that does not apply is answered with empty details', async (t) => {
  const cases = [
    [json, [{ op: 'add', path: '', value: {} }]],
    [json, [null]],
    [json, [{ op: 'test', path: '/spec/template/spec/containers/-9', value: 1 }]],
    [strategic, { spec: { $retainKeys: ['paused'], replicas: 1 } }],
  ] as const;
  for (const [type, body] of cases) {
    const { json: status } = await server.call('PATCH', `${deployments}/d`, { type, body });
    t.match(status, { code: 422, reason: 'Invalid', message: rejected }, JSON.stringify(status));
    t.strictSame(status.details, {});
  }
  const unchanged = await server.call('PATCH', `${deployments}/d`, { type: json, body: 'null' });
  t.equal(unchanged.status, 200, unchanged.text);
});

t.test('a patch may name an older version of the kind; a strategic patch, anything', async (t) => {
  const cases = [
    [merge, { apiVersion: 'apps/v1beta1' }, 200],
    [merge, { apiVersion: 'extensions/v1beta1' }, 200],
    [merge, { kind: null }, 200],
    [merge, { apiVersion: 'apps/v1alpha1' }, 422],
    [merge, { apiVersion: 'batch/v1beta1' }, 422],
    [json, [{ op: 'replace', path: '/apiVersion', value: 'apps/v1beta2' }], 200],
    [strategic, { kind: 'Pod' }, 200],
    [strategic, { apiVersion: 'v1' }, 200],
    [strategic, { apiVersion: 'a/b/c', kind: null }, 200],
    [strategic, { kind: 1 }, 422],
  ] as const;
  for (const [type, body, code] of cases) {
    const answer = await server.call('PATCH', `${deployments}/d`, { type, body });
    t.equal(answer.status, code, `${JSON.stringify(body)}: ${answer.text}`);
    if (code === 200) t.match(answer.json, { apiVersion: 'apps/v1', kind: 'Deployment' });
  }
  const again = await server.call('GET', `${deployments}/d`);
  t.match(again.json, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } });
});
