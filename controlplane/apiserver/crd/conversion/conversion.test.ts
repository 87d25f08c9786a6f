// Conversion webhooks over real HTTPS: which requests call one, what the clients of each version see, and what a failing webhook stops.
import t, { type Test } from 'tap';
import { startApiServer, type TestServer, type WatchLines } from '../../../../test/lib/api-server';
import {
  type ConversionWebhook,
  definitionName,
  group,
  startConversion,
  thing,
  thingDefinition,
  things,
  thingVersions,
  webhookStrategy,
} from '../../../../test/lib/conversion-webhook';
import { define, definitionsPath, reached } from '../../../../test/lib/custom-definitions';

const merge = 'application/merge-patch+json';
const applying = 'application/apply-patch+yaml';
const noWay = (answer: { response?: object }) => ({
  ...answer,
  response: { ...answer.response, result: { status: 'Failure', message: 'no way' } },
});
const failure = `conversion webhook for ${group}/v1, Kind=Thing failed: no way`;

interface Lab {
  readonly server: TestServer;
  readonly hook: ConversionWebhook;
  readonly call: TestServer['call'];
}

async function open(t: Test, versions?: readonly object[]): Promise<Lab> {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const hook = await startConversion(await server.serving('127.0.0.1'));
  t.teardown(() => hook.close());
  await define(server, thingDefinition(webhookStrategy(hook.url('/convert'), server.ca), versions));
  const call: TestServer['call'] = (method, path, options) => server.call(method, path, options);
  return { server, hook, call };
}

const patch = (body: unknown) => ({ body, type: merge });
const names = (list: { items: { metadata: { name: string } }[] }) => list.items.map(({ metadata }) => metadata.name);
const expectEvents = async (t: Test, watch: WatchLines, expected: readonly (readonly [string, object])[]) => {
  for (const [type, object] of expected) t.match(await watch.next(), { type, object });
};

t.test('objects are converted where a version needs it, and only there', async (t) => {
  const { hook, call } = await open(t);
  const created = await call('POST', things('v1'), { body: thing('v1', 'a', { hostPort: 'h:1', junk: 1 }) });
  t.strictSame(created.json.spec, { hostPort: 'h:1', d1: 'one' });
  t.strictSame((await call('GET', things('v1', 'a'))).json.spec, { hostPort: 'h:1', d1: 'one' });
  t.equal(hook.calls(), '', 'no call for the version that is stored');

  t.match((await call('GET', things('v2', 'a'))).json, { apiVersion: `${group}/v2`, kind: 'Thing' });
  t.strictSame(
    (await call('GET', things('v2', 'a'))).json.spec,
    { host: 'h', port: '1' },
    'no defaults of the version',
  );
  t.equal(hook.calls(), 'v1>v2', 'once for one revision');
  const { query, path, uid, objects } = hook.reviews.at(-1);
  t.strictSame([path, query], ['/convert', 'timeout=30s']);
  t.match(uid, /^[\da-f-]{36}$/);
  t.notOk(objects[0].metadata.resourceVersion, 'the object as it is stored');

  const second = await call('POST', things('v2'), {
    body: thing('v2', 'b', { host: 'x', port: '2', junk: 1 }, { labels: { l: 'b' } }),
  });
  t.equal(hook.calls(), 'v2>v1 v1>v2', 'to the stored version and back');
  t.strictSame(second.json.spec, { host: 'x', port: '2' }, 'what the stored version cannot hold is lost');
  t.match(second.json.metadata, { generation: 1, resourceVersion: /^\d+$/, labels: { l: 'b' } });
  t.strictSame((await call('GET', things('v1', 'b'))).json.spec, { hostPort: 'x:2', d1: 'one' });
  t.equal(hook.calls(), '');

  const list = await call('GET', things('v3'));
  t.match(list.json, { kind: 'ThingList', apiVersion: `${group}/v3` });
  t.strictSame(
    list.json.items.map(({ spec }: { spec: object }) => spec),
    [{ addr: { host: 'h', port: '1' } }, { addr: { host: 'x', port: '2' } }],
  );
  t.equal(hook.calls(), 'v1>v3+v1>v3', 'one call for a list');
  await call('GET', things('v3'));
  t.equal(hook.calls(), '');

  const bySelector = async (version: string, query: string) => (await call('GET', `${things(version)}?${query}`)).json;
  t.strictSame(names(await bySelector('v2', 'fieldSelector=spec.host%3Dx')), ['b']);
  t.strictSame(names(await bySelector('v2', 'labelSelector=l%3Db')), ['b']);
  t.strictSame(names(await bySelector('v2', 'fieldSelector=metadata.name%3Da')), ['a']);
  t.match(await bySelector('v1', 'fieldSelector=spec.host%3Dx'), {
    code: 400,
    message: 'field label not supported: spec.host',
  });
  const page = await bySelector('v2', 'limit=1');
  t.strictSame([names(page), page.metadata.remainingItemCount], [['a'], 1]);
  t.strictSame(names(await bySelector('v2', `limit=1&continue=${page.metadata.continue}`)), ['b']);
  const table = await call('GET', things('v2'), {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  });
  t.match(table.json.rows, [{ cells: ['a', 'h'] }, { cells: ['b', 'x'] }]);

  t.strictSame((await call('PATCH', things('v2', 'a'), patch({ spec: { host: 'patched' } }))).json.spec, {
    host: 'patched',
    port: '1',
  });
  const ready = await call('PATCH', `${things('v3', 'a')}/status`, patch({ status: { ready: true } }));
  t.match(ready.json, { spec: { addr: { host: 'patched', port: '1' } }, status: { ready: true } });
  t.equal(ready.json.metadata.generation, 2, 'a write of the status raises no generation');
  const scaled = await call('PATCH', `${things('v2', 'a')}/scale`, patch({ spec: { replicas: 3 } }));
  t.match(scaled.json, { kind: 'Scale', spec: { replicas: 3 } });
  t.match((await call('GET', things('v1', 'a'))).json, {
    spec: { hostPort: 'patched:1', replicas: 3, d1: 'one' },
    status: { ready: true },
  });

  hook.calls();
  const dry = await call('POST', `${things('v2')}?dryRun=All`, { body: thing('v2', 'dry', { host: 'x', port: '2' }) });
  t.strictSame(dry.json.spec, { host: 'x', port: '2' }, 'a dry run shows what would be read');
  t.equal(hook.calls(), 'v2>v1 v1>v2');
  const { resourceVersion } = (await call('GET', things('v2', 'b'))).json.metadata;
  const same = await call('PUT', things('v2', 'b'), { body: (await call('GET', things('v2', 'b'))).json });
  t.not(same.json.metadata.resourceVersion, resourceVersion, 'the default of v2 is a change');
});

