// The kinds of resource.k8s.io over HTTPS: discovery, field selectors, the status, selectors in CEL, admin access, protobuf.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';

const group = '/apis/resource.k8s.io/v1';
const claims = `${group}/namespaces/default/resourceclaims`;
const templates = `${group}/namespaces/default/resourceclaimtemplates`;
const merge = 'application/merge-patch+json';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const claim = (name: string, fields: object = {}) => ({
  metadata: { name },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', ...fields } }] } },
});
const slice = (name: string, nodeName: string, driver: string) => ({
  metadata: { name },
  spec: { driver, nodeName, pool: { name: 'p', generation: 1, resourceSliceCount: 1 } },
});

t.test('discovery lists the four kinds', async (t) => {
  const { json } = await server.call('GET', group);
  t.match(json.resources, [
    { name: 'deviceclasses', kind: 'DeviceClass', namespaced: false },
    { name: 'resourceclaims', kind: 'ResourceClaim', namespaced: true },
    { name: 'resourceclaims/status', kind: 'ResourceClaim' },
    { name: 'resourceclaimtemplates', kind: 'ResourceClaimTemplate', namespaced: true },
    { name: 'resourceslices', kind: 'ResourceSlice', namespaced: false },
  ]);
});

t.test('slices are selected by node and driver', async (t) => {
  for (const [name, node, driver] of [
    ['a', 'n1', 'd'],
    ['b', 'n2', 'd'],
    ['c', 'n2', 'e'],
  ] as const) {
    t.equal((await server.call('POST', `${group}/resourceslices`, { body: slice(name, node, driver) })).status, 201);
  }
  const names = async (selector: string) => {
    const { json } = await server.call('GET', `${group}/resourceslices?fieldSelector=${selector}`);
    return json.items?.map(({ metadata }: { metadata: { name: string } }) => metadata.name) ?? json.message;
  };
  t.same(await names('spec.nodeName=n2'), ['b', 'c']);
  t.same(await names('spec.nodeName=n2,spec.driver=d'), ['b']);
  t.match(
    await names('spec.pool=p'),
    /field label not supported for resource\.k8s\.io\/v1, Kind=ResourceSlice: spec\.pool/,
  );
});

