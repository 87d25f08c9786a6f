import { createHash } from 'node:crypto';
import t from 'tap';
import { KindCatalog } from '../../api/catalog';
import { defineKind } from '../../api/kind';
import { pods } from '../../api/pod';
import { registry } from '../../api/registry';
import { loadSchemas } from '../../api/schema/load';
import { virtualResources } from '../../api/virtual';
import { OpenApiDocuments } from './openapi';
import type { OpenApiV2 } from './v2';

const catalog = new KindCatalog([...registry, ...virtualResources]);
const documents = new OpenApiDocuments(catalog, loadSchemas(), 'v1.36.0');
let v2: OpenApiV2;

t.before(async () => {
  v2 = JSON.parse((await documents.v2Json()).body.toString()) as OpenApiV2;
});

/** Every $ref below `value`. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    // JSONSchemaProps has a field with this name.
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

t.test('v2 has a definition for every reference', async (t) => {
  const missing = references(v2).filter((ref) => !Object.hasOwn(v2.definitions, ref.replace('#/definitions/', '')));
  t.same(missing, []);
  const pod = v2.definitions['io.k8s.api.core.v1.Pod'];
  t.same(pod?.['x-kubernetes-group-version-kind'], [{ group: '', version: 'v1', kind: 'Pod' }]);
  const spec = v2.definitions['io.k8s.api.core.v1.PodSpec']?.['properties'] as Record<string, object>;
  t.match(spec['containers'], {
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  });
});

t.test('operations have unique ids, parameters and bodies', async (t) => {
  const ids = Object.values(v2.paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
  t.equal(new Set(ids).size, ids.length, 'every id is used once');
  for (const id of [
    'listCoreV1NamespacedPod',
    'listCoreV1PodForAllNamespaces',
    'patchAppsV1NamespacedDeploymentScale',
    'readCoreV1Node',
    'deleteCoreV1CollectionNamespacedPod',
    'createAuthenticationV1TokenReview',
  ]) {
    t.ok(ids.includes(id), id);
  }
  const patch = v2.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch'];
  t.equal(patch?.['x-kubernetes-action'], 'patch');
  t.same(patch?.['x-kubernetes-group-version-kind'], { group: 'apps', version: 'v1', kind: 'Deployment' });
  for (const name of ['dryRun', 'fieldValidation', 'fieldManager', 'force']) {
    t.ok(
      patch?.parameters.some((parameter) => parameter.name === name),
      name,
    );
  }
});

t.test('v3 documents stand alone and are named by their content', async (t) => {
  const index = JSON.parse((await documents.v3Index()).body.toString()) as {
    paths: Record<string, { serverRelativeURL: string }>;
  };
  t.ok(Object.hasOwn(index.paths, 'api/v1'));
  for (const [path, { serverRelativeURL }] of Object.entries(index.paths)) {
    const document = await documents.v3(path);
    t.equal(serverRelativeURL, `/openapi/v3/${path}?hash=${document?.hash}`);
    const { components, openapi } = JSON.parse(document?.body.toString() ?? '{}');
    t.equal(openapi, '3.0.0');
    const missing = references(JSON.parse(document?.body.toString() ?? '{}')).filter(
      (ref) => !Object.hasOwn(components.schemas, ref.replace('#/components/schemas/', '')),
    );
    t.same(missing, [], path);
  }
  t.equal(documents.v3('apis/nothing/v1'), undefined);
});

/** Reads one protobuf message as a list of its fields; shares no code with the writer. */
function decode(bytes: Buffer): Array<{ field: number; value: Buffer | number }> {
  const fields: Array<{ field: number; value: Buffer | number }> = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    if ((key & 7) === 0) fields.push({ field: key >> 3, value: varint() });
    else {
      const length = varint();
      fields.push({ field: key >> 3, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}
const all = (bytes: Buffer, field: number): Buffer[] =>
  decode(bytes)
    .filter((entry) => entry.field === field)
    .map(({ value }) => value as Buffer);
const one = (bytes: Buffer, field: number): Buffer => all(bytes, field)[0] ?? Buffer.alloc(0);

t.test('the protobuf form has the content of the JSON form', async (t) => {
  const { body } = await documents.v2Protobuf();
  t.equal(one(body, 1).toString(), '2.0');
  const definitions = new Map(all(one(body, 9), 1).map((named) => [one(named, 1).toString(), one(named, 2)]));
  t.same([...definitions.keys()], Object.keys(v2.definitions));
  for (const [name, schema] of definitions) {
    const json = v2.definitions[name]!;
    t.equal(one(schema, 4).toString(), json['description'], name);
    const properties = all(one(schema, 25), 1).map((property) => one(property, 1).toString());
    t.same(properties, Object.keys((json['properties'] as object) ?? {}), name);
    t.same(all(schema, 19).map(String), json['required'] ?? [], name);
  }
  const deployment = definitions.get('io.k8s.api.apps.v1.Deployment')!;
  const extension = one(deployment, 31);
  t.equal(one(extension, 1).toString(), 'x-kubernetes-group-version-kind');
  t.same(JSON.parse(one(one(extension, 2), 2).toString()), [{ group: 'apps', version: 'v1', kind: 'Deployment' }]);
  const spec = all(one(deployment, 25), 1).find((property) => one(property, 1).toString() === 'spec')!;
  t.equal(one(one(spec, 2), 1).toString(), '#/definitions/io.k8s.api.apps.v1.DeploymentSpec');
  const pod = definitions.get('io.k8s.api.core.v1.PodSpec')!;
  const policy = all(one(pod, 25), 1).find((property) => one(property, 1).toString() === 'dnsPolicy')!;
  t.same(
    all(one(policy, 2), 20).map((value) => JSON.parse(one(value, 2).toString())),
    ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
  );
  const paths = all(one(body, 8), 2).map((path) => one(path, 1).toString());
  t.same(paths, Object.keys(v2.paths));
});

t.test('the ETag is a hash of the content', async (t) => {
  const { body, etag, hash } = await documents.v2Json();
  t.equal(hash, createHash('sha512').update(body).digest('hex').toUpperCase());
  t.equal(etag, `"${hash}"`);
  t.equal((await new OpenApiDocuments(catalog, loadSchemas(), 'v1.36.0').v2Json()).etag, etag);
});

type Described = { description?: string; enum?: string[]; allOf?: { $ref: string }[] };
const schemasOf = async (
  path: string,
): Promise<Record<string, { description?: string; properties: Record<string, Described> }>> =>
  JSON.parse((await documents.v3(path))!.body.toString()).components.schemas;

t.test('a field has its own description next to that of its type', async (t) => {
  const apps = await schemasOf('apis/apps/v1');
  const fields = [
    ['io.k8s.api.apps.v1.DeploymentSpec', 'template'],
    ['io.k8s.api.apps.v1.Deployment', 'spec'],
    ['io.k8s.api.core.v1.Container', 'resources'],
    ['io.k8s.api.core.v1.PodSpec', 'affinity'],
  ] as const;
  for (const [type, field] of fields) {
    const { description = '', allOf = [] } = apps[type]!.properties[field]!;
    const referred = apps[allOf[0]!.$ref.replace('#/components/schemas/', '')]!;
    t.not(description, '', `${type}.${field}`);
    t.notOk(referred.description?.startsWith(description), `${type}.${field}`);
  }
});

t.test('enum values are those that validation accepts', async (t) => {
  const core = await schemasOf('api/v1');
  const { type } = core['io.k8s.api.core.v1.ServiceSpec']!.properties;
  t.same(type!.enum, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']);
  const policy = core['io.k8s.api.core.v1.PodSpec']!.properties['restartPolicy']!.enum ?? [];
  const causes = (restartPolicy: string) =>
    (
      pods.options.validate?.(
        { metadata: { name: 'a' }, spec: { containers: [], restartPolicy } },
        { subresource: '' },
      ) ?? []
    )
      .filter(({ field }) => field === 'spec.restartPolicy')
      .map(({ message }) => message);
  for (const value of policy) t.same(causes(value), [], value);
  const named = [...(causes('Sometimes')[0]?.split('supported values: ')[1] ?? '').matchAll(/"(\w+)"/g)].map(
    ([, value]) => value,
  );
  t.same(named.sort(), policy);
});

t.test('documents follow the catalog', async (t) => {
  const served = new KindCatalog([pods]);
  const documents = new OpenApiDocuments(served, loadSchemas(), 'v1.36.0');
  const before = (await documents.v3Index()).etag;
  const schema = {
    definition: { type: 'object', properties: { spec: { type: 'object', description: 'What is wanted.' } } },
  } as const;
  const names = { group: 'stable.example.com', version: 'v1', kind: 'CronTab', plural: 'crontabs' };
  const crontabs = defineKind({ ...names, namespaced: true, schema });
  served.add(crontabs);
  t.not((await documents.v3Index()).etag, before);
  const { components, paths } = JSON.parse((await documents.v3('apis/stable.example.com/v1'))?.body.toString() ?? '{}');
  t.match(components.schemas['com.example.stable.v1.CronTab'], {
    properties: { spec: { type: 'object', description: 'What is wanted.' } },
    'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', version: 'v1', kind: 'CronTab' }],
  });
  const path = paths['/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}'];
  t.notOk(Object.hasOwn(path.patch.requestBody.content, 'application/strategic-merge-patch+json'));
  served.remove(crontabs);
  t.equal(documents.v3('apis/stable.example.com/v1'), undefined);
  t.equal((await documents.v3Index()).etag, before);
});

t.test('version 3 shows what Go makes of absent fields, version 2 does not', async (t) => {
  const { body } = (await documents.v3('api/v1'))!;
  const { schemas } = JSON.parse(body.toString()).components;
  const field = (type: string, name: string) => schemas[`io.k8s.api.core.v1.${type}`].properties[name];
  const ref = (name: string) => [{ $ref: `#/components/schemas/io.k8s.api.core.v1.${name}` }];
  t.match(field('Pod', 'spec'), { default: {}, allOf: ref('PodSpec') });
  t.notOk('default' in field('PodSpec', 'securityContext'), 'a pointer');
  t.same(field('PodSpec', 'containers').items, { allOf: ref('Container'), default: {} });
  t.same(field('Container', 'args').items, { type: 'string', default: '' });
  t.same(field('Secret', 'data').additionalProperties, { type: 'string', format: 'byte' });
  t.match(field('ContainerPort', 'containerPort'), { type: 'integer', default: 0 });
  t.match(field('ContainerPort', 'protocol'), { default: 'TCP' });
  t.match(field('ISCSIVolumeSource', 'iscsiInterface'), { default: 'default' });
  t.match(field('SecretEnvSource', 'name'), { default: '' });
  t.notOk('default' in field('ContainerPort', 'hostPort'), 'omitted when it is 0');
  t.notMatch(JSON.stringify(v2.definitions['io.k8s.api.core.v1.ContainerPort']), /"default"/);
  t.same(schemas['io.k8s.api.core.v1.SeccompProfile']['x-kubernetes-unions'], [
    { discriminator: 'type', 'fields-to-discriminateBy': { localhostProfile: 'LocalhostProfile' } },
  ]);
  t.same(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference'].required, [
    'apiVersion',
    'kind',
    'name',
    'uid',
  ]);
});

t.test('documents about the API', async (t) => {
  const shown = async (path: string) => JSON.parse((await documents.v3(path))!.body.toString());
  const apps = await shown('apis/apps');
  t.same(Object.keys(apps.paths), ['/apis/apps/']);
  t.match(apps.paths['/apis/apps/'].get, { operationId: 'getAppsAPIGroup', tags: ['apps'] });
  t.ok(apps.components.schemas['io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery']);
  t.match((await shown('version')).paths['/version/'].get, { operationId: 'getCodeVersion' });
  t.match((await shown('apis/apps/v1')).paths['/apis/apps/v1/'].get, { operationId: 'getAppsV1APIResources' });
  const paths = ['/api/', '/apis/', '/apis/apps/', '/apis/apps/v1/', '/version/', '/openid/v1/jwks/'];
  for (const path of paths) t.ok(v2.paths[path]?.['get'], path);
});

t.test('answers and forms of operations', async (t) => {
  const claims = '/api/v1/namespaces/{namespace}/persistentvolumeclaims';
  const codes = (path: string, method: string) => Object.keys(v2.paths[path]![method]!.responses);
  t.same(codes(claims, 'post'), ['200', '201', '202', '401']);
  t.same(codes(`${claims}/{name}`, 'put'), ['200', '201', '401']);
  t.same(codes(`${claims}/{name}`, 'delete'), ['200', '202', '401']);
  t.match(v2.paths[`${claims}/{name}`]!['delete']!.responses['200']!.schema, {
    $ref: '#/definitions/io.k8s.api.core.v1.PersistentVolumeClaim',
  });
  t.ok(v2.paths[claims]!['get']!.produces.includes('application/vnd.kubernetes.protobuf;stream=watch'));
  const proxy = v2.paths['/api/v1/namespaces/{namespace}/pods/{name}/proxy/{path}'];
  t.same(Object.keys(proxy!).sort(), ['delete', 'get', 'head', 'options', 'patch', 'post', 'put']);
  t.equal(proxy!['head']!.operationId, 'connectCoreV1HeadNamespacedPodProxyWithPath');
});
