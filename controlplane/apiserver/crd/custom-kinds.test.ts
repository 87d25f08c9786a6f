// CustomResourceDefinitions over HTTPS: what they define is served, changed and removed.
import t from 'tap';
import {
  condition,
  define,
  definition,
  established,
  reached,
  definitionsPath as root,
  serve,
  version,
} from '../../../test/lib/custom-definitions';

const crontab = (name: string, rest: object = {}) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name },
  spec: { cronSpec: '* *' },
  ...rest,
});

const all = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const merge = 'application/merge-patch+json';

t.test('a definition is defaulted, established, served and deleted with its objects', async (t) => {
  const server = await serve(t);
  const created = await server.call('POST', root, {
    body: definition('crontabs', 'CronTab', { names: { shortNames: ['ct'] } }),
  });
  t.equal(created.status, 201, created.text);
  t.match(created.json, {
    metadata: { generation: 1 },
    spec: { names: { singular: 'crontab', listKind: 'CronTabList' }, conversion: { strategy: 'None' } },
    status: { storedVersions: ['v1'] },
  });
  const object = await reached(server, 'crontabs.stable.example.com', established);
  t.match(object.status, {
    acceptedNames: {
      plural: 'crontabs',
      singular: 'crontab',
      kind: 'CronTab',
      listKind: 'CronTabList',
      shortNames: ['ct'],
    },
    conditions: [
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted' },
    ],
  });
  t.equal((await server.call('POST', all, { body: crontab('a') })).status, 201, 'served at once');
  const discovered = await server.call('GET', '/apis/stable.example.com/v1');
  t.match(discovered.json.resources, [
    { name: 'crontabs', singularName: 'crontab', kind: 'CronTab', shortNames: ['ct'] },
  ]);
  const held = crontab('held', { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
  t.equal((await server.call('POST', all, { body: held })).status, 201);

  const deleted = await server.call('DELETE', `${root}/crontabs.stable.example.com`);
  t.match(deleted.json.metadata, { finalizers: ['customresourcecleanup.apiextensions.k8s.io'] });
  await reached(server, 'crontabs.stable.example.com', condition('Terminating', 'True'));
  const left = await server.call('GET', all);
  t.same(
    left.json.items.map((one: { metadata: { name: string } }) => one.metadata.name),
    ['held'],
  );
  t.equal((await server.call('POST', all, { body: crontab('late') })).status, 403, 'no new objects');
  const watch = await server.watch(`${root}?watch=true`);
  t.match(await watch.next(), { type: 'ADDED' });
  await server.call('PATCH', `${all}/held`, { body: { metadata: { finalizers: null } }, type: merge });
  for (let event = await watch.next(); event.type !== 'DELETED'; event = await watch.next());
  watch.close();
  t.equal((await server.call('GET', all)).status, 404, 'not served any more');
  t.equal((await server.call('GET', '/apis/stable.example.com')).status, 404);

  await define(server, definition('crontabs', 'CronTab'));
  t.same((await server.call('GET', all)).json.items, [], 'no object came back');
});

t.test('names that another definition of the group has', async (t) => {
  const server = await serve(t);
  await define(server, definition('crontabs', 'CronTab', { names: { shortNames: ['ct'] } }));
  const second = definition('others', 'CronTab', { names: { shortNames: ['ct', 'ot'] } });
  t.equal((await server.call('POST', root, { body: second })).status, 201);
  const refused = await reached(server, second.metadata.name, condition('NamesAccepted', 'False'));
  t.match(refused.status.conditions, [
    { type: 'NamesAccepted', status: 'False', reason: 'ListKindConflict', message: '"CronTabList" is already in use' },
    { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
  ]);
  t.same(refused.status.acceptedNames, { plural: 'others', kind: '' });
  t.equal((await server.call('GET', '/apis/stable.example.com/v1/others')).status, 404);
  t.equal((await server.call('DELETE', `${root}/crontabs.stable.example.com`)).status, 200);
  await reached(server, second.metadata.name, established);
  t.equal((await server.call('GET', '/apis/stable.example.com/v1/others')).status, 200, 'the names are free again');
});

t.test('several versions show the same objects', async (t) => {
  const server = await serve(t);
  const versions = [version('v1'), version('v1beta1', { storage: false, deprecated: true })];
  await define(server, definition('crontabs', 'CronTab', { versions }));
  const beta = all.replace('/v1/', '/v1beta1/');
  await server.call('POST', all, { body: crontab('a') });
  const read = await server.call('GET', `${beta}/a`);
  t.match(read.json, { apiVersion: 'stable.example.com/v1beta1', kind: 'CronTab', spec: { cronSpec: '* *' } });
  t.match(read.headers['warning'], /stable.example.com\/v1beta1 CronTab is deprecated/);
  const change = { spec: { versions: [version('v1', { storage: false }), version('v2')] } };
  const name = 'crontabs.stable.example.com';
  const missing = await server.call('PATCH', `${root}/${name}`, {
    body: { spec: { versions: [version('v2')] } },
    type: merge,
  });
  t.match(missing.json, { code: 422, details: { causes: [{ field: 'status.storedVersions[0]' }] } });
  const changed = await server.call('PATCH', `${root}/${name}`, { body: change, type: merge });
  t.same(changed.json.status.storedVersions, ['v1', 'v2']);
  t.match((await server.call('GET', `${all.replace('/v1/', '/v2/')}/a`)).json, { apiVersion: 'stable.example.com/v2' });
  t.equal((await server.call('GET', `${beta}/a`)).status, 404);
  t.match((await server.call('GET', `${all}/a`)).json, { apiVersion: 'stable.example.com/v1' });
});

t.test('a schema that is not structural is refused, under the field of all versions or of one', async (t) => {
  const server = await serve(t);
  const wrong = { schema: { openAPIV3Schema: { type: 'object', properties: { x: {} } } } };
  const [one, two] = [version('v1', wrong), version('v2', { storage: false })];
  const field = (path: string) => `${path}.openAPIV3Schema.properties[x].type`;
  const refused = async (versions: readonly object[]) => {
    const { json, status } = await server.call('POST', root, { body: definition('crontabs', 'CronTab', { versions }) });
    return { status, reason: json.reason, causes: json.details.causes };
  };
  const causes = (path: string) => [
    {
      reason: 'FieldValueRequired',
      message: 'Required value: must not be empty for specified object fields',
      field: field(path),
    },
  ];
  t.same(await refused([one]), { status: 422, reason: 'Invalid', causes: causes('spec.validation') });
  t.same(await refused([two, one]), { status: 422, reason: 'Invalid', causes: causes('spec.versions[1].schema') });
});

t.test('short finalizers of custom objects are taken, with a warning for each that is added', async (t) => {
  const server = await serve(t);
  await define(server, definition('crontabs', 'CronTab'));
  const short = 'resources-finalizer.argocd.argoproj.io';
  const warning =
    `299 - "metadata.finalizers: \\"${short}\\": prefer a domain-qualified finalizer name including a path (/) to avoid ` +
    'accidental conflicts with other finalizer writers"';
  const created = await server.call('POST', all, {
    body: crontab('a', { metadata: { name: 'a', finalizers: [short, 'example.com/x', 'orphan'] } }),
  });
  t.equal(created.status, 201, created.text);
  t.equal(created.headers['warning'], warning);
  const patch = (metadata: object) => server.call('PATCH', `${all}/a`, { type: merge, body: { metadata } });
  t.equal((await patch({ labels: { a: 'b' } })).headers['warning'], undefined);
  t.match(
    (await patch({ finalizers: [short, 'two'] })).headers['warning'],
    /^299 - "metadata.finalizers: \\"two\\": prefer/,
  );
  const cm = { body: { metadata: { name: 'c', finalizers: [short] } } };
  t.match((await server.call('POST', '/api/v1/namespaces/default/configmaps', cm)).json, {
    code: 422,
    message: / name is neither a standard finalizer name nor is it fully qualified$/,
  });
  const lease = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
  const taken = await server.call('POST', lease, cm);
  t.equal(taken.status, 201, 'as upstream, a few built-in kinds take them without a warning');
  t.equal(taken.headers['warning'], undefined);
});

t.test('the errors of a definition come in the order of kube-apiserver', async (t) => {
  const server = await serve(t);
  const refused = async (name: string, spec: object) => {
    const body = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name }, spec };
    const { json } = await server.call('POST', root, { body });
    return json.message.replace(`CustomResourceDefinition.apiextensions.k8s.io "${name}" is invalid: `, '');
  };
  t.equal(
    await refused('tasks.example.com', {}),
    '[metadata.name: Invalid value: "tasks.example.com": must be spec.names.plural+"."+spec.group, ' +
      'spec.group: Required value, spec.scope: Required value, ' +
      'spec.versions: Invalid value: null: must have exactly one version marked as storage version, ' +
      'spec.names.plural: Required value, spec.names.singular: Required value, spec.names.kind: Required value, ' +
      'spec.names.listKind: Required value, ' +
      'status.storedVersions: Invalid value: null: must have at least one stored version]',
  );
  const names = { plural: 'tasks', kind: 'Task' };
  const versions = [{ name: 'v1', served: true, storage: true }];
  t.equal(
    await refused('tasks.a.k8s.io', {
      group: 'a.k8s.io',
      scope: 'Cluster',
      preserveUnknownFields: true,
      names,
      versions,
    }),
    '[spec.versions[0].schema.openAPIV3Schema: Required value, ' +
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation ' +
      '"api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111, ' +
      'spec.preserveUnknownFields: Invalid value: true: cannot set to true, ' +
      'set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead]',
  );
});

t.test('a definition has at most 100 versions', async (t) => {
  const server = await serve(t);
  const versions = (count: number) =>
    Array.from({ length: count }, (_, i) => version(`v${i + 1}`, { storage: i === 0 }));
  const send = (count: number) =>
    server.call('POST', root, { body: definition('crontabs', 'CronTab', { versions: versions(count) }) });
  const refused = await send(101);
  t.equal(refused.status, 422);
  t.same(refused.json.details.causes, [
    { reason: 'FieldValueTooMany', field: 'spec.versions', message: 'Too many: 101: must have at most 100 items' },
  ]);
  t.equal((await send(100)).status, 201);
});
