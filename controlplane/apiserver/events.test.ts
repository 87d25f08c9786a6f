// Events in both groups over HTTPS: one object, with the rules, fields and selectors of the group that the client uses.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';

const core = '/api/v1/namespaces/default/events';
const group = '/apis/events.k8s.io/v1';
const other = `${group}/namespaces/default/events`;
const merge = 'application/merge-patch+json';
const regarding = { kind: 'Pod', namespace: 'default', name: 'p' };
const series = { count: 2, lastObservedTime: '2026-01-01T00:00:09.000000Z' };
const reported = {
  regarding,
  reason: 'Pulled',
  note: 'pulled the image',
  type: 'Normal',
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'example.com/c',
  reportingInstance: 'c-1',
  action: 'Pulling',
};

t.test('an Event of events.k8s.io is the Event of the core group', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const watch = await server.watch(`${core}?watch=true&fieldSelector=involvedObject.name%3Dp`);
  const written = await server.call('POST', other, { body: { metadata: { name: 'a' }, ...reported } });
  t.match(written, { status: 201, json: { apiVersion: 'events.k8s.io/v1', kind: 'Event', ...reported } });
  t.match(await watch.next(), {
    type: 'ADDED',
    object: { apiVersion: 'v1', involvedObject: regarding, message: 'pulled the image' },
  });
  t.match((await server.call('GET', `${core}/a`)).json, {
    apiVersion: 'v1',
    reportingComponent: 'example.com/c',
    metadata: { uid: written.json.metadata.uid },
  });
  const patched = await server.call('PATCH', `${other}/a`, { body: { series }, type: merge });
  t.match(patched, { status: 200, json: { series } });
  const refused = await server.call('PATCH', `${other}/a`, { body: { note: 'other' }, type: merge });
  t.match(refused, {
    status: 422,
    json: { details: { causes: [{ field: 'message', message: 'Invalid value: "other": field is immutable' }] } },
  });
  t.equal((await server.call('PATCH', `${core}/a`, { body: { message: 'other' }, type: merge })).status, 200);
  t.match((await server.call('GET', `${other}/a`)).json, { note: 'other', series });

  const old = { metadata: { name: 'b' }, involvedObject: { ...regarding, name: 'q' }, reason: 'R', message: 'm' };
  t.equal((await server.call('POST', core, { body: { ...old, count: 3, source: { component: 'c' } } })).status, 201);
  t.match((await server.call('GET', `${other}/b`)).json, { deprecatedCount: 3, deprecatedSource: { component: 'c' } });
  const selected = async (selector: string) => {
    const { status, json } = await server.call('GET', `${other}?fieldSelector=${encodeURIComponent(selector)}`);
    return status === 200 ? json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name) : status;
  };
  t.same(await selected('regarding.name=q'), ['b']);
  t.same(await selected('reportingController=example.com/c,type=Normal'), ['a']);
  t.same(await selected('involvedObject.name=q'), 400, 'the names of the core group are unknown here');

  const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
  const { json: table } = await server.call('GET', other, { headers });
  t.same(table.columnDefinitions.map(({ name }: { name: string }) => name).slice(0, 6), [
    'Last Seen',
    'Type',
    'Reason',
    'Object',
    'Subobject',
    'Source',
  ]);
  t.same(table.rows[0].cells.slice(1, 6), ['Normal', 'Pulled', 'pod/p', '', 'example.com/c']);
  t.equal((await server.call('DELETE', `${other}/a`)).status, 200);
  t.equal((await server.call('GET', `${core}/a`)).status, 404);
});

/** A field of a protobuf message with a short text, or with the fields of a message. */
const field = (number: number, ...parts: string[]): string => {
  const value = parts.join('');
  return String.fromCharCode(number * 8 + 2, value.length) + value;
};

t.test('each group has its own rules for a new Event', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const { json } = await server.call('POST', other, { body: { metadata: { name: 'a' }, regarding } });
  t.same(
    json.details.causes.map(({ field, message }: { field: string; message: string }) => `${field}: ${message}`),
    ['eventTime: Required value', 'type: Invalid value: "": has invalid value: '],
  );
  const name = 'not a DNS name';
  t.equal((await server.call('POST', other, { body: { metadata: { name }, ...reported } })).status, 422);
  t.equal((await server.call('POST', core, { body: { metadata: { name }, involvedObject: regarding } })).status, 201);
});

t.test('events.k8s.io accepts protobuf and describes its fields', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const event = [
    field(1, field(1, 'a')),
    field(2, '\x08\x01'), // one second after the epoch
    field(4, 'c'),
    field(5, 'i'),
    field(6, 'act'),
    field(7, 'why'),
    field(8, field(1, 'Pod'), field(2, 'default'), field(3, 'p')),
    field(10, 'text'),
    field(11, 'Normal'),
  ];
  const body = `k8s\0${field(1, field(1, 'events.k8s.io/v1'), field(2, 'Event'))}${field(2, ...event)}`;
  const created = await server.call('POST', other, { body, type: 'application/vnd.kubernetes.protobuf' });
  t.match(created, {
    status: 201,
    json: {
      eventTime: /^1970-01-01T00:00:01/,
      reportingController: 'c',
      reportingInstance: 'i',
      action: 'act',
      reason: 'why',
      regarding,
      note: 'text',
      type: 'Normal',
    },
  });
  t.match((await server.call('GET', group)).json, {
    resources: [{ name: 'events', singularName: 'event', namespaced: true, kind: 'Event', shortNames: ['ev'] }],
  });
  const { json: openapi } = await server.call('GET', '/openapi/v2');
  t.ok(openapi.definitions['io.k8s.api.events.v1.Event'].properties.regarding);
});
