// One kind at two versions, stored at one of them: clients write and read an object at both versions, each in its own form.
import t, { type Test } from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { type Event as CoreEvent, events } from '../api/event';
import { defineKind } from '../api/kind';
import type { KubeObject } from '../api/types';
import type { FieldCause } from '../base/errors';

interface CronTab extends KubeObject {
  readonly spec?: { schedule?: string; replicas?: number };
  readonly status?: { ready?: boolean };
}
/** The older form has the schedule in two fields. */
interface OldCronTab extends KubeObject {
  readonly spec?: { minute?: string; hour?: string; replicas?: number };
  readonly status?: { ready?: boolean };
}

const text = { type: 'string' } as const;
const definition = (spec: object) =>
  ({
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { ...spec, replicas: { type: 'integer' } } },
      status: { type: 'object', properties: { ready: { type: 'boolean' } } },
    },
  }) as const;

const crontabs = defineKind<CronTab>({
  group: 'stable.example.com',
  version: 'v1',
  kind: 'CronTab',
  plural: 'crontabs',
  namespaced: true,
  hasStatus: true,
  schema: { definition: definition({ schedule: text }) },
  fields: { 'spec.schedule': ({ spec }) => spec?.schedule ?? '' },
});

const oldCrontabs = defineKind<OldCronTab>({
  group: 'stable.example.com',
  version: 'v1beta1',
  kind: 'CronTab',
  plural: 'crontabs',
  namespaced: true,
  hasStatus: true,
  schema: { definition: definition({ minute: text, hour: text }) },
  fields: { 'spec.hour': ({ spec }) => spec?.hour ?? '' },
  indexedFields: ['spec.hour'],
  validate: ({ spec }): FieldCause[] =>
    spec?.hour === '25' ? [{ reason: 'FieldValueInvalid', field: 'spec.hour', message: 'no such hour' }] : [],
  storage: {
    kind: crontabs,
    toStored({ spec, ...rest }) {
      if (!spec) return rest;
      const { minute, hour, ...others } = spec;
      const schedule =
        minute === undefined && hour === undefined ? {} : { schedule: `${minute ?? '*'} ${hour ?? '*'}` };
      return { ...rest, spec: { ...others, ...schedule } } as KubeObject;
    },
    fromStored(object) {
      const { spec, ...rest } = object as CronTab;
      if (!spec) return rest;
      const { schedule, ...others } = spec;
      const [minute, hour] = schedule?.split(' ') ?? [];
      return { ...rest, spec: { ...others, ...(minute && hour ? { minute, hour } : {}) } };
    },
  },
});

const group = '/apis/stable.example.com';
const v1 = `${group}/v1/namespaces/default/crontabs`;
const beta = `${group}/v1beta1/namespaces/default/crontabs`;
const merge = 'application/merge-patch+json';

const inV1 = (name: string, spec: object) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name },
  spec,
});
const inBeta = (name: string, spec: object) => ({ ...inV1(name, spec), apiVersion: 'stable.example.com/v1beta1' });

async function open(t: Test) {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.kinds.add(crontabs);
  await server.kinds.add(oldCrontabs);
  return server;
}

t.test('discovery shows the versions in order, and names the preferred one', async (t) => {
  const server = await open(t);
  const { json } = await server.call('GET', group);
  t.match(json, {
    versions: [{ version: 'v1' }, { version: 'v1beta1' }],
    preferredVersion: { groupVersion: 'stable.example.com/v1' },
  });
  const hashes = await Promise.all(
    ['v1', 'v1beta1'].map(async (version) => {
      const { json } = await server.call('GET', `${group}/${version}`);
      return json.resources[0].storageVersionHash;
    }),
  );
  t.ok(hashes[0]);
  t.equal(hashes[0], hashes[1], 'the same objects');
  const { json: openapi } = await server.call('GET', '/openapi/v2');
  const specOf = (version: string): object =>
    openapi.definitions[`com.example.stable.${version}.CronTab`].properties.spec.properties;
  t.same(Object.keys(specOf('v1')).sort(), ['replicas', 'schedule']);
  t.same(Object.keys(specOf('v1beta1')).sort(), ['hour', 'minute', 'replicas']);
});

