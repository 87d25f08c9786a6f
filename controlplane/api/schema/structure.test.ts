import t from 'tap';
import { BadRequest } from '../../base/errors';
import { certificateSigningRequests } from '../certificate-signing-request';
import { configMaps } from '../config-map';
import { customResourceDefinitions } from '../custom-resource-definition';
import { deployments } from '../deployment';
import { leases } from '../lease';
import { pods } from '../pod';
import { resourceSlices } from '../resource-slice';
import { secrets } from '../secret';
import { findDuplicateFields } from './duplicates';
import { loadSchemas } from './load';
import type { SchematicKind } from './schema-set';
import { customFindings } from './strict';
import { type FieldValidation, validateStructure } from './structure';

const schemas = loadSchemas();

const ofDefinition = 'CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: ';
const container = { name: 'c', image: 'i' };

t.test('bodies that cannot be decoded', async (t) => {
  const cases: Array<{ name: string; kind: SchematicKind; object: unknown; message: string }> = [
    {
      name: 'string for a number',
      kind: deployments,
      object: { spec: { replicas: 'three' } },
      message:
        'Deployment in version "v1" cannot be handled as a Deployment: ' +
        'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    },
    {
      name: 'number for a string, deep in lists',
      kind: pods,
      object: { spec: { containers: [{ name: 'c', env: [{ name: 'A', value: 1 }] }] } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: ' +
        'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    },
    {
      name: 'object for a list',
      kind: pods,
      object: { spec: { containers: {} } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: ' +
        'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    },
    {
      name: 'list for a map',
      kind: configMaps,
      object: { data: [] },
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: ' +
        'json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string',
    },
    {
      name: 'number in a string map',
      kind: configMaps,
      object: { data: { a: 1 } },
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: ' +
        'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    },
    {
      name: 'a named type of Go',
      kind: pods,
      object: { spec: { restartPolicy: 1 } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: ' +
        'json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy',
    },
    {
      name: 'list for a named map',
      kind: pods,
      object: { spec: { containers: [{ name: 'c', resources: { limits: [] } }] } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: ' +
        'json: cannot unmarshal array into Go struct field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList',
    },
    {
      name: 'an embedded struct',
      kind: pods,
      object: { spec: { volumes: [{ name: 'v', emptyDir: { medium: {} } }] } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: ' +
        'json: cannot unmarshal object into Go struct field EmptyDirVolumeSource.spec.volumes.VolumeSource.emptyDir.medium of type v1.StorageMedium',
    },
    {
      name: 'fraction',
      kind: deployments,
      object: { spec: { replicas: 1.5 } },
      message:
        'Deployment in version "v1" cannot be handled as a Deployment: ' +
        'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    },
    {
      name: 'quantity',
      kind: pods,
      object: { spec: { containers: [{ ...container, resources: { limits: { cpu: 'lots' } } }] } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression ' +
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    },
    ...[{}, [], true, ''].map((sizeLimit) => ({
      name: `quantity ${JSON.stringify(sizeLimit)}`,
      kind: pods,
      object: { spec: { volumes: [{ name: 'v', emptyDir: { sizeLimit } }] } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression ' +
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    })),
    {
      name: 'base64',
      kind: secrets,
      object: { data: { a: 'a b' } },
      message: 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 1',
    },
    {
      name: 'time',
      kind: leases,
      object: { spec: { renewTime: 'yesterday' } },
      message:
        'Lease in version "v1" cannot be handled as a Lease: parsing time "yesterday" as ' +
        '"2006-01-02T15:04:05.000000Z07:00": cannot parse "yesterday" as "2006"',
    },
    {
      name: 'time without microseconds',
      kind: leases,
      object: { spec: { renewTime: '2026-01-01T00:00:00.123Z' } },
      message:
        'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-01T00:00:00.123Z" as ' +
        '"2006-01-02T15:04:05.000000Z07:00": cannot parse ".123Z" as ".000000"',
    },
    {
      name: 'empty quantity',
      kind: pods,
      object: { spec: { containers: [{ ...container, resources: { limits: { cpu: '' } } }] } },
      message:
        'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression ' +
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    },
    ...(
      [
        [{ default: 1, enum: 'x' }, 'json: cannot unmarshal string', 'enum of type []v1.JSON'],
        [
          { 'x-kubernetes-validations': {} },
          'json: cannot unmarshal object',
          'x-kubernetes-validations of type v1.ValidationRules',
        ],
        [{ items: { type: 1 } }, 'json: cannot unmarshal number', 'items.type of type string'],
        [{ dependencies: { a: [1] } }, 'json: cannot unmarshal number', 'dependencies of type string'],
      ] as const
    ).map(([openAPIV3Schema, error, field]) => ({
      name: `${field} in a definition`,
      kind: customResourceDefinitions,
      object: { spec: { versions: [{ schema: { openAPIV3Schema } }] } },
      message: `${ofDefinition}${error} into Go struct field JSONSchemaProps.spec.versions.schema.openAPIV3Schema.${field}`,
    })),
    {
      name: 'a text for a schema',
      kind: customResourceDefinitions,
      object: { spec: { versions: [{ schema: { openAPIV3Schema: { additionalProperties: 'x' } } }] } },
      message: `${ofDefinition}boolean or JSON schema expected`,
    },
    {
      name: 'a text for a struct without fields',
      kind: customResourceDefinitions,
      object: { spec: { versions: [{ subresources: { status: 'x' } }] } },
      message: `${ofDefinition}json: cannot unmarshal string into Go struct field CustomResourceSubresources.spec.versions.subresources.status of type v1.CustomResourceSubresourceStatus`,
    },
    {
      name: 'maps with a named type of keys or items',
      kind: resourceSlices,
      object: { spec: { devices: [{ attributes: [] }] } },
      message:
        'ResourceSlice in version "v1" cannot be handled as a ResourceSlice: json: cannot unmarshal array into ' +
        'Go struct field Device.spec.devices.attributes of type map[v1.QualifiedName]v1.DeviceAttribute',
    },
    {
      name: 'items with a named type',
      kind: certificateSigningRequests,
      object: { spec: { extra: { a: 'x' } } },
      message:
        'CertificateSigningRequest in version "v1" cannot be handled as a CertificateSigningRequest: json: cannot unmarshal string into ' +
        'Go struct field CertificateSigningRequestSpec.spec.extra of type v1.ExtraValue',
    },
    {
      name: 'no object at all',
      kind: configMaps,
      object: [],
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: ' +
        'json: cannot unmarshal array into Go value of type v1.ConfigMap',
    },
  ];
  for (const { name, kind, object, message } of cases) {
    try {
      validateStructure(schemas.of(kind), kind, object, 'Ignore');
      t.fail(name);
    } catch (err) {
      t.ok(err instanceof BadRequest, name);
      t.equal((err as BadRequest).message, message, name);
    }
  }
});

t.test('zeros and times in the form in which Go writes them', async (t) => {
  const decoded = (kind: SchematicKind, object: object) => {
    validateStructure(schemas.of(kind), kind, object, 'Ignore');
    return object;
  };
  t.same(
    decoded(deployments, {
      spec: { paused: false, minReadySeconds: 0, revisionHistoryLimit: 0, strategy: { type: '' } },
    }),
    { spec: { revisionHistoryLimit: 0, strategy: {} } },
    'zero of a value is absent, of a pointer it is a value',
  );
  t.same(
    decoded(deployments, { status: { conditions: [{ lastUpdateTime: '2026-01-01T02:00:00.5+02:00' }] } }),
    { status: { conditions: [{ lastUpdateTime: '2026-01-01T00:00:00Z', status: '', type: '' }] } },
    'values that are never omitted are written; times are in UTC',
  );
  t.same(decoded(leases, { spec: { renewTime: '2026-01-01T02:00:00.000001+02:00' } }), {
    spec: { renewTime: '2026-01-01T00:00:00.000001Z' },
  });
});

t.test('unknown and duplicate fields', async (t) => {
  const body = () => ({ spec: { foo: 1, containers: [{ ...container, bar: {} }] }, extra: true });
  const expected = ['unknown field "spec.foo"', 'unknown field "spec.containers[0].bar"', 'unknown field "extra"'];
  const pruned = { spec: { containers: [container] } };
  const modes: Array<{ mode: FieldValidation; warnings: string[] }> = [
    { mode: 'Warn', warnings: expected },
    { mode: 'Ignore', warnings: [] },
  ];
  for (const { mode, warnings } of modes) {
    const object = body();
    t.same(validateStructure(schemas.of(pods), pods, object, mode, { json: JSON.stringify(object) }), warnings, mode);
    t.same(object, pruned, `${mode} prunes`);
  }
  t.throws(() => validateStructure(schemas.of(pods), pods, body(), 'Strict', { json: JSON.stringify(body()) }), {
    message: `Pod in version "v1" cannot be handled as a Pod: strict decoding error: ${expected.join(', ')}`,
  });
  t.same(validateStructure(schemas.of(pods), pods, pruned, 'Strict'), []);
});

t.test('unknown fields in schemas of items and values: Go does not see them', async (t) => {
  const found = (openAPIV3Schema: object, subresources: object = {}) => {
    const object = { spec: { versions: [{ schema: { openAPIV3Schema }, subresources }] } };
    const json = JSON.stringify(object);
    const kind = customResourceDefinitions;
    return [validateStructure(schemas.of(kind), kind, object, 'Warn', { json }), object.spec.versions[0]!];
  };
  const version = (openAPIV3Schema: object, subresources: object = {}) => ({
    name: '',
    served: false,
    storage: false,
    schema: { openAPIV3Schema },
    subresources,
  });
  t.same(found({ items: { bogus: 1, properties: { a: { other: 1 } } } }), [
    [],
    version({ items: { properties: { a: {} } } }),
  ]);
  t.same(found({ additionalProperties: { bogus: 1 } }), [[], version({ additionalProperties: {} })]);
  const at = 'spec.versions[0]';
  t.same(found({ not: { bogus: 1 } })[0], [`unknown field "${at}.schema.openAPIV3Schema.not.bogus"`]);
  t.same(found({}, { status: { a: 1 } }), [
    [`unknown field "${at}.subresources.status.a"`],
    version({}, { status: {} }),
  ]);
});

t.test('findings have the order of the JSON text', async (t) => {
  const cases: ReadonlyArray<{ name: string; json: string; findings: readonly string[] }> = [
    {
      name: 'unknown before duplicate',
      json: '{"spec":{"unknownField":1,"replicas":1,"replicas":2}}',
      findings: ['unknown field "spec.unknownField"', 'duplicate field "spec.replicas"'],
    },
    {
      name: 'duplicate before unknown',
      json: '{"metadata":{"name":"a","name":"b","x":1},"spec":{"y":1}}',
      findings: ['duplicate field "metadata.name"', 'unknown field "metadata.x"', 'unknown field "spec.y"'],
    },
    { name: 'an unknown field given twice is unknown once', json: '{"x":1,"x":2}', findings: ['unknown field "x"'] },
    {
      name: 'nothing below an unknown field',
      json: '{"x":{"a":1,"a":2},"y":[{"a":1,"a":1}]}',
      findings: ['unknown field "x"', 'unknown field "y"'],
    },
    {
      name: 'a field given three times',
      json: '{"spec":{"replicas":1,"replicas":2,"replicas":3}}',
      findings: ['duplicate field "spec.replicas"'],
    },
    {
      name: 'in lists',
      json: '{"spec":{"template":{"spec":{"containers":[{"x":1,"name":"a","name":"b"}]}}}}',
      findings: [
        'unknown field "spec.template.spec.containers[0].x"',
        'duplicate field "spec.template.spec.containers[0].name"',
      ],
    },
  ];
  for (const { name, json, findings } of cases) {
    t.same(validateStructure(schemas.of(deployments), deployments, JSON.parse(json), 'Warn', { json }), findings, name);
  }
});

t.test('findings in a custom object: duplicates of the text, then metadata, then the rest, sorted', async (t) => {
  const text = '{"zz":1,"metadata":{"zb":1,"za":2},"spec":{"y":1,"b":2,"size":1,"size":2,"x":{"q":1,"q":2}},"aa":1}';
  const unknown = ['zz', 'metadata.zb', 'metadata.za', 'spec.y', 'spec.b', 'spec.x', 'aa'];
  const sorted = ['metadata.za', 'metadata.zb', 'aa', 'spec.b', 'spec.x', 'spec.y', 'zz'].map(
    (path) => `unknown field "${path}"`,
  );
  t.same(customFindings(unknown, text), ['duplicate field "spec.size"', 'duplicate field "spec.x.q"', ...sorted]);
  t.same(customFindings(unknown, undefined), sorted, 'the result of a patch');
});

t.test('without JSON text unknown fields are sorted, as upstream reports them for a patched object', async (t) => {
  const findings = ['unknown field "spec.a"', 'unknown field "spec.b"', 'unknown field "z"'];
  t.same(validateStructure(schemas.of(pods), pods, { z: 1, spec: { b: 1, a: 1 } }, 'Warn'), findings);
});

t.test('the canonical form', async (t) => {
  const object = {
    metadata: { name: 'x', labels: {}, creationTimestamp: null, annotations: { a: null } },
    spec: {
      containers: [{ ...container, command: [], resources: {}, ports: null }],
      volumes: [{ name: 'v', emptyDir: {} }],
      nodeSelector: {},
    },
  };
  validateStructure(schemas.of(pods), pods, object, 'Strict');
  t.same(object, {
    metadata: { name: 'x', annotations: { a: '' } },
    spec: { containers: [{ ...container, resources: {} }], volumes: [{ name: 'v', emptyDir: {} }] },
  });
  const limits = { spec: { containers: [{ ...container, resources: { limits: { cpu: 2, memory: '1Gi' } } }] } };
  validateStructure(schemas.of(pods), pods, limits, 'Strict');
  t.same(limits.spec.containers[0]?.resources.limits, { cpu: '2', memory: '1Gi' }, 'numbers become quantities');
});

t.test('zero values are absent, where the field is no pointer in Go', async (t) => {
  const object = {
    spec: {
      containers: [{ ...container, workingDir: '', stdin: false, ports: [{ containerPort: 0, hostPort: 0 }] }],
      hostNetwork: false,
      hostUsers: false,
      priority: 0,
      nodeName: '',
    },
  };
  validateStructure(schemas.of(pods), pods, object, 'Strict');
  t.same(object, {
    spec: { containers: [{ ...container, ports: [{ containerPort: 0 }] }], hostUsers: false, priority: 0 },
  });
});

t.test('__proto__ and constructor are ordinary keys', async (t) => {
  const object = JSON.parse('{"data":{"__proto__":"a","constructor":"b"},"__proto__":{"x":1}}');
  t.same(validateStructure(schemas.of(configMaps), configMaps, object, 'Warn'), ['unknown field "__proto__"']);
  t.same(Object.keys(object.data), ['__proto__', 'constructor']);
});

t.test('duplicate keys in text', async (t) => {
  const cases: Array<{ text: string; duplicates: string[] }> = [
    { text: '{"a":1,"b":{"a":1}}', duplicates: [] },
    { text: '{"a":1,"a":2}', duplicates: ['a'] },
    { text: '{"spec":{"x":[{"n":1},{"n":1,"n":2}],"x":[]}}', duplicates: ['spec.x[1].n', 'spec.x'] },
    { text: '{"a":"\\"a\\":1,","\\u0061":2}', duplicates: ['a'] },
    { text: '{"a":["a","a"],"b":"{}"}', duplicates: [] },
    { text: '[[{"a":1}],[{"a":1,"a":1}]]', duplicates: ['[1][0].a'] },
  ];
  for (const { text, duplicates } of cases) t.same(findDuplicateFields(text), duplicates, text);
});
