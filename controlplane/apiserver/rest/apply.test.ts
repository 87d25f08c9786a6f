// Server-side apply over real HTTPS: ownership, conflicts, creation, and the effect of ordinary writes on managedFields.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const cms = '/api/v1/namespaces/default/configmaps';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const type = 'application/apply-patch+yaml';
const merge = 'application/merge-patch+json';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const cm = (name: string, data: Record<string, string>, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});
const applyAs = (manager: string, name: string, data: Record<string, string>, more = '') =>
  server.call('PATCH', `${cms}/${name}?fieldManager=${manager}${more}`, { type, body: cm(name, data) });

t.test('the first apply creates, the second changes nothing', async (t) => {
  const created = await applyAs('me', 'one', { a: '1' });
  t.equal(created.status, 201);
  t.match(created.json.metadata.managedFields, [
    {
      manager: 'me',
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { 'f:a': {} } },
    },
  ]);
  const again = await applyAs('me', 'one', { a: '1' });
  t.equal(again.status, 200);
  t.equal(again.json.metadata.resourceVersion, created.json.metadata.resourceVersion);
  const less = await applyAs('me', 'one', { b: '2' });
  t.same(less.json.data, { b: '2' }, 'a field that is no longer applied is removed');
});

t.test('a configuration can be YAML', async (t) => {
  const body = '# a comment\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n';
  const created = await server.call('PATCH', `${cms}/yaml?fieldManager=me`, { type, body });
  t.equal(created.status, 201);
  t.same(created.json.data, { a: '1' });
});

t.test('a field of another manager is a conflict, except with force', async (t) => {
  await applyAs('me', 'two', { a: '1', b: '1' });
  const refused = await applyAs('other', 'two', { a: '2' });
  t.equal(refused.status, 409);
  t.match(refused.json, {
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "me": .data.a',
    details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.data.a' }] },
  });
  const forced = await applyAs('other', 'two', { a: '2' }, '&force=true');
  t.same(forced.json.data, { a: '2', b: '1' });
});

t.test('invalid requests are refused', async (t) => {
  const nobody = await server.call('PATCH', `${cms}/three`, { type, body: cm('three', {}) });
  t.match(nobody.json, {
    code: 422,
    message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  });
  const path = `${cms}/three?fieldManager=me`;
  t.match((await server.call('PATCH', path, { type, body: 'a: [' })).json, { code: 400, reason: 'BadRequest' });
  t.match((await server.call('PATCH', path, { type, body: cm('four', {}) })).json, {
    code: 400,
    message: /on the URL/,
  });
  t.match((await server.call('PATCH', path, { type, body: { ...cm('three', {}), apiVersion: 'v2' } })).json, {
    code: 400,
    message: 'invalid object type: /v2, Kind=ConfigMap',
  });
  const uid = await server.call('PATCH', path, { type, body: cm('three', {}, { uid: 'u' }) });
  t.match(uid.json, { code: 409, message: /uid mismatch: the provided object specified uid u, and no existing/ });
  const owned = await server.call('PATCH', path, {
    type,
    body: cm('three', {}, { managedFields: [{ manager: 'x' }] }),
  });
  t.match(owned.json, { code: 400, message: 'metadata.managedFields must be nil' });
  const status = `${deployments}/none/status?fieldManager=me`;
  const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'none' } };
  t.match((await server.call('PATCH', status, { type, body })).json, { code: 404 });
  const force = await server.call('PATCH', `${cms}/one?force=true`, { type: merge, body: {} });
  t.match(force.json, { code: 422, message: /force: Forbidden: may not be specified for non-apply patch/ });
  t.equal((await server.call('GET', `${cms}/three`)).status, 404, 'nothing was created');
});