t.test('an object written at one version is read at the other', async (t) => {
  const server = await open(t);
  const created = await server.call('POST', beta, { body: inBeta('a', { minute: '5', hour: '6' }) });
  t.equal(created.status, 201);
  t.match(created.json, inBeta('a', { minute: '5', hour: '6' }));
  const { json: read } = await server.call('GET', `${v1}/a`);
  t.match(read, inV1('a', { schedule: '5 6' }));
  t.notMatch(read.spec, { minute: '5' });
  t.equal(read.metadata.uid, created.json.metadata.uid);
  t.equal(read.metadata.resourceVersion, created.json.metadata.resourceVersion);

  await server.call('POST', v1, { body: inV1('b', { schedule: '7 8' }) });
  for (const _ of ['first', 'again']) {
    const { json: list } = await server.call('GET', beta);
    t.match(list, {
      apiVersion: 'stable.example.com/v1beta1',
      items: [inBeta('a', { minute: '5', hour: '6' }), inBeta('b', { minute: '7', hour: '8' })],
    });
    t.match((await server.call('GET', v1)).json, {
      apiVersion: 'stable.example.com/v1',
      items: [inV1('a', { schedule: '5 6' }), inV1('b', { schedule: '7 8' })],
    });
  }
  const selected = await server.call('GET', `${beta}?fieldSelector=spec.hour%3D8`);
  t.same(
    selected.json.items.map(({ metadata }: KubeObject) => metadata?.name),
    ['b'],
    'field selectors use the fields of the requested version',
  );
  t.equal((await server.call('GET', `${v1}?fieldSelector=spec.hour%3D8`)).status, 400);
  const page = await server.call('GET', `${beta}?limit=1`);
  const next = await server.call('GET', `${beta}?limit=1&continue=${page.json.metadata.continue}`);
  t.match(next.json.items, [inBeta('b', { hour: '8' })]);

  const put = await server.call('PUT', `${beta}/a`, { body: { ...created.json, spec: { minute: '1', hour: '2' } } });
  t.match(put.json, inBeta('a', { minute: '1', hour: '2' }));
  const conflict = await server.call('PUT', `${v1}/a`, { body: { ...read, spec: { schedule: '9 9' } } });
  t.equal(conflict.status, 409, 'one resourceVersion for all versions');
  const patch = { body: { spec: { hour: '3' } }, type: merge };
  t.match((await server.call('PATCH', `${beta}/a`, patch)).json, inBeta('a', { minute: '1', hour: '3' }));
  t.match((await server.call('GET', `${v1}/a`)).json, inV1('a', { schedule: '1 3' }));
  const unchanged = await server.call('PATCH', `${beta}/a`, patch);
  t.equal(unchanged.json.metadata.generation, 3, 'created, replaced, patched');
  const status = { body: { status: { ready: true } }, type: merge };
  t.match((await server.call('PATCH', `${beta}/a/status`, status)).json, {
    spec: { hour: '3' },
    status: { ready: true },
  });

  const wrong = await server.call('POST', beta, { body: inBeta('c', { hour: '25' }) });
  t.equal(wrong.status, 422, 'each version has its own validation');
  t.equal((await server.call('POST', beta, { body: inV1('c', {}) })).status, 400, 'a body of the other version');
  t.equal((await server.call('POST', beta, { body: inBeta('a', {}) })).status, 409);
  t.equal((await server.call('DELETE', `${beta}/a`)).status, 200);
  t.equal((await server.call('GET', `${v1}/a`)).status, 404);
  t.equal((await server.call('PATCH', `${beta}/a`, patch)).status, 404);
});

t.test('a watch shows each event in its own version', async (t) => {
  const server = await open(t);
  const old = await server.watch(`${beta}?watch=true`);
  const late = await server.watch(`${beta}?watch=true&fieldSelector=spec.hour%3D2`);
  const current = await server.watch(`${v1}?watch=true`);
  await server.call('POST', v1, { body: inV1('a', { schedule: '1 1' }) });
  await server.call('PATCH', `${beta}/a`, { body: { spec: { hour: '2' } }, type: merge });
  await server.call('DELETE', `${v1}/a`);
  t.match(await old.next(), { type: 'ADDED', object: inBeta('a', { minute: '1', hour: '1' }) });
  t.match(await old.next(), { type: 'MODIFIED', object: inBeta('a', { minute: '1', hour: '2' }) });
  const last = await old.next();
  t.match(last, { type: 'DELETED', object: inBeta('a', { minute: '1', hour: '2' }) });
  t.match(await late.next(), { type: 'ADDED', object: inBeta('a', { hour: '2' }) });
  t.match(await late.next(), { type: 'DELETED', object: inBeta('a', { hour: '2' }) });
  t.match(await current.next(), { type: 'ADDED', object: inV1('a', { schedule: '1 1' }) });
  t.match(await current.next(), { type: 'MODIFIED', object: inV1('a', { schedule: '1 2' }) });
  t.equal((await current.next()).object.metadata.resourceVersion, last.object.metadata.resourceVersion);
});

