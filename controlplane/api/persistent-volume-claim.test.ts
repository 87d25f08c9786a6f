// PersistentVolumeClaims: defaults, data sources, rules, which fields may change, warnings, columns.
import t from 'tap';
import { type Case, check, ready, row } from '../../test/lib/kind-cases';
import { type PersistentVolumeClaim, persistentVolumeClaims } from './persistent-volume-claim';

const annotation = 'volume.beta.kubernetes.io/storage-class';
const metadata = { name: 'a', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z' };
const base = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const size = (storage: string) => ({ resources: { requests: { storage } } });
const claim = (spec: object = {}, annotations?: object): object => ({
  metadata: { ...metadata, ...(annotations ? { annotations } : {}) },
  spec: { ...base, ...spec },
});

t.test('defaults and columns', async (t) => {
  const object = ready(persistentVolumeClaims, { ...claim(size('1024Mi')), status: { phase: 'Bound' } });
  t.match(object, { spec: { volumeMode: 'Filesystem', ...size('1Gi') }, status: { phase: 'Pending' } });
  t.same(row(persistentVolumeClaims, object, true), [
    ...['a', 'Pending', '', '', '', '', '<unset>', '60s', 'Filesystem'],
  ]);
  const bound: PersistentVolumeClaim = {
    ...object,
    spec: { ...object.spec, volumeName: 'v', storageClassName: 's', volumeAttributesClassName: 'gold' },
    status: { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOncePod'] },
  };
  t.same(row(persistentVolumeClaims, bound), ['a', 'Bound', 'v', '2Gi', 'RWOP', 's', 'gold', '60s']);
  const deleted = { ...bound, metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:01Z' } };
  t.equal(row(persistentVolumeClaims, deleted)[1], 'Terminating');
});

t.test('data sources', async (t) => {
  const snapshot = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' };
  const other = { apiGroup: 'example.com', kind: 'Image', name: 'i' };
  const copy = { kind: 'PersistentVolumeClaim', name: 'c' };
  const cases: { name: string; spec: object; want: readonly [unknown, unknown] }[] = [
    { name: 'none', spec: {}, want: [undefined, undefined] },
    { name: 'a snapshot, the old way', spec: { dataSource: snapshot }, want: [snapshot, snapshot] },
    { name: 'a claim, the new way', spec: { dataSourceRef: copy }, want: [copy, copy] },
    { name: 'another kind, the old way', spec: { dataSource: other }, want: [undefined, undefined] },
    { name: 'another kind, the new way', spec: { dataSourceRef: other }, want: [other, other] },
    { name: 'another namespace', spec: { dataSourceRef: { ...copy, namespace: 'm' } }, want: [undefined, undefined] },
  ];
  for (const { name, spec, want } of cases) {
    const object = ready(persistentVolumeClaims, claim(spec));
    t.same([object.spec?.dataSource, object.spec?.dataSourceRef], want, name);
  }
});

const cases: Case[] = [
  { name: 'the least', body: claim(), causes: [] },
  {
    name: 'an empty spec',
    body: { metadata, spec: {} },
    causes: [
      'spec.accessModes: Required value: at least 1 access mode is required',
      'spec.resources[storage]: Required value',
    ],
  },
  {
    name: 'modes, size, class',
    body: claim({ accessModes: ['Read'], ...size('0'), storageClassName: 'A', volumeMode: 'File' }),
    causes: [
      /^spec\.accessModes: Unsupported value: "Read"/,
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
      /^spec\.storageClassName: Invalid value: "A"/,
      'spec.volumeMode: Unsupported value: "File": supported values: "Block", "Filesystem"',
    ],
  },
  { name: 'no class at all', body: claim({ storageClassName: '', volumeAttributesClassName: '' }), causes: [] },
  {
    name: 'a selector',
    body: claim({ selector: { matchLabels: { 'a b': 'c' } } }),
    causes: [/^spec\.selector\.matchLabels: Invalid value: "a b"/],
  },
  {
    name: 'a source of the core group',
    body: claim({ dataSourceRef: { kind: 'Pod', name: '' } }),
    causes: ['dataSource', 'dataSourceRef'].flatMap((field) => [
      `spec.${field}.name: Required value`,
      `spec.${field}: Invalid value: "Pod": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
    ]),
  },
  {
    name: 'two sources',
    body: claim({
      dataSource: { kind: 'PersistentVolumeClaim', name: 'a' },
      dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'b' },
    }),
    causes: ['spec: Invalid value: {}: must match dataSourceRef'],
  },
];

const fixed =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
const bound = { phase: 'Bound', capacity: { storage: '1Gi' } };
const updates: Case[] = [
  { name: 'the volume is chosen', old: claim(), body: claim({ volumeName: 'v' }), causes: [] },
  {
    name: 'the volume is fixed',
    old: claim({ volumeName: 'v' }),
    body: claim({ volumeName: 'w' }),
    causes: [`spec: Forbidden: ${fixed}\n- volumeName: "v"\n+ volumeName: "w"`],
  },
  {
    name: 'the size of a claim without a volume',
    old: claim(),
    body: claim(size('2Gi')),
    causes: [/^spec: Forbidden: spec is immutable after creation/],
  },
  { name: 'a bound claim grows', old: claim(), body: claim(size('2Gi')), status: bound, causes: [] },
  {
    name: 'a failed expansion is taken back',
    old: claim(size('3Gi')),
    body: claim(size('2Gi')),
    status: bound,
    causes: [],
  },
  {
    name: 'a bound claim shrinks',
    old: claim(size('3Gi')),
    body: claim(size('1Gi')),
    status: bound,
    causes: ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'],
  },
  { name: 'a class is filled in', old: claim(), body: claim({ storageClassName: 's' }), causes: [] },
  {
    name: 'the class is fixed',
    old: claim({ storageClassName: 's' }),
    body: claim({ storageClassName: 'r' }),
    causes: [/^spec: Forbidden: /],
  },
  {
    name: 'from the annotation to the field',
    old: claim({}, { [annotation]: 's' }),
    body: claim({ storageClassName: 's' }),
    causes: [],
  },
  {
    name: 'the annotation is fixed',
    old: claim({}, { [annotation]: 's' }),
    body: claim({}, { [annotation]: 'r' }),
    causes: [`metadata.annotations.${annotation}: Invalid value: "r": field is immutable`],
  },
  {
    name: 'the mode',
    old: claim(),
    body: claim({ volumeMode: 'Block' }),
    causes: [/^spec: Forbidden: /, 'volumeMode: Invalid value: "Block": field is immutable'],
  },
  {
    name: 'attributes of a bound claim',
    old: claim({ volumeAttributesClassName: 'a' }),
    body: claim({ volumeAttributesClassName: 'b' }),
    status: bound,
    causes: [],
  },
  {
    name: 'attributes are removed',
    old: claim({ volumeAttributesClassName: 'a' }),
    body: claim(),
    status: { ...bound, currentVolumeAttributesClassName: 'a' },
    causes: [
      'spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when status.currentVolumeAttributesClassName is not nil',
    ],
  },
];

const statuses: Case[] = [
  {
    name: 'a status',
    old: claim(),
    body: {
      ...claim(),
      status: { phase: 'Bound', capacity: { storage: '1Gi' }, allocatedResources: { storage: '1Gi' } },
    },
    subresource: 'status',
    causes: [],
  },
  {
    name: 'a wrong status',
    old: claim(),
    body: {
      ...claim(),
      status: {
        capacity: { storage: '-1' },
        allocatedResourceStatuses: { cpu: 'Ready' },
        allocatedResources: { memory: '1', 'example.com/x': '-2' },
      },
    },
    subresource: 'status',
    causes: [
      'status.capacity[storage]: Invalid value: -1: must be a valid resource quantity',
      'status.allocatedResourceStatuses: Unsupported value: "cpu": supported values: "storage"',
      'status.allocatedResourceStatuses: Unsupported value: "cpu": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
      'status.allocatedResources: Unsupported value: "memory": supported values: "storage"',
      'status.allocatedResources[example.com/x]: Invalid value: -2: must be a valid resource quantity',
    ],
  },
];

t.test('rules', async (t) => check(t, persistentVolumeClaims, [...cases, ...updates, ...statuses]));

t.test('warnings', async (t) => {
  const object = ready(persistentVolumeClaims, claim(size('1500m'), { [annotation]: 's' }));
  t.same(persistentVolumeClaims.options.warnings?.(object, { subresource: '' }), [
    `metadata.annotations[${annotation}]: deprecated since v1.8; use "storageClassName" attribute instead`,
    'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
  ]);
});