t.test('a configuration that does not fit its kind', async (t) => {
  const deployment = (spec: object, metadata: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'typed', namespace: 'default', ...metadata },
    spec,
  });
  const pod = (spec: object) => deployment({ template: { spec } });
  const containers = '.spec.template.spec.containers';
  const cases: ReadonlyArray<{ body: object; wrong: string }> = [
    { body: deployment({ replica: 1 }), wrong: '.spec.replica: field not declared in schema' },
    { body: deployment({}, { lables: {} }), wrong: '.metadata.lables: field not declared in schema' },
    { body: deployment({ replicas: 'x' }), wrong: '.spec.replicas: expected numeric (int or float), got string' },
    { body: deployment({ paused: 1 }), wrong: '.spec.paused: expected boolean, got 1' },
    { body: pod({ nodeName: true }), wrong: '.spec.template.spec.nodeName: expected string, got true' },
    { body: pod({ containers: {} }), wrong: `${containers}: expected list, got {}` },
    { body: deployment({ template: [] }), wrong: '.spec.template: expected map, got []' },
    { body: deployment({}, { labels: { a: 1 } }), wrong: '.metadata.labels.a: expected string, got 1' },
    {
      body: pod({ containers: [{ name: 'c' }, { name: 'c' }] }),
      wrong: `${containers}: duplicate entries for key [name="c"]`,
    },
    {
      body: pod({
        containers: [{ name: 'c', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }],
      }),
      wrong: `${containers}[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]`,
    },
    {
      body: pod({ containers: [{ image: 'i' }, { image: 'j' }] }),
      wrong: `${containers}: duplicate entries for key [name=""]`,
    },
    {
      body: pod({ containers: [null] }),
      wrong: `${containers}: element 0: associative list with keys may not have a null element`,
    },
    {
      body: pod({ containers: [{ name: 'c', ports: [{ name: 'a' }, { name: 'b' }] }] }),
      wrong: `${containers}[name="c"].ports: duplicate entries for key [containerPort=0,protocol="TCP"]`,
    },
    {
      body: deployment({}, { finalizers: ['f', 'f'] }),
      wrong: '.metadata.finalizers: duplicate entries for key [="f"]',
    },
    {
      body: deployment({ replicas: 'x', paused: 'y' }),
      wrong:
        'errors:\n  .spec.replicas: expected numeric (int or float), got string\n  .spec.paused: expected boolean, got "y"',
    },
  ];
  for (const { body, wrong } of cases) {
    const { json } = await server.call('PATCH', `${deployments}/typed?fieldManager=me`, { type, body });
    t.equal(json.code, 500, wrong);
    t.notOk('reason' in json);
    t.equal(json.message, `failed to create typed patch object (default/typed; apps/v1, Kind=Deployment): ${wrong}`);
  }
  const { json } = await server.call('PATCH', `${deployments}/typed?fieldManager=me`, {
    type,
    body: deployment({ replicas: 1.5 }),
  });
  t.match(json, { code: 500, message: /^failed to convert new object \(default\/typed; apps\/v1, Kind=Deployment\)/ });
  t.equal((await server.call('GET', `${deployments}/typed`)).status, 404, 'nothing was created');
});

t.test('an element without its key has the key of the zero value, which validation refuses', async (t) => {
  const apply = async (spec: object, metadata: object = {}) => {
    const template = { metadata: { labels: { a: 'b' } }, spec };
    const body = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'keyless', ...metadata },
      spec: { selector: { matchLabels: { a: 'b' } }, template },
    };
    const { json } = await server.call('PATCH', `${deployments}/keyless?fieldManager=me`, { type, body });
    t.match(json, { code: 422, reason: 'Invalid' }, JSON.stringify(json));
    return json.details.causes.map(({ reason, field }: { reason: string; field: string }) => `${field}: ${reason}`);
  };
  const [first, pod] = [{ name: 'c', image: 'i' }, 'spec.template.spec'];
  t.strictSame(await apply({ containers: [first, { image: 'j' }] }), [`${pod}.containers[1].name: FieldValueRequired`]);
  t.strictSame(await apply({ containers: [{ name: null, image: 'j' }] }), [
    `${pod}.containers[0].name: FieldValueRequired`,
  ]);
  const container = { ...first, ports: [{ name: 'a' }], env: [{ value: '1' }], volumeMounts: [{ name: 'v' }] };
  t.strictSame(await apply({ containers: [container], volumes: [{}], hostAliases: [{ hostnames: ['a'] }] }), [
    `${pod}.volumes[0].name: FieldValueRequired`,
    `${pod}.containers[0].ports[0].containerPort: FieldValueRequired`,
    `${pod}.containers[0].env[0].name: FieldValueRequired`,
    `${pod}.containers[0].volumeMounts[0].name: FieldValueNotFound`,
    `${pod}.containers[0].volumeMounts[0].mountPath: FieldValueRequired`,
    `${pod}.hostAliases[0].ip: FieldValueInvalid`,
  ]);
  t.strictSame(await apply({ containers: [first], topologySpreadConstraints: [{ maxSkew: 1 }] }), [
    `${pod}.topologySpreadConstraints[0].topologyKey: FieldValueRequired`,
    `${pod}.topologySpreadConstraints[0].whenUnsatisfiable: FieldValueNotSupported`,
  ]);
  t.strictSame(await apply({ containers: [first] }, { ownerReferences: [{ name: 'x' }] }), [
    'metadata.ownerReferences.apiVersion: FieldValueInvalid',
    'metadata.ownerReferences.kind: FieldValueInvalid',
    'metadata.ownerReferences.uid: FieldValueInvalid',
  ]);
});

