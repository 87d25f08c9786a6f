// The status and scale of custom objects over HTTPS.
import t from 'tap';
import { define, definition, serve, version } from '../../../test/lib/custom-definitions';

const path = '/apis/stable.example.com/v1/namespaces/default/sets';
const merge = 'application/merge-patch+json';
const integer = { type: 'integer' };

const made = version('v1', {
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { shards: { type: 'object', properties: { count: integer } } } },
        status: { type: 'object', properties: { shards: integer, selector: { type: 'string' } } },
      },
    },
  },
  subresources: {
    status: {},
    scale: {
      specReplicasPath: '.spec.shards.count',
      statusReplicasPath: '.status.shards',
      labelSelectorPath: '.status.selector',
    },
  },
});

const set = (name: string, spec: object) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'Set',
  metadata: { name },
  spec,
  status: { shards: 9 },
});

t.test('scale reads and writes the fields that the definition names', async (t) => {
  const server = await serve(t);
  await define(server, definition('sets', 'Set', { versions: [made] }));
  const created = await server.call('POST', path, { body: set('a', { shards: { count: 2 } }) });
  t.notOk('status' in created.json, 'a new object has no status');
  const status = { status: { shards: 1, selector: 'app=a' } };
  t.match(
    (await server.call('PATCH', `${path}/a/status`, { body: { ...status, spec: {} }, type: merge })).json,
    status,
  );
  const scale = await server.call('GET', `${path}/a/scale`);
  t.match(scale.json, {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    spec: { replicas: 2 },
    status: { replicas: 1, selector: 'app=a' },
  });
  const put = await server.call('PUT', `${path}/a/scale`, { body: { ...scale.json, spec: { replicas: 5 } } });
  t.match(put.json, { spec: { replicas: 5 } });
  const { json } = await server.call('GET', `${path}/a`);
  t.match(json, { spec: { shards: { count: 5 } }, status: { shards: 1 }, metadata: { generation: 2 } });
  const stale = await server.call('PUT', `${path}/a/scale`, { body: scale.json });
  t.equal(stale.status, 409);
  t.match((await server.call('PATCH', `${path}/a/scale`, { body: { spec: { replicas: -1 } }, type: merge })).json, {
    code: 422,
    details: { causes: [{ field: 'spec.replicas' }] },
  });
  t.match((await server.call('PATCH', `${path}/a`, { body: { spec: { shards: { count: -1 } } }, type: merge })).json, {
    code: 422,
    message:
      'Set.stable.example.com "a" is invalid: .spec.shards.count: Invalid value: -1: should be a non-negative integer',
  });
});

t.test('an object without replicas', async (t) => {
  const server = await serve(t);
  await define(server, definition('sets', 'Set', { versions: [made] }));
  await server.call('POST', path, { body: set('a', {}) });
  t.match((await server.call('GET', `${path}/a/scale`)).json, {
    code: 500,
    message: 'Internal error occurred: the spec replicas field ".spec.shards.count" does not exist',
  });
  const empty = await server.call('PATCH', `${path}/a/scale`, { body: { metadata: {} }, type: merge });
  t.match(empty.json, { code: 400, message: 'the spec replicas field ".spec.shards.count" cannot be empty' });
  const scaled = await server.call('PATCH', `${path}/a/scale`, { body: { spec: { replicas: 3 } }, type: merge });
  t.match(scaled.json, { spec: { replicas: 3 } }, scaled.text);
  t.match((await server.call('GET', `${path}/a`)).json, { spec: { shards: { count: 3 } } });
});
