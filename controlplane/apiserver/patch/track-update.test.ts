import t from 'tap';
import { configMaps } from '../../api/config-map';
import { deployments } from '../../api/deployment';
import { ipAddresses } from '../../api/ip-address';
import type { Kind } from '../../api/kind';
import { pods } from '../../api/pod';
import { replicaSets } from '../../api/replica-set';
import { loadSchemas } from '../../api/schema/load';
import { services } from '../../api/service';
import type { KubeObject } from '../../api/types';
import { validatingAdmissionPolicies } from '../../api/validating-admission-policy';
import { apply } from './apply';
import type { ManagedFieldsEntry } from './managed-fields';
import { type TrackedUpdate, trackUpdate } from './track-update';

const schemas = loadSchemas();
const now = Date.parse('2026-01-01T00:00:00Z');
const later = now + 60_000;

type Body = Record<string, unknown>;
const object = (body: Body, metadata: Body = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'X',
  metadata: { name: 'a', namespace: 'n', uid: 'u', ...metadata },
  ...body,
});

function track(kind: Kind, before: KubeObject | undefined, after: KubeObject, rest: Partial<TrackedUpdate> = {}) {
  const write = { kind, schema: schemas.of(kind), manager: 'm', subresource: '', now, onCreate: true };
  return trackUpdate({ ...write, before, after, ...rest });
}
const withOwners = (one: KubeObject, managedFields: ManagedFieldsEntry[] | undefined): KubeObject => ({
  ...one,
  metadata: { ...one.metadata, ...(managedFields ? { managedFields } : {}) },
});
const fieldsOf = (entries: ManagedFieldsEntry[] | undefined) => entries?.map(({ fieldsV1 }) => fieldsV1);
const brief = (entries: ManagedFieldsEntry[] | undefined) =>
  entries?.map(({ manager, operation, time, fieldsV1 }) => [manager, operation, time, fieldsV1]);

t.test('the entry of a create', async (t) => {
  t.same(track(configMaps, undefined, object({ data: { a: '1' } }, { labels: { app: 'x' } })), [
    {
      manager: 'm',
      operation: 'Update',
      apiVersion: 'v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } }, 'f:data': { '.': {}, 'f:a': {} } },
    },
  ]);
  t.equal(track(configMaps, undefined, object({})), undefined, 'an object without fields has no entry');
  t.equal(track(configMaps, undefined, object({ data: { a: '1' } }), { onCreate: false }), undefined);
});

t.test('the fields that each kind of value has', async (t) => {
  const container = {
    name: 'c',
    image: 'i',
    ports: [{ containerPort: 80, protocol: 'TCP' }],
    resources: { limits: { cpu: '1' } },
    args: ['x'],
  };
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [container], securityContext: {} } };
  const containers = {
    'k:{"name":"c"}': {
      '.': {},
      'f:name': {},
      'f:image': {},
      'f:ports': {
        '.': {},
        'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
      },
      'f:resources': { '.': {}, 'f:limits': { '.': {}, 'f:cpu': {} } },
      'f:args': {},
    },
  };
  const reference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'x' };
  for (const [name, kind, body, metadata, fields] of [
    [
      'structs and required lists are no fields of their own',
      deployments,
      { spec: { replicas: 1, selector: { matchLabels: { app: 'x' } }, strategy: { type: 'Recreate' }, template } },
      {},
      {
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:strategy': { 'f:type': {} },
          'f:template': {
            'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
            'f:spec': { 'f:containers': containers, 'f:securityContext': {} },
          },
        },
      },
    ],
    [
      'the object whose controller created it',
      pods,
      { spec: { containers: [{ name: 'c', resources: {} }] }, status: { phase: 'Pending' } },
      { generateName: 'r-', ownerReferences: [reference], finalizers: ['example.com/f'] },
      {
        'f:metadata': {
          'f:generateName': {},
          'f:ownerReferences': { '.': {}, 'k:{"uid":"x"}': {} },
          'f:finalizers': { '.': {}, 'v:"example.com/f"': {} },
        },
        'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:resources': {} } } },
      },
    ],
    [
      'a pointer that must be set is a field of its own',
      ipAddresses,
      { spec: { parentRef: { resource: 'services', name: 's' } } },
      {},
      { 'f:spec': { 'f:parentRef': { '.': {}, 'f:resource': {}, 'f:name': {} } } },
    ],
    [
      'atomic types are one field',
      validatingAdmissionPolicies,
      {
        spec: {
          matchConstraints: { matchPolicy: 'Equivalent' },
          paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
          variables: [{ name: 'n', expression: '1' }],
        },
      },
      {},
      {
        'f:spec': {
          'f:matchConstraints': {},
          'f:paramKind': {},
          'f:variables': { '.': {}, 'k:{"name":"n"}': {} },
        },
      },
    ],
    [
      'two elements of one key are one field',
      services,
      {
        spec: {
          ports: [
            { port: 1, protocol: 'TCP', name: 'a' },
            { port: 1, protocol: 'TCP', name: 'b' },
          ],
        },
      },
      {},
      { 'f:spec': { 'f:ports': { '.': {}, 'k:{"port":1,"protocol":"TCP"}': {} } } },
    ],
  ] as const) {
    t.same(fieldsOf(track(kind, undefined, object(body, metadata))), [fields], name);
  }
});