t.test('null in a map or a list is the zero of its type, and owned', async (t) => {
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'nulls', labels: { a: null } },
    data: { a: null, b: 'x' },
    binaryData: { q: null },
  };
  const path = `${cms}/nulls?fieldManager=me`;
  const { json, status, text } = await server.call('PATCH', path, { type, body });
  t.equal(status, 201, text);
  t.strictSame([json.metadata.labels, json.data, json.binaryData], [{ a: '' }, { a: '', b: 'x' }, { q: '' }]);
  const owned = {
    'f:binaryData': { 'f:q': {} },
    'f:data': { 'f:a': {}, 'f:b': {} },
    'f:metadata': { 'f:labels': { 'f:a': {} } },
  };
  t.strictSame(json.metadata.managedFields[0].fieldsV1, owned);
  const again = await server.call('PATCH', path, { type, body });
  t.equal(again.json.metadata.resourceVersion, json.metadata.resourceVersion, 'the same configuration changes nothing');
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const pod = await server.call('PATCH', '/api/v1/namespaces/default/pods/nulls?fieldManager=me', {
    type,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'nulls' },
      spec: {
        nodeSelector: { a: null },
        hostname: null,
        containers: [{ name: 'c', image: 'i', args: [null], resources: { limits: { cpu: null } } }],
      },
    },
  });
  t.equal(pod.status, 201, pod.text);
  t.match(pod.json.spec, {
    nodeSelector: { a: '' },
    containers: [{ args: [''], resources: { limits: { cpu: '0' }, requests: { cpu: '0' } } }],
  });
  t.notOk('hostname' in pod.json.spec);
});

t.test('duplicate keys follow field validation', async (t) => {
  const path = (mode: string) => `${cms}/twice?fieldManager=me&dryRun=All&fieldValidation=${mode}`;
  const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata:\n  a: "1"\n  a: "2"\n';
  const strict = await server.call('PATCH', path('Strict'), { type, body });
  t.match(strict.json, {
    code: 400,
    message:
      'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key "a" already set in map',
  });
  const json = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},\n"data":{"a":"1",\n"a":"2"}}';
  t.match((await server.call('PATCH', path('Strict'), { type, body: json })).json, {
    code: 400,
    message: /yaml: unmarshal errors:\n {2}line 3: key "a" already set in map$/,
  });
  const warned = await server.call('PATCH', path('Warn'), { type, body });
  t.same(warned.json.data, { a: '2' }, 'the last value counts');
  t.equal(warned.headers['warning'], '299 - "line 6: key \\"a\\" already set in map"');
  t.equal((await server.call('PATCH', path('Ignore'), { type, body })).headers['warning'], undefined);
});

t.test('preconditions in the configuration', async (t) => {
  const { json } = await applyAs('me', 'five', { a: '1' });
  const body = (resourceVersion: string) => cm('five', { a: '2' }, { resourceVersion });
  const path = `${cms}/five?fieldManager=me`;
  t.match((await server.call('PATCH', path, { type, body: body('1') })).json, {
    code: 409,
    message: /has been modified/,
  });
  t.equal((await server.call('PATCH', path, { type, body: body(json.metadata.resourceVersion) })).status, 200);
  await server.call('DELETE', path);
  t.equal((await server.call('PATCH', path, { type, body: body('1') })).status, 201, 'no condition for a new object');
});

t.test('a dry run stores nothing', async (t) => {
  t.equal((await applyAs('me', 'dry', { a: '1' }, '&dryRun=All')).status, 201);
  t.equal((await server.call('GET', `${cms}/dry`)).status, 404);
});

