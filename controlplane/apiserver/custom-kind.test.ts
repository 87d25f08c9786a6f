// A kind with its own definition is added to a running server, served like any other kind, and removed again.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { defineKind } from '../api/kind';

const crontabs = defineKind({
  group: 'stable.example.com',
  version: 'v1',
  kind: 'CronTab',
  plural: 'crontabs',
  namespaced: true,
  hasStatus: true,
  schema: {
    definition: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { schedule: { type: 'string' }, replicas: { type: 'integer' } } },
        status: { type: 'object', properties: { ready: { type: 'boolean' } } },
      },
    },
  },
});

t.test('a kind is added and removed', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const root = '/apis/stable.example.com/v1';
  const all = `${root}/namespaces/default/crontabs`;
  t.equal((await server.call('GET', all)).status, 404, 'not served yet');

  await server.kinds.add(crontabs);
  const { json: discovered } = await server.call('GET', root);
  t.match(discovered.resources, [{ name: 'crontabs', kind: 'CronTab' }, { name: 'crontabs/status' }]);
  t.match((await server.call('GET', '/apis/stable.example.com')).json, { preferredVersion: { version: 'v1' } });
  t.equal((await server.call('GET', '/openapi/v3/apis/stable.example.com/v1')).status, 200);

  const watch = await server.watch(`${root}/crontabs?watch=true`);
  const body = {
    apiVersion: 'stable.example.com/v1',
    kind: 'CronTab',
    metadata: { name: 'a' },
    spec: { schedule: '*' },
  };
  t.equal((await server.call('POST', all, { body })).status, 201);
  t.match(await watch.next(), { type: 'ADDED', object: body });
  const wrong = { ...body, metadata: { name: 'b' }, spec: { schedule: 5 } };
  t.equal((await server.call('POST', all, { body: wrong })).status, 400, 'its schema is kept');
  const merge = { body: { spec: { replicas: 2 } }, type: 'application/merge-patch+json' };
  t.match((await server.call('PATCH', `${all}/a`, merge)).json, { spec: { schedule: '*', replicas: 2 } });
  const strategic = await server.call('PATCH', `${all}/a`, {
    ...merge,
    type: 'application/strategic-merge-patch+json',
  });
  t.equal(strategic.status, 415);
  t.notMatch(strategic.json.message, /strategic/);
  const binary = await server.call('POST', all, { body: 'k8s\0', type: 'application/vnd.kubernetes.protobuf' });
  t.equal(binary.status, 415, 'the kind has no protobuf form');
  const apply = { body: { ...body, spec: { schedule: '1' } }, type: 'application/apply-patch+yaml' };
  t.match((await server.call('PATCH', `${all}/a?fieldManager=me&force=true`, apply)).json, {
    spec: { schedule: '1', replicas: 2 },
    metadata: {
      managedFields: [
        { manager: 'me', operation: 'Apply' },
        { manager: 'unknown', fieldsV1: { 'f:spec': { '.': {}, 'f:replicas': {} } } },
      ],
    },
  });
  t.equal((await server.call('DELETE', `${all}/a`)).status, 200);

  await server.kinds.remove(crontabs);
  await watch.ended;
  t.equal((await server.call('GET', all)).status, 404);
  t.equal((await server.call('GET', '/apis/stable.example.com')).status, 404);
});