t.test('a webhook may change labels and annotations only; its object is pruned', async (t) => {
  const { hook, call } = await open(t);
  hook.spoil((answer) => {
    for (const object of answer.response.convertedObjects) {
      object.metadata = { ...object.metadata, labels: { added: 'y' }, finalizers: ['x.io/y'], generation: 77 };
      object.spec = { ...object.spec, unknown: { a: null }, port: null };
      object.top = 1;
    }
    return answer;
  });
  await call('POST', things('v1'), { body: thing('v1', 'a', { hostPort: 'h:1' }) });
  const { json } = await call('GET', things('v2', 'a'));
  t.match(json.metadata, { labels: { added: 'y' }, generation: 1 });
  t.notOk(json.metadata.finalizers || json.top);
  t.strictSame(json.spec, { host: 'h' });
  t.strictSame(names((await call('GET', `${things('v2')}?labelSelector=added`)).json), ['a'], 'and can be selected');
  t.strictSame(names((await call('GET', `${things('v1')}?labelSelector=added`)).json), []);
});

t.test('watches: each event in the version of the watch, in order', async (t) => {
  const { hook, server, call } = await open(t);
  await call('POST', things('v1'), { body: thing('v1', 'a', { hostPort: 'h:1' }) });
  const path = `${things('v2')}?watch=true`;
  const initial = 'allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
  const plain = await server.watch(`${path}&${initial}`);
  const selected = await server.watch(`${path}&fieldSelector=spec.host%3Dsel`);
  const tables = await server.watch(path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  const other = await server.watch(`${things('v1')}?watch=true`);
  await expectEvents(t, plain, [
    ['ADDED', { apiVersion: `${group}/v2`, spec: { host: 'h' } }],
    ['BOOKMARK', { apiVersion: `${group}/v2`, metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } }],
  ]);
  hook.calls();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  // The first event waits: the later ones must not pass it.
  hook.spoil(async (answer, { objects }) => {
    if (objects[0].spec.hostPort === 'sel:1') await held;
    return answer;
  });
  await call('POST', things('v1'), { body: thing('v1', 'b', { hostPort: 'sel:1' }) });
  for (const hostPort of ['other:1', 'sel:9']) await call('PATCH', things('v1', 'b'), patch({ spec: { hostPort } }));
  await call('DELETE', things('v1', 'b'));
  await expectEvents(t, other, [
    ['ADDED', { metadata: { name: 'a' } }],
    ['ADDED', { spec: { hostPort: 'sel:1' } }],
    ['MODIFIED', { spec: { hostPort: 'other:1' } }],
    ['MODIFIED', { spec: { hostPort: 'sel:9' } }],
    ['DELETED', { spec: { hostPort: 'sel:9' } }],
  ]);
  release();
  const last = { host: 'sel', port: '9' };
  await expectEvents(t, plain, [
    ['ADDED', { spec: { host: 'sel', port: '1' } }],
    ['MODIFIED', { spec: { host: 'other' } }],
    ['MODIFIED', { spec: last }],
    ['DELETED', { apiVersion: `${group}/v2`, spec: last, metadata: { resourceVersion: /^\d+$/ } }],
  ]);
  await expectEvents(t, selected, [
    ['ADDED', { spec: { host: 'sel', port: '1' } }],
    ['DELETED', { spec: { host: 'sel', port: '1' } }],
    ['ADDED', { spec: last }],
    ['DELETED', { spec: last }],
  ]);
  await expectEvents(t, tables, [
    ['ADDED', { kind: 'Table', rows: [{ cells: ['a', 'h'] }] }],
    ['ADDED', { kind: 'Table', rows: [{ cells: ['b', 'sel'] }] }],
  ]);
  t.equal(hook.calls().split(/[ +]/).length, 3, 'three states, each converted once for all watches');
  for (const watch of [plain, selected, tables, other]) watch.close();
});