t.test('ordinary writes own the fields that they change, and unchanged fields keep their owners', async (t) => {
  await applyAs('me', 'six', { a: '1', b: '1' });
  const headers = { 'user-agent': 'editor/v1 (linux)' };
  const patched = await server.call('PATCH', `${cms}/six`, { type: merge, body: { data: { a: '2' } }, headers });
  t.match(patched.json.metadata.managedFields, [
    { manager: 'me', operation: 'Apply', fieldsV1: { 'f:data': { 'f:b': {} } } },
    { manager: 'editor', operation: 'Update', fieldsV1: { 'f:data': { 'f:a': {} } } },
  ]);
  const replaced = await server.call('PUT', `${cms}/six?fieldManager=put`, { body: cm('six', { a: '3', b: '1' }) });
  t.match(replaced.json.metadata.managedFields, [{ manager: 'me' }, { manager: 'put', operation: 'Update' }]);
  const refused = await applyAs('me', 'six', { a: '1', b: '1' });
  t.match(refused.json, { code: 409, message: /conflict with "put" using v1: \.data\.a$/ });
  const cleared = await server.call('PATCH', `${cms}/six`, {
    type: merge,
    body: { metadata: { managedFields: [{}] } },
  });
  t.notOk('managedFields' in cleared.json.metadata);
});

t.test('an object without managedFields: its fields belong to before-first-apply', async (t) => {
  const created = await server.call('POST', `${cms}?fieldManager=hand`, { body: cm('seven', { a: '1' }) });
  t.match(created.json.metadata.managedFields, [
    { manager: 'hand', operation: 'Update', apiVersion: 'v1', fieldsV1: { 'f:data': { '.': {}, 'f:a': {} } } },
  ]);
  const clear = { type: merge, body: { metadata: { managedFields: [{}] } } };
  t.notOk('managedFields' in (await server.call('PATCH', `${cms}/seven`, clear)).json.metadata);
  const later = { type: merge, body: { data: { b: '1' } } };
  const patched = await server.call('PATCH', `${cms}/seven`, later);
  t.notOk('managedFields' in patched.json.metadata, 'an update gives it no owners');
  const refused = await applyAs('me', 'seven', { a: '2' });
  t.match(refused.json, { code: 409, message: /conflict with "before-first-apply" using v1: \.data\.a$/ });
});

t.test(
  'a manager owns what it set to zero; the object does not keep it, and the same configuration changes nothing',
  async (t) => {
    const path = '/api/v1/namespaces/default/services/zero?fieldManager=m';
    const body = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'zero' },
      spec: { ports: [{ port: 80 }], publishNotReadyAddresses: false },
    };
    const first = await server.call('PATCH', path, { type, body });
    t.equal(first.status, 201);
    t.notOk('publishNotReadyAddresses' in first.json.spec);
    t.ok(first.json.metadata.managedFields[0].fieldsV1['f:spec']['f:publishNotReadyAddresses']);
    const again = await server.call('PATCH', path, { type, body });
    t.equal(again.json.metadata.resourceVersion, first.json.metadata.resourceVersion);
  },
);

t.test('the writer owns the defaults, and nothing that the server adds', async (t) => {
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  const { json } = await server.call('POST', '/api/v1/namespaces/default/pods?fieldManager=hand', {
    body: { metadata: { name: 'owned' }, spec },
  });
  t.equal(json.spec.serviceAccountName, 'default');
  const fields = json.metadata.managedFields[0].fieldsV1['f:spec'];
  t.same(Object.keys(fields).sort(), [
    'f:containers',
    'f:dnsPolicy',
    'f:enableServiceLinks',
    'f:restartPolicy',
    'f:schedulerName',
    'f:securityContext',
    'f:terminationGracePeriodSeconds',
  ]);
  const bound = await server.call('POST', '/api/v1/namespaces/default/pods/owned/binding', {
    body: { target: { kind: 'Node', name: 'n1' } },
  });
  t.equal(bound.status, 201);
  const { json: after } = await server.call('GET', '/api/v1/namespaces/default/pods/owned');
  t.equal(after.spec.nodeName, 'n1');
  t.same(after.metadata.managedFields, json.metadata.managedFields, 'a binding has no owner');
});