t.test('owners of fields are the same at both versions', async (t) => {
  const server = await open(t);
  const apply = (path: string, manager: string, body: object, force = false) =>
    server.call('PATCH', `${path}/a?fieldManager=${manager}&force=${force}`, {
      body,
      type: 'application/apply-patch+yaml',
    });
  const first = await apply(beta, 'one', inBeta('a', { minute: '1', hour: '2' }));
  t.equal(first.status, 201);
  t.match(first.json, inBeta('a', { minute: '1', hour: '2' }));
  const second = await apply(v1, 'two', inV1('a', { replicas: 3 }));
  t.match(second.json, inV1('a', { schedule: '1 2', replicas: 3 }));
  t.equal(
    (await apply(v1, 'two', inV1('a', { schedule: '4 5', replicas: 3 }))).status,
    409,
    'manager one owns the schedule',
  );
  t.equal(
    (await apply(beta, 'one', inBeta('a', { minute: '1', hour: '2', replicas: 4 }))).status,
    409,
    'manager two owns the replicas',
  );
  const updated = await server.call('PATCH', `${beta}/a?fieldManager=three`, {
    body: { spec: { replicas: 5 } },
    type: merge,
  });
  t.match(updated.json.metadata.managedFields, [
    { manager: 'one', operation: 'Apply', apiVersion: 'stable.example.com/v1' },
    { manager: 'three', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
  ]);
  const removed = await apply(v1, 'one', inV1('a', {}));
  t.match(removed.json, inV1('a', { replicas: 5 }));
  t.equal(removed.json.spec.schedule, undefined, 'a field applied at the other version and then left out is removed');
});

t.test('a version is added and removed, and the objects stay', async (t) => {
  const server = await open(t);
  await server.call('POST', beta, { body: inBeta('a', { minute: '1', hour: '2' }) });
  const old = await server.watch(`${beta}?watch=true`);
  const current = await server.watch(`${v1}?watch=true`);
  await server.kinds.remove(oldCrontabs);
  await old.ended;
  t.equal((await server.call('GET', beta)).status, 404);
  await server.call('PATCH', `${v1}/a`, { body: { spec: { schedule: '3 4' } }, type: merge });
  t.match(
    [await current.next(), await current.next()],
    [{ type: 'ADDED' }, { type: 'MODIFIED' }],
    'the watch continues',
  );

  await server.kinds.add(oldCrontabs);
  await server.kinds.remove(crontabs);
  await current.ended;
  t.equal((await server.call('GET', v1)).status, 404);
  t.match((await server.call('GET', `${beta}/a`)).json, inBeta('a', { minute: '3', hour: '4' }));
  await server.kinds.remove(oldCrontabs);
  await server.kinds.add(oldCrontabs);
  t.match(
    (await server.call('GET', `${beta}/a`)).json,
    inBeta('a', { minute: '3', hour: '4' }),
    'the object is loaded from its stored form',
  );
  t.throws(
    () =>
      defineKind({
        ...crontabs.options,
        version: 'v2',
        storage: { ...oldCrontabs.options.storage!, kind: oldCrontabs },
      }),
    /not stored itself/,
  );
});

t.test(
  'the same objects in two groups: Events of the core group, and with the field names of events.k8s.io',
  async (t) => {
    const server = await startApiServer();
    t.teardown(() => server.close());
    const reference = { type: 'object', properties: { kind: text, name: text, namespace: text } } as const;
    interface NewEvent extends KubeObject {
      readonly note?: string;
      readonly regarding?: CoreEvent['involvedObject'];
    }
    const newEvents = defineKind<NewEvent>({
      group: 'events.example.com',
      version: 'v1',
      kind: 'Event',
      plural: 'events',
      namespaced: true,
      schema: {
        definition: { type: 'object', properties: { note: text, reason: text, type: text, regarding: reference } },
      },
      storage: {
        kind: events,
        toStored: ({ note, regarding, ...rest }) =>
          ({
            ...rest,
            ...(note === undefined ? {} : { message: note }),
            ...(regarding === undefined ? {} : { involvedObject: regarding }),
          }) as KubeObject,
        fromStored(object) {
          const { message, involvedObject, ...rest } = object as CoreEvent;
          return {
            ...rest,
            ...(message === undefined ? {} : { note: message }),
            ...(involvedObject === undefined ? {} : { regarding: involvedObject }),
          };
        },
      },
    });
    await server.kinds.add(newEvents);
    const core = '/api/v1/namespaces/default/events';
    const other = '/apis/events.example.com/v1/namespaces/default/events';
    const regarding = { kind: 'Pod', namespace: 'default', name: 'p' };
    const watch = await server.watch(`${core}?watch=true&fieldSelector=involvedObject.name%3Dp`);
    const { apiVersion, kind } = newEvents;
    const written = await server.call('POST', other, {
      body: { apiVersion, kind, metadata: { name: 'a' }, note: 'pulled', reason: 'Pulled', regarding },
    });
    t.match(written, { status: 201, json: { apiVersion: 'events.example.com/v1', note: 'pulled', regarding } });
    const read = await server.call('GET', `${core}/a`);
    t.match(read.json, { apiVersion: 'v1', kind: 'Event', message: 'pulled', involvedObject: regarding });
    t.equal(read.json.metadata.uid, written.json.metadata.uid, 'one object');
    t.match(await watch.next(), { type: 'ADDED', object: { apiVersion: 'v1', message: 'pulled' } });
    await server.call('PATCH', `${core}/a`, { body: { message: 'pulled again' }, type: merge });
    t.match((await server.call('GET', `${other}/a`)).json, { note: 'pulled again', message: undefined });
    t.equal((await server.call('DELETE', `${other}/a`)).status, 200);
    t.equal((await server.call('GET', `${core}/a`)).status, 404);
  },
);