t.test('the status of a claim changes only through its subresource', async (t) => {
  const created = await server.call('POST', claims, { body: { ...claim('held'), status: { reservedFor: [] } } });
  t.match(created.json, { code: undefined, status: {} });
  const allocation = { devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x' }] } };
  const reservedFor = [{ resource: 'pods', name: 'p', uid: 'u' }];
  await server.call('PATCH', `${claims}/held`, { type: merge, body: { status: { allocation } } });
  t.same((await server.call('GET', `${claims}/held`)).json.status, {});
  const allocated = await server.call('PATCH', `${claims}/held/status`, {
    type: merge,
    body: { status: { allocation, reservedFor }, spec: { devices: {} } },
  });
  t.match(allocated.json, { status: { allocation, reservedFor }, spec: claim('held').spec });
  const moved = await server.call('PATCH', `${claims}/held`, {
    type: merge,
    body: { spec: { devices: { requests: [] } } },
  });
  t.match(moved.json, { code: 422, details: { causes: [{ field: 'spec', message: /field is immutable$/ }] } });
  const table = await server.call('GET', claims, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.same(table.json.rows[0].cells.slice(0, 2), ['held', 'allocated,reserved']);
});

t.test('an apply with a second consumer keeps the first', async (t) => {
  await server.call('POST', claims, { body: claim('shared') });
  const allocation = { devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x' }] } };
  const consumer = (uid: string) => ({ resource: 'pods', name: uid, uid });
  for (const uid of ['u1', 'u2']) {
    const body = {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      status: { allocation, reservedFor: [consumer(uid)] },
    };
    const type = 'application/apply-patch+yaml';
    const applied = await server.call('PATCH', `${claims}/shared/status?fieldManager=${uid}`, { type, body });
    t.equal(applied.status, 200, applied.text);
  }
  const { json } = await server.call('GET', `${claims}/shared`);
  t.same(json.status.reservedFor.map(({ uid }: { uid: string }) => uid).sort(), ['u1', 'u2']);
});

t.test('selectors must compile', async (t) => {
  const cel = (expression: string) => ({ selectors: [{ cel: { expression } }] });
  const at = 'spec.devices.requests[0].exactly.selectors[0].cel.expression';
  const cases: readonly (readonly [expression: string, cause: object | undefined])[] = [
    ['device.driver == "d" && device.attributes["d"].model == "m"', undefined],
    ['cel.bind(d, device.attributes["d"], d.shared)', undefined],
    ['device.capacity["d"].memory.compareTo(quantity("1Gi")) >= 0', undefined],
    ['device.attributes["d"].driverVersion.isGreaterThan(semver("1.0.0"))', undefined],
    ['device.name', { field: at, message: /compilation failed: ERROR: <input>:1:7: undefined field 'name'/ }],
    ['device.driver', { field: at, message: /must evaluate to bool or the unknown type, not string$/ }],
    [`"${'x'.repeat(10_240)}" == ""`, { field: at, message: 'Too long: may not be more than 10240 bytes' }],
  ];
  for (const [i, [expression, cause]] of cases.entries()) {
    const { status, json } = await server.call('POST', claims, { body: claim(`c${i}`, cel(expression)) });
    t.equal(status, cause ? 422 : 201, expression.slice(0, 80));
    if (cause) t.match(json.details.causes, [cause], expression.slice(0, 80));
  }
  const body = { metadata: { name: 't' }, spec: { spec: claim('x', cel('1')).spec } };
  t.match((await server.call('POST', templates, { body })).json.details.causes, [{ field: `spec.${at}` }]);
  const deviceClass = { metadata: { name: 'c' }, spec: cel('false') };
  const path = `${group}/deviceclasses`;
  t.equal((await server.call('POST', path, { body: deviceClass })).status, 201);
  const changed = await server.call('PATCH', `${path}/c`, { type: merge, body: { spec: cel('?') } });
  t.match(changed.json, { code: 422, details: { causes: [{ field: 'spec.selectors[0].cel.expression' }] } });
});

t.test('many long selectors do not hold the event loop', async (t) => {
  const expression = Array.from({ length: 550 }, (_, i) => `device.driver=="${i}"`)
    .join('||')
    .slice(0, 10_000);
  const selectors = Array.from({ length: 8 }, () => ({ cel: { expression } }));
  const turns: boolean[] = [];
  const big = server.call('POST', claims, { body: claim('many', { selectors }) }).then(() => turns.push(true));
  while (turns.length === 0) {
    await server.call('GET', '/livez');
    if (turns.length === 0) turns.push(false);
  }
  await big;
  t.same(turns, [false, true], 'another request was answered before the claim');
});

t.test('admin access needs a label of the namespace', async (t) => {
  const message =
    /^Forbidden: admin access to devices requires the `resource\.kubernetes\.io\/admin-access: true` label/;
  const refused = await server.call('POST', claims, { body: claim('admin', { adminAccess: true }) });
  t.match(refused.json, {
    code: 422,
    details: { causes: [{ field: 'spec.devices.requests[0].adminAccess', message }] },
  });
  const template = { metadata: { name: 'admin' }, spec: { spec: claim('x', { adminAccess: true }).spec } };
  t.match((await server.call('POST', templates, { body: template })).json.details.causes, [
    { field: 'spec.devices.requests[0].adminAccess', message },
  ]);
  await server.call('POST', claims, { body: claim('granted') });
  const results = [{ request: 'r', driver: 'd', pool: 'p', device: 'x', adminAccess: true }];
  const grant = () =>
    server.call('PATCH', `${claims}/granted/status`, {
      type: merge,
      body: { status: { allocation: { devices: { results } } } },
    });
  t.match((await grant()).json.details.causes, [
    { field: 'status.allocation.devices.results[0].adminAccess', message },
  ]);
  const labels = { 'resource.kubernetes.io/admin-access': 'true' };
  await server.call('PATCH', '/api/v1/namespaces/default', { type: merge, body: { metadata: { labels } } });
  t.equal((await server.call('POST', claims, { body: claim('admin', { adminAccess: true }) })).status, 201);
  t.equal((await grant()).status, 200);
});