t.test('a failing webhook stops what needs it, and nothing else', async (t) => {
  const { hook, server, call } = await open(t);
  await call('POST', things('v1'), { body: thing('v1', 'a', { hostPort: 'h:1' }) });
  const converted = await server.watch(`${things('v2')}?watch=true`);
  t.match(await converted.next(), { type: 'ADDED' });
  const direct = await server.watch(`${things('v1')}?watch=true`);
  hook.spoil(noWay);
  await call('POST', things('v1'), { body: thing('v1', 'c', { hostPort: 'h:1' }) });
  t.match(await converted.next(), { type: 'ERROR', object: { kind: 'Status', code: 500, message: failure } });
  await converted.ended;
  await expectEvents(t, direct, [
    ['ADDED', { metadata: { name: 'a' } }],
    ['ADDED', { metadata: { name: 'c' } }],
  ]);
  direct.close();

  const refused = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await call(method, path, body === undefined ? {} : { body });
    t.match([status, json.message], [500, failure], `${method} ${path}`);
    t.notOk(json.reason, 'without a reason, as upstream');
  };
  await refused('GET', things('v2', 'c'));
  await refused('GET', things('v2'));
  await refused('GET', `${things('v2')}?watch=true`);
  await refused('DELETE', things('v2', 'c'));
  await refused('DELETE', things('v2'));
  await refused('GET', `${things('v2', 'c')}/scale`);
  const create = await call('POST', things('v2'), { body: thing('v2', 'd') });
  t.equal(create.json.message, failure.replace('/v1', '/v2'));
  const applied = await call('PATCH', `${things('v2', 'e')}?fieldManager=m`, {
    body: thing('v2', 'e'),
    type: applying,
  });
  t.equal(applied.status, 500);
  t.equal((await call('GET', things('v2', 'missing'))).status, 404);
  t.equal((await call('GET', `/apis/${group}/v2/namespaces/kube-system/things`)).status, 200, 'nothing to convert');
  t.equal((await call('GET', things('v1'))).json.items.length, 2);
  t.equal((await call('PATCH', things('v1', 'c'), patch({ spec: { keep: 'y' } }))).status, 200);
  t.equal((await call('DELETE', things('v1', 'c'))).status, 200);
  const metrics = (await call('GET', '/metrics')).text;
  t.match(metrics, `crd_name="${definitionName}",from_version="v1",to_version="v2",succeeded="false"`);
  t.match(metrics, 'apiserver_conversion_webhook_request_total{result="failure"');

  await hook.close();
  await call('POST', things('v1'), { body: thing('v1', 'f') });
  t.equal(
    (await call('GET', things('v2', 'f'))).json.message,
    `conversion webhook for ${group}/v1, Kind=Thing failed: Post "${hook.url('/convert')}?timeout=30s": ` +
      `dial tcp 127.0.0.1:${hook.port}: connect: connection refused`,
  );
  const watch = await server.watch(`${definitionsPath}?watch=true`);
  t.equal((await call('DELETE', `${definitionsPath}/${definitionName}`)).status, 200);
  while ((await watch.next()).type !== 'DELETED');
  watch.close();
  t.pass('its objects are deleted as they are stored');
});

