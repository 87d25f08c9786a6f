import t from 'tap';
import { defineKind } from '../kind';
import { pods } from '../pod';
import { scales } from '../virtual';
import { loadSchemas } from './load';
import type { Definition, ObjectSchema } from './schema';
import { SchemaSet } from './schema-set';
import { decodeStructure, validateStructure } from './structure';

const schemas = loadSchemas();

t.test('a kind of a model has the schema of the generated file', async (t) => {
  const pod = schemas.of(pods);
  t.equal(pod.name, 'io.k8s.api.core.v1.Pod');
  t.equal(schemas.ofList(pods).name, 'io.k8s.api.core.v1.PodList');
  t.equal(schemas.ofList(pods).fields['items']?.items?.object, pod, 'linked to the schema of its items');
  t.equal(schemas.definition('io.k8s.api.core.v1.Pod'), pod);
  t.equal(schemas.definition('io.k8s.api.core.v1.Nothing'), undefined);
  t.equal(schemas.of(scales).name, 'io.k8s.api.autoscaling.v1.Scale');
  t.throws(() => schemas.ofModel('V1Nothing'), { code: 'Internal' });
  t.throws(
    () => new SchemaSet({ definitions: { a: { fields: { b: { type: 'object', ref: 'c' } } } }, models: {} }),
    /have no definition c/,
  );
});

const definition: Definition = {
  type: 'object',
  description: 'A job that runs by the clock.',
  properties: {
    spec: {
      type: 'object',
      required: ['schedule'],
      properties: {
        schedule: { type: 'string', description: 'When it runs.' },
        replicas: { type: 'integer', format: 'int32' },
        limit: { 'x-kubernetes-int-or-string': true },
        labels: { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' },
        steps: {
          type: 'array',
          items: {
            type: 'object',
            properties: { name: { type: 'string' }, protocol: { type: 'string', default: 'TCP' } },
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name', 'protocol'],
        },
        values: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        anything: {},
      },
    },
  },
};
const crontabs = defineKind({
  group: 'stable.example.com',
  version: 'v1',
  kind: 'CronTab',
  plural: 'crontabs',
  namespaced: true,
  schema: { definition },
});

t.test('a kind with a definition has a schema of the same form', async (t) => {
  const root = schemas.of(crontabs);
  t.equal(schemas.of(crontabs), root, 'the schema is built once');
  t.equal(root.name, 'com.example.stable.v1.CronTab');
  t.equal(root.fields['metadata']?.object, schemas.definition('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'));
  t.equal(schemas.ofList(crontabs).name, 'com.example.stable.v1.CronTabList');
  t.equal(schemas.ofList(crontabs).fields['items']?.items?.object, root);
  const spec = root.fields['spec']?.object as ObjectSchema;
  t.same(spec.required, ['schedule']);
  t.same(spec.texts, { '': '', schedule: 'When it runs.' });
  t.same(spec.fields['limit'], { type: 'intOrString' });
  t.same(spec.fields['labels'], { type: 'map', items: { type: 'string' }, mapType: 'atomic' });
  t.match(spec.fields['steps'], { type: 'array', listType: 'map', listMapKeys: ['name', 'protocol'] });
  t.same(spec.fields['steps']?.items?.object?.fields['protocol'], { type: 'string', default: 'TCP' });
  const v2 = defineKind({ ...crontabs.options, version: 'v2' });
  t.equal(schemas.of(v2).name, 'com.example.stable.v2.CronTab', 'a definition that two versions share');
});

t.test('objects are decoded by their definition, and keep the fields as they were written', async (t) => {
  const object = (spec: object) => ({ apiVersion: 'stable.example.com/v1', kind: 'CronTab', metadata: {}, spec });
  const schema = schemas.of(crontabs);
  const kept = object({ schedule: '* * * * *', steps: [], labels: {}, values: { a: { b: [1] } }, anything: 'x' });
  const before = structuredClone(kept);
  decodeStructure(schema, kept, undefined);
  t.same(kept, before, 'empty lists and maps too');
  const unknown = object({ schedule: 'x', other: 1, steps: [{ name: 'a', more: 1 }] });
  t.same(validateStructure(schema, crontabs, unknown, 'Warn'), [
    'unknown field "spec.other"',
    'unknown field "spec.steps[0].more"',
  ]);
  t.same(unknown.spec, { schedule: 'x', steps: [{ name: 'a' }] });
  t.throws(
    () => decodeStructure(schema, object({ replicas: 'three' }), undefined),
    'json: cannot unmarshal string into Go struct field CronTab.spec.replicas of type int32',
  );
  t.throws(
    () => decodeStructure(schema, object({ steps: ['a'] }), undefined),
    'cannot unmarshal string into Go struct field CronTab.spec.steps of type map[string]interface {}',
  );
});
