// Values of custom objects over HTTPS: what is refused, pruned and defaulted, at a write and after the definition has changed.
import t, { type Test } from 'tap';
import type { TestServer } from '../../../test/lib/api-server';
import { define, definition, definitionsPath, reached, serve, version } from '../../../test/lib/custom-definitions';

const path = '/apis/stable.example.com/v1/namespaces/default/widgets';
const merge = 'application/merge-patch+json';

const text = { type: 'string' };
const properties = {
  spec: {
    type: 'object',
    required: ['size'],
    properties: {
      size: { type: 'integer', format: 'int32', minimum: 1 },
      color: { ...text, enum: ['red', 'blue'], default: 'red' },
      note: { ...text, nullable: true },
      when: { ...text, format: 'date-time' },
      port: { 'x-kubernetes-int-or-string': true },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      template: {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        properties: { spec: { type: 'object', properties: { a: text } } },
      },
      rules: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', required: ['name'], properties: { name: text, value: text } },
      },
    },
  },
  status: { type: 'object', properties: { ready: { type: 'boolean' } } },
};
const schema = (rest: object = properties) => ({
  schema: { openAPIV3Schema: { type: 'object', properties: rest } },
  subresources: { status: {} },
});

const widget = (name: string, spec: unknown, rest: object = {}) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
  ...rest,
});

async function widgets(t: Test): Promise<TestServer> {
  const server = await serve(t);
  await define(server, definition('widgets', 'Widget', { versions: [version('v1', schema())] }));
  return server;
}

t.test('values that the schema refuses', async (t) => {
  const server = await widgets(t);
  const cases: readonly (readonly [spec: unknown, causes: readonly string[]])[] = [
    [5, ['spec: Invalid value: "integer": spec in body must be of type object: "integer"']],
    [{}, ['spec.size: Required value']],
    [{ size: 'x' }, ['spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"']],
    [{ size: 0 }, ['spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1']],
    [{ size: 1, color: 'pink' }, ['spec.color: Unsupported value: "pink": supported values: "red", "blue"']],
    [
      { size: 1, port: true },
      ['spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
    ],
    [{ size: 1, when: 'now' }, ['spec.when: Invalid value: "now": spec.when in body must be of type date-time: "now"']],
    [{ size: 1, rules: [{ name: 'a' }, { name: 'a' }] }, ['spec.rules[1]: Duplicate value: {"name":"a"}']],
    [{ size: 1, template: { kind: 'Pod' } }, ['spec.template.apiVersion: Required value']],
  ];
  for (const [spec, causes] of cases) {
    const { status, json } = await server.call('POST', path, { body: widget('wrong', spec) });
    t.match({ status, reason: json.reason }, { status: 422, reason: 'Invalid' }, JSON.stringify(spec));
    t.same(
      json.details.causes.map(({ field, message }: { field: string; message: string }) => `${field}: ${message}`),
      causes,
    );
  }
  const metadata = await server.call('POST', path, { body: widget('x', { size: 1 }, { metadata: { name: 5 } }) });
  t.equal(metadata.status, 400, 'metadata has a Go type');
});

t.test('defaults, nulls and unknown fields', async (t) => {
  const server = await widgets(t);
  const spec = {
    size: 1,
    color: null,
    note: null,
    extra: 1,
    free: { any: { thing: null } },
    template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', odd: 1 }, spec: { a: 'a', b: 'b' } },
  };
  const kept = {
    size: 1,
    color: 'red',
    note: null,
    free: { any: { thing: null } },
    template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { a: 'a' } },
  };
  const strict = await server.call('POST', `${path}?fieldValidation=Strict`, { body: widget('a', spec) });
  t.match(strict.json, {
    code: 400,
    message:
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.extra", unknown field "spec.template.metadata.odd", unknown field "spec.template.spec.b"',
  });
  const created = await server.call('POST', `${path}?fieldValidation=Warn`, { body: widget('a', spec) });
  t.equal(created.status, 201, created.text);
  t.strictSame(created.json.spec, kept);
  t.match(created.headers['warning'], /unknown field \\"spec.extra\\"/);
  t.strictSame((await server.call('GET', `${path}/a`)).json.spec, kept);

  const apply = await server.call('PATCH', `${path}/b?fieldManager=me`, {
    body: widget('b', { size: 2, note: null, rules: [{ name: 'x', value: '1' }] }),
    type: 'application/apply-patch+yaml',
  });
  t.equal(apply.status, 201, apply.text);
  const other = await server.call('PATCH', `${path}/b?fieldManager=other`, {
    body: widget('b', { rules: [{ name: 'y', value: '2' }] }),
    type: 'application/apply-patch+yaml',
  });
  const names = other.json.spec.rules.map(({ name }: { name: string }) => name).sort();
  t.same(names, ['x', 'y'], 'the list is merged by its key');
  t.strictSame(other.json.spec.note, null);
});

t.test('the status is judged alone, and what was wrong before does not stop a change', async (t) => {
  const server = await widgets(t);
  t.equal((await server.call('POST', path, { body: widget('a', { size: 1, note: 'long' }) })).status, 201);
  const spec = { ...properties.spec, properties: { ...properties.spec.properties, note: { ...text, maxLength: 1 } } };
  const changed = await server.call('PATCH', `${definitionsPath}/widgets.stable.example.com`, {
    body: { spec: { versions: [version('v1', schema({ ...properties, spec }))] } },
    type: merge,
  });
  t.equal(changed.status, 200, changed.text);
  const patch = (body: object, subresource = '') =>
    server.call('PATCH', `${path}/a${subresource}`, { body, type: merge });
  t.match((await patch({ status: { ready: true } }, '/status')).json, { status: { ready: true } });
  t.match((await patch({ status: { ready: 'yes' } }, '/status')).json, {
    code: 422,
    details: { causes: [{ field: 'status.ready' }] },
  });
  t.match((await patch({ spec: { size: 2 } })).json, { spec: { size: 2, note: 'long' } });
  t.match((await patch({ spec: { note: 'longer' } })).json, {
    code: 422,
    details: { causes: [{ field: 'spec.note' }] },
  });
});

t.test('objects are read under the definition of now', async (t) => {
  const server = await widgets(t);
  t.equal((await server.call('POST', path, { body: widget('a', { size: 1, note: 'x' }) })).status, 201);
  const spec = {
    type: 'object',
    properties: { size: { type: 'integer' }, shape: { ...text, default: 'round' } },
  };
  const name = 'widgets.stable.example.com';
  await server.call('PATCH', `${definitionsPath}/${name}`, {
    body: { spec: { versions: [version('v1', schema({ spec }))] } },
    type: merge,
  });
  await reached(server, name, (object) => object.metadata.generation === 2);
  t.strictSame((await server.call('GET', `${path}/a`)).json.spec, { size: 1, shape: 'round' });
  t.strictSame((await server.call('GET', path)).json.items[0].spec, { size: 1, shape: 'round' });
});
