import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { registry } from '../../controlplane/api/registry';
import type { SchemaFile } from '../../controlplane/api/schema/schema';
import { definitionName, typeOfModel } from './packages';
import { generateSchemas, writeSchemas } from './schemas';

const { schemas, docs } = generateSchemas();

t.test('definitions carry their published names', async (t) => {
  const cases: Array<[string, string]> = [
    ['V1Pod', 'io.k8s.api.core.v1.Pod'],
    ['V1PodList', 'io.k8s.api.core.v1.PodList'],
    ['CoreV1EventList', 'io.k8s.api.core.v1.EventList'],
    ['V1Deployment', 'io.k8s.api.apps.v1.Deployment'],
    ['V1DeploymentList', 'io.k8s.api.apps.v1.DeploymentList'],
    ['RbacV1Subject', 'io.k8s.api.rbac.v1.Subject'],
    ['V1ObjectMeta', 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'],
    ['V1APIResourceList', 'io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList'],
  ];
  for (const [model, name] of cases) t.equal(definitionName(typeOfModel(model)), name, model);
});

t.test('every reference names a definition, and every model has a name of its own', async (t) => {
  for (const [name, { fields }] of Object.entries(schemas.definitions)) {
    for (const [key, field] of Object.entries(fields)) {
      const ref = field.ref ?? field.items?.ref ?? field.items?.items?.ref;
      if (ref !== undefined) t.ok(schemas.definitions[ref], `${name}.${key}`);
    }
  }
  const names = Object.values(schemas.models);
  t.equal(new Set(names).size, names.length);
  for (const { options } of registry) {
    const model = 'model' in options.schema ? options.schema.model : '';
    t.ok(schemas.models[model], model);
  }
});

t.test('fields with type, reference and list key', async (t) => {
  const field = (name: string, key: string) => schemas.definitions[name]?.fields[key];
  const core = 'io.k8s.api.core.v1';
  t.same(field(`${core}.Container`, 'ports'), {
    type: 'array',
    items: { type: 'object', ref: `${core}.ContainerPort` },
    listType: 'map',
    listMapKeys: ['containerPort', 'protocol'],
    patchStrategy: 'merge',
    patchMergeKey: 'containerPort',
  });
  t.same(field(`${core}.ResourceRequirements`, 'limits'), {
    type: 'map',
    items: { type: 'quantity' },
    goType: 'v1.ResourceList',
  });
  t.same(field(`${core}.Capabilities`, 'add')?.items, { type: 'string', goType: 'v1.Capability' });
  t.same(field(`${core}.ConfigMapKeySelector`, 'name'), {
    type: 'string',
    embedded: 'LocalObjectReference',
    zero: 'omitted',
  });
  t.same(field(`${core}.PodSpec`, 'hostUsers'), { type: 'boolean' }, 'a pointer keeps false');
  t.same(field(`${core}.ContainerRestartRule`, 'action')?.zero, 'omitted', 'required, and omitted when empty');
  t.same(field(`${core}.HTTPGetAction`, 'port'), { type: 'intOrString' });
  t.same(field(`${core}.PodSpec`, 'hostNetwork'), { type: 'boolean', zero: 'omitted' });
  t.same(field(`${core}.PodSpec`, 'enableServiceLinks'), { type: 'boolean' }, 'a pointer: false is a value');
  t.equal(field(`${core}.PodCondition`, 'status')?.zero, 'written', 'never omitted');
  t.same(field('io.k8s.api.apps.v1.StatefulSetSpec', 'serviceName'), { type: 'string', zero: 'written' });
  t.same(field('io.k8s.api.networking.v1.ParentReference', 'name'), { type: 'string', zero: 'omitted' });
  t.same(field('io.k8s.api.apps.v1.DeploymentSpec', 'replicas'), { type: 'integer', format: 'int32' });
  t.same(field('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'creationTimestamp'), {
    type: 'string',
    format: 'date-time',
  });
  t.same(
    field('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta', 'continue'),
    { type: 'string', zero: 'omitted' },
    'the name on the wire',
  );
  t.same(field(`${core}.Secret`, 'data'), { type: 'map', items: { type: 'string', format: 'byte' } });
  t.same(schemas.definitions[`${core}.ContainerPort`]?.required, ['containerPort']);
  t.equal(schemas.definitions[`${core}.ObjectReference`]?.atomic, true);
  t.match(docs[`${core}.ContainerPort`]?.['protocol'], /Defaults to "TCP"\.$/, 'without escapes');
});

t.test('equal input gives equal bytes', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-schemas-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  writeSchemas(directory);
  const written = readFileSync(join(directory, 'schemas.json'), 'utf8');
  t.same(JSON.parse(written) as SchemaFile, schemas);
  writeSchemas(directory);
  t.equal(readFileSync(join(directory, 'schemas.json'), 'utf8'), written);
});