t.test('kubectl continues from its client-side apply without force', async (t) => {
  const last = JSON.stringify(cm('eight', { a: '1', b: '1' }));
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': last };
  const path = `${cms}?fieldManager=kubectl-client-side-apply`;
  await server.call('POST', path, { body: cm('eight', { a: '1', b: '1' }, { annotations }) });
  t.equal((await applyAs('other', 'eight', { a: '2' })).status, 409, 'only for the manager kubectl');
  const moved = await applyAs('kubectl', 'eight', { a: '2', b: '1' });
  t.equal(moved.status, 200);
  t.match(JSON.parse(moved.json.metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']).data, {
    a: '2',
  });
  await server.call('PATCH', `${cms}/eight?fieldManager=hand`, { type: merge, body: { data: { b: '9' } } });
  t.match((await applyAs('kubectl', 'eight', { a: '2', b: '1' })).json, { code: 409, message: /conflict with "hand"/ });
});

t.test('apply of a Deployment: defaults have no owner; the status has owners of its own', async (t) => {
  const spec = {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'x', image: 'i' }] } },
  };
  const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec };
  const path = `${deployments}/d?fieldManager=me`;
  const created = await server.call('PATCH', path, { type, body });
  t.equal(created.json.spec.replicas, 1);
  t.notOk('f:replicas' in created.json.metadata.managedFields[0].fieldsV1['f:spec']);
  const again = await server.call('PATCH', path, { type, body });
  t.equal(again.json.metadata.resourceVersion, created.json.metadata.resourceVersion, 'defaults are not a change');
  const status = await server.call('PATCH', `${deployments}/d/status?fieldManager=ctl`, {
    type,
    body: { ...body, spec: undefined, status: { observedGeneration: 1 } },
  });
  t.match(status.json.status, { observedGeneration: 1 });
  const ownerOf = (object: { metadata: { managedFields: { manager: string }[] } }, manager: string) =>
    object.metadata.managedFields.find((entry) => entry.manager === manager);
  t.match(ownerOf(status.json, 'ctl'), {
    subresource: 'status',
    fieldsV1: { 'f:status': { 'f:observedGeneration': {} } },
  });
  t.ok(ownerOf(status.json, 'me'));
  const scaled = await server.call('PATCH', `${deployments}/d/scale?fieldManager=hpa`, {
    type: merge,
    body: { spec: { replicas: 3 } },
  });
  t.equal(scaled.status, 200);
  const { json } = await server.call('GET', `${deployments}/d`);
  t.match(ownerOf(json, 'hpa'), { subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } });
});

t.test('creating by apply needs the permission to create', async (t) => {
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['patch'] }];
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    body: { metadata: { name: 'patcher' }, rules },
  });
  await server.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    body: {
      metadata: { name: 'patcher' },
      roleRef: { kind: 'ClusterRole', name: 'patcher' },
      subjects: [{ kind: 'User', name: 'eve' }],
    },
  });
  const as = await server.identity('eve');
  const refused = await server.call('PATCH', `${cms}/new?fieldManager=me`, { type, body: cm('new', {}), as });
  t.match(refused.json, { code: 403, message: /User "eve" cannot create resource "configmaps"/ });
  t.equal((await server.call('PATCH', `${cms}/one?fieldManager=me`, { type, body: cm('one', {}), as })).status, 200);
});

t.test('without owners from the create on, an object gets them at its first apply', async (t) => {
  const plain = await startApiServer({ ownersFromCreate: false });
  t.teardown(() => plain.close());
  const last = JSON.stringify(cm('a', { a: '1', b: '1' }));
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': last };
  const created = await plain.call('POST', cms, { body: cm('a', { a: '1', b: '1', c: '1' }, { annotations }) });
  t.notOk('managedFields' in created.json.metadata);
  const body = cm('a', { a: '2' });
  const applied = await plain.call('PATCH', `${cms}/a?fieldManager=kubectl&force=true`, { type, body });
  t.match(applied.json.metadata.managedFields, [
    { manager: 'kubectl', operation: 'Apply', fieldsV1: { 'f:data': { 'f:a': {} } } },
    { manager: 'before-first-apply', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:c': {} } } },
    { manager: 'kubectl-client-side-apply', operation: 'Update', fieldsV1: { 'f:data': { 'f:b': {} } } },
  ]);
});
