// pods/ephemeralcontainers over HTTPS: what it writes, and what it refuses.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const pods = '/api/v1/namespaces/default/pods';
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
});
t.teardown(() => server.close());

const debug = (name: string, fields: object = {}) => ({ name, image: 'busybox', ...fields });

async function create(name: string, metadata: object = {}, spec: object = {}): Promise<string> {
  const body = {
    metadata: { name, labels: { own: '1' }, ...metadata },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  };
  const created = await server.call('POST', pods, { body });
  t.equal(created.status, 201, created.text);
  return `${pods}/${name}`;
}
const patch = (path: string, list: unknown, type = strategic) =>
  server.call('PATCH', `${path}/ephemeralcontainers`, { type, body: { spec: { ephemeralContainers: list } } });

t.test('containers are added, with defaults, one after another', async (t) => {
  const path = await create('web');
  const added = await patch(path, [debug('one', { targetContainerName: 'c', stdin: true })]);
  t.match(added, {
    status: 200,
    json: {
      kind: 'Pod',
      metadata: { generation: 2 },
      spec: {
        ephemeralContainers: [
          {
            name: 'one',
            targetContainerName: 'c',
            imagePullPolicy: 'Always',
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
          },
        ],
      },
    },
  });
  await patch(path, [debug('two')]);
  const { json } = await server.call('GET', `${path}/ephemeralcontainers`);
  t.same(json.spec.ephemeralContainers.map(({ name }: { name: string }) => name).sort(), ['one', 'two']);
});

t.test('only ephemeral containers are written', async (t) => {
  const path = await create('only');
  const { json } = await server.call('GET', path);
  const body = {
    ...json,
    metadata: { ...json.metadata, labels: { own: '2' } },
    spec: { ...json.spec, activeDeadlineSeconds: 7, ephemeralContainers: [debug('one')] },
    status: { phase: 'Failed' },
  };
  t.equal((await server.call('PUT', `${path}/ephemeralcontainers`, { body })).status, 200);
  t.match((await server.call('GET', path)).json, {
    metadata: { labels: { own: '1' } },
    spec: { activeDeadlineSeconds: undefined, ephemeralContainers: [{ name: 'one' }] },
    status: { phase: 'Pending' },
  });
  t.equal((await server.call('PUT', `${path}/ephemeralcontainers`, { body })).status, 409, 'an old resourceVersion');
  const other = { ...body, metadata: { name: 'other', namespace: 'default' } };
  t.equal((await server.call('PUT', `${path}/ephemeralcontainers`, { body: other })).status, 400);
});

t.test('what is refused', async (t) => {
  const path = await create('refused');
  await patch(path, [debug('one')]);
  const f = 'spec.ephemeralContainers';
  const cases: readonly (readonly [name: string, list: unknown, cause: object])[] = [
    ['a removal', [], { field: f, message: 'Forbidden: existing ephemeral containers "one" may not be removed\n' }],
    [
      'a change',
      [debug('one', { image: 'other' })],
      { field: f, message: /^Forbidden: existing ephemeral containers "one" may not be changed\n/ },
    ],
    ['a name that is taken', [debug('one'), debug('c')], { field: `${f}[1].name`, message: 'Duplicate value: "c"' }],
    [
      'ports',
      [debug('one'), debug('two', { ports: [{ containerPort: 80 }] })],
      { field: `${f}[1].ports`, message: 'Forbidden: cannot be set for an Ephemeral Container' },
    ],
    [
      'an unknown target',
      [debug('one'), debug('two', { targetContainerName: 'x' })],
      { field: `${f}[1].targetContainerName`, message: 'Not found: "x"' },
    ],
  ];
  for (const [name, list, cause] of cases) {
    const { json } = await patch(path, list, merge);
    t.match(json, { code: 422, details: { causes: [cause] } }, name);
  }
  const direct = { spec: { ephemeralContainers: [debug('three')] } };
  t.equal((await server.call('PATCH', path, { type: strategic, body: direct })).status, 422, 'by an update of the pod');
  const annotations = { 'kubernetes.io/config.mirror': 'x' };
  const mirror = await create('mirror', { annotations }, { nodeName: 'n' });
  t.match((await patch(mirror, [debug('one')])).json.details.causes, [
    { field: '[]', message: 'Forbidden: static pods do not support ephemeral containers' },
  ]);
  t.equal((await patch(`${pods}/none`, [debug('one')])).status, 404);
});

t.test('server-side apply adds containers and owns them', async (t) => {
  const path = await create('applied');
  const apply = (list: unknown) =>
    server.call('PATCH', `${path}/ephemeralcontainers?fieldManager=me`, {
      type: 'application/apply-patch+yaml',
      body: { apiVersion: 'v1', kind: 'Pod', spec: { ephemeralContainers: list } },
    });
  const { status, json } = await apply([debug('one')]);
  t.equal(status, 200);
  t.match(json, { metadata: { generation: 2 }, spec: { ephemeralContainers: [{ name: 'one', image: 'busybox' }] } });
  const owned = { 'k:{"name":"one"}': { '.': {}, 'f:image': {}, 'f:name': {} } };
  t.match(
    json.metadata.managedFields.filter(({ subresource }: { subresource?: string }) => subresource),
    [{ manager: 'me', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:ephemeralContainers': owned } } }],
  );
  t.equal((await apply([debug('two')])).status, 422, 'the first may not be removed');
});

t.test('Pod Security holds for ephemeral containers', async (t) => {
  const path = await create('guarded');
  const labels = { 'pod-security.kubernetes.io/enforce': 'baseline' };
  await server.call('PATCH', '/api/v1/namespaces/default', { type: merge, body: { metadata: { labels } } });
  const refused = await patch(path, [debug('one', { securityContext: { privileged: true } })]);
  t.match(refused.json, { code: 403, message: /violates PodSecurity "baseline:latest": privileged/ });
  t.equal((await patch(path, [debug('one')])).status, 200);
});