t.test('a webhook that does not answer holds only its own requests', async (t) => {
  const { hook, call } = await open(t);
  await call('POST', things('v1'), { body: thing('v1', 'a', { hostPort: 'h:1' }) });
  let release = () => {};
  hook.spoil(async (answer) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return answer;
  });
  let answered = false;
  const waiting = call('GET', things('v2', 'a')).then((answer) => {
    answered = true;
    return answer;
  });
  t.equal((await call('GET', things('v1', 'a'))).status, 200);
  t.equal((await call('GET', '/api/v1/namespaces')).status, 200);
  t.equal((await call('POST', things('v1'), { body: thing('v1', 'b') })).status, 201);
  t.notOk(answered);
  release();
  t.equal((await waiting).json.spec.host, 'h');
});

t.test('the storage version changes: objects stay as they are until they are written', async (t) => {
  const { hook, server, call } = await open(t);
  await call('POST', things('v1'), { body: thing('v1', 'm', { hostPort: 'm:1' }) });
  const path = `${definitionsPath}/${definitionName}`;
  const change = async (edit: (spec: { versions: { name: string }[] }) => void) => {
    const { json } = await call('GET', path);
    edit(json.spec);
    const { status, text } = await call('PUT', path, { body: json });
    t.equal(status, 200, text);
  };
  await change((spec) => {
    spec.versions = thingVersions('v2');
  });
  await reached(server, definitionName, ({ status }) => status.storedVersions.join() === 'v1,v2');
  hook.calls();
  t.strictSame((await call('GET', things('v1', 'm'))).json.spec, { hostPort: 'm:1', d1: 'one' });
  t.equal(hook.calls(), '', 'it is stored at v1');
  t.equal((await call('GET', things('v2', 'm'))).json.spec.host, 'm');
  t.equal(hook.calls(), 'v1>v2');

  const before = (await call('GET', things('v1', 'm'))).json;
  const after = await call('PUT', things('v1', 'm'), { body: before });
  t.not(after.json.metadata.resourceVersion, before.metadata.resourceVersion, 'a write without a change moves it');
  t.equal(after.json.metadata.generation, 1);
  hook.calls();
  t.strictSame((await call('GET', things('v2', 'm'))).json.spec, { host: 'm', port: '1', d2: 'two' });
  t.equal(hook.calls(), '', 'it is stored at v2');

  const { json } = await call('GET', path);
  json.status.storedVersions = ['v2'];
  t.equal((await call('PUT', `${path}/status`, { body: json })).status, 200);
  await change((spec) => {
    spec.versions = spec.versions.filter(({ name }) => name !== 'v1');
  });
  // No field of the definition tells that a version is gone.
  while ((await call('GET', things('v1', 'm'))).status !== 404) await new Promise((resolve) => setImmediate(resolve));
  t.match((await call('GET', things('v3', 'm'))).json.spec, { addr: { host: 'm', port: '1' } });
  t.equal(hook.calls(), 'v2>v3');
});