t.test('updates', async (t) => {
  const first = object({ data: { a: '1', b: '2' } });
  const created = withOwners(first, track(configMaps, undefined, first));
  const entry = created.metadata!.managedFields![0]!;
  t.equal(
    track(configMaps, created, structuredClone(created), { now: later })?.[0],
    entry,
    'a write without a change keeps the stored entries themselves',
  );
  const changed = object({ data: { a: '9', c: '3' } });
  const owners = track(configMaps, created, changed, { manager: 'kubectl-edit', now: later });
  t.same(
    brief(owners),
    [
      ['m', 'Update', '2026-01-01T00:00:00Z', { 'f:data': {} }],
      ['kubectl-edit', 'Update', '2026-01-01T00:01:00Z', { 'f:data': { 'f:a': {}, 'f:c': {} } }],
    ],
    'the writer owns what it adds and changes; removed fields have no owner; the map stays with its owner',
  );
  const emptied = withOwners(object({}), undefined);
  t.equal(track(configMaps, withOwners(changed, owners), emptied), undefined, 'no field, no entry');
  const removing = track(configMaps, created, object({ data: { a: '1' } }), { now: later });
  t.same(
    brief(removing),
    [['m', 'Update', '2026-01-01T00:00:00Z', { 'f:data': { '.': {}, 'f:a': {} } }]],
    'a write that only removes fields leaves the time',
  );
  t.throws(
    () =>
      apply({
        kind: configMaps,
        schema: schemas.of(configMaps),
        live: withOwners(changed, owners),
        applied: object({ data: { a: '1' } }),
        manager: 'me',
        subresource: '',
        now,
        force: false,
      }),
    { message: 'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.a' },
  );
});

t.test('the status and the object have owners of their own', async (t) => {
  const condition = { type: 'Available', status: 'True', lastUpdateTime: null };
  const spec = { replicas: 1, template: {} };
  const created = object({ spec });
  const before = withOwners(created, track(replicaSets, undefined, created));
  const status = { replicas: 1, conditions: [condition] };
  const after = withOwners(object({ spec: { replicas: 5 }, status }), undefined);
  const owners = track(replicaSets, before, after, { manager: 'kcm', subresource: 'status' });
  t.same(
    owners?.map(({ manager, subresource, fieldsV1 }) => [manager, subresource, fieldsV1]),
    [
      [
        'kcm',
        'status',
        {
          'f:status': {
            'f:replicas': {},
            'f:conditions': { '.': {}, 'k:{"type":"Available"}': { '.': {}, 'f:type': {}, 'f:status': {} } },
          },
        },
      ],
      ['m', undefined, { 'f:spec': { 'f:replicas': {} } }],
    ],
  );
  const sent = { ...after, metadata: { ...after.metadata, managedFields: [{}] } };
  t.same(
    track(replicaSets, before, sent, { manager: 'kcm', subresource: 'status' }),
    owners,
    'a subresource cannot change managedFields',
  );
  const scaled = track(replicaSets, before, object({ spec: { replicas: 2, template: {} } }), { subresource: 'scale' });
  t.same(
    scaled?.map(({ manager, subresource, fieldsV1 }) => [manager, subresource, fieldsV1]),
    [['m', 'scale', { 'f:spec': { 'f:replicas': {} } }]],
  );
});

t.test('managedFields that a client sends', async (t) => {
  const first = object({ data: { a: '1' } });
  const before = withOwners(first, track(configMaps, undefined, first));
  const stored = before.metadata!.managedFields!;
  const send = (managedFields: unknown, data = { a: '1' }) =>
    track(configMaps, before, object({ data }, { managedFields }));
  const renamed = [{ ...stored[0]!, manager: 'other', operation: 'Apply' }];
  for (const [name, sent, result] of [
    ['none', undefined, stored],
    ['the stored ones', structuredClone(stored), stored],
    ['an empty list', [], undefined],
    ['one empty entry', [{}], undefined],
    ['other owners', renamed, renamed],
    ['malformed fields', [{ ...stored[0]!, fieldsV1: { x: {} } }], stored],
    ['an owner without fields', [{ ...stored[0]!, fieldsV1: {} }], stored],
  ] as const) {
    t.same(send(sent), result, name);
  }
  const untracked = object({ data: { a: '1' } });
  t.equal(
    track(configMaps, untracked, object({ data: { a: '2' } })),
    undefined,
    'an update gives no owners to an object without',
  );
});

t.test('at most ten owners by update', async (t) => {
  let live = object({ data: {} });
  const write = (i: number, apiVersion = 'v1') => {
    const data = { ...(live as { data?: object }).data, [`k${i}`]: '1' };
    const kind = { ...configMaps, apiVersion } as Kind;
    const next = object({ data });
    const before = i === 0 ? undefined : live;
    const owners = track(kind, before, next, { schema: schemas.of(configMaps), manager: `m${i}`, now: now + i * 1000 });
    live = withOwners(next, owners);
  };
  for (let i = 0; i < 10; i++) write(i);
  t.equal(live.metadata?.managedFields?.length, 10);
  write(10);
  write(11);
  const [oldest, ...others] = live.metadata!.managedFields!;
  t.same(brief([oldest!]), [
    [
      'ancient-changes',
      'Update',
      '2026-01-01T00:00:02Z',
      { 'f:data': { '.': {}, 'f:k0': {}, 'f:k1': {}, 'f:k2': {} } },
    ],
  ]);
  t.same(
    others.map(({ manager }) => manager),
    ['m3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11'],
  );
  write(12, 'v2');
  t.equal(live.metadata!.managedFields!.length, 10);
  t.equal(live.metadata!.managedFields!.at(-1)!.apiVersion, 'v2');
});