t.test('owners of fields: each entry in the version of its writer', async (t) => {
  const { call } = await open(t);
  const apply = (version: string, manager: string, spec: object, force = '') =>
    call('PATCH', `${things(version, 'ap')}?fieldManager=${manager}${force}`, {
      body: thing(version, 'ap', spec),
      type: applying,
    });
  const owners = ({ json }: { json: { metadata: { managedFields: Record<string, unknown>[] } } }) =>
    json.metadata.managedFields.map(({ manager, operation, apiVersion, fieldsV1 }) => [
      manager,
      operation,
      String(apiVersion).split('/')[1],
      fieldsV1,
    ]);
  const created = await apply('v2', 'm1', { host: 'h1', port: '1' });
  t.strictSame(owners(created), [['m1', 'Apply', 'v2', { 'f:spec': { 'f:host': {}, 'f:port': {} } }]]);
  const disputed = await apply('v3', 'm2', { addr: { host: 'h2' } });
  t.match(disputed.json, {
    code: 409,
    message: 'Apply failed with 1 conflict: conflict with "m1": .spec.host',
    details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "m1"', field: '.spec.host' }] },
  });
  const forced = await apply('v3', 'm2', { addr: { host: 'h2' } }, '&force=true');
  t.strictSame(forced.json.spec, { addr: { host: 'h2', port: '1' } });
  t.strictSame(owners(forced), [
    ['m1', 'Apply', 'v2', { 'f:spec': { 'f:port': {} } }],
    ['m2', 'Apply', 'v3', { 'f:spec': { 'f:addr': { 'f:host': {} } } }],
  ]);
  const update = { spec: { hostPort: 'h3:3', keep: 'k' } };
  const updated = await call('PATCH', `${things('v1', 'ap')}?fieldManager=m3`, patch(update));
  t.strictSame(owners(updated), [['m3', 'Update', 'v1', { 'f:spec': { 'f:hostPort': {}, 'f:keep': {} } }]]);
  const dropped = await apply('v2', 'm1', { host: 'h1' }, '&force=true');
  t.strictSame(dropped.json.spec, { host: 'h1', keep: 'k', port: '3' });
  t.strictSame(owners(dropped), [
    ['m1', 'Apply', 'v2', { 'f:spec': { 'f:host': {} } }],
    ['m3', 'Update', 'v1', { 'f:spec': { 'f:keep': {} } }],
  ]);
  const given = await apply('v3', 'm1', {}, '&force=true');
  t.strictSame(
    given.json.spec,
    { addr: { host: 'h1', port: '3' }, keep: 'k' },
    'v1 cannot say that only the host is gone',
  );
  t.match(owners(given)[0], ['m1', 'Apply', 'v3', { 'f:spec': {} }]);
});

t.test('admission webhooks of another version see converted objects', async (t) => {
  const { hook, server, call } = await open(t);
  const admission = await startAdmission(t, server);
  const configuration = {
    metadata: { name: 'v' },
    webhooks: [
      {
        name: 'v.things.example.com',
        rules: [{ operations: ['*'], apiGroups: [group], apiVersions: ['v1'], resources: ['things'] }],
        clientConfig: { url: admission.url('/v'), caBundle: Buffer.from(server.ca).toString('base64') },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        matchConditions: [{ name: 'stored', expression: 'object.spec.hostPort.startsWith("x:")' }],
      },
    ],
  };
  const root = '/apis/admissionregistration.k8s.io/v1';
  for (const which of ['mutating', 'validating']) {
    t.equal((await call('POST', `${root}/${which}webhookconfigurations`, { body: configuration })).status, 201);
  }
  const created = await call('POST', things('v2'), { body: thing('v2', 'a', { host: 'x', port: '2' }) });
  t.equal(created.status, 201, created.text);
  t.strictSame(created.json.spec, { host: 'x', port: '2', keep: 'mutated' });
  t.strictSame(
    admission.reviews.map(({ kind, requestKind, object }) => [kind.version, requestKind.version, object.spec.hostPort]),
    [
      ['v1', 'v2', 'x:2'],
      ['v1', 'v2', 'x:2'],
    ],
  );
  hook.spoil(noWay);
  const failed = await call('POST', things('v2'), { body: thing('v2', 'b', { host: 'x', port: '2' }) });
  t.match([failed.status, failed.json.message], [500, failure.replace('/v1', '/v2')]);
});

async function startAdmission(t: Test, server: TestServer) {
  const { allow, patchWith, startWebhook } = await import('../../../../test/lib/webhook-server');
  const admission = await startWebhook(await server.serving('127.0.0.1'), ({ object }) =>
    object.spec.keep ? allow : patchWith({ op: 'add', path: '/spec/keep', value: 'mutated' }),
  );
  t.teardown(() => admission.close());
  return admission;
}

t.test('a definition whose bundle cannot be read is not established', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const body = thingDefinition(webhookStrategy('https://127.0.0.1:1/convert', 'no bundle'));
  t.equal((await server.call('POST', definitionsPath, { body })).status, 201);
  const reason = (object: { status?: { conditions?: { type: string; reason: string }[] } }) =>
    object.status?.conditions?.find(({ type }) => type === 'Established')?.reason;
  const object = await reached(server, definitionName, (one) => reason(one) === 'InvalidCABundle');
  t.match(object.status.conditions, [
    { type: 'NamesAccepted', status: 'True' },
    { type: 'Established', status: 'False', message: 'The conversion webhook CABundle is invalid' },
  ]);
  object.spec.conversion.webhook.clientConfig.caBundle = Buffer.from(server.ca).toString('base64');
  t.equal((await server.call('PUT', `${definitionsPath}/${definitionName}`, { body: object })).status, 200);
  await reached(server, definitionName, (one) => reason(one) === 'InitialNamesAccepted');
  t.equal((await server.call('GET', things('v1'))).status, 200);
});
