// The kinds of storage.k8s.io: defaults, rules, which fields may change, warnings, columns.
import t from 'tap';
import { type Case, check, ready, row } from '../../test/lib/kind-cases';
import { csiDrivers } from './csi-driver';
import { csiNodes } from './csi-node';
import { csiStorageCapacities } from './csi-storage-capacity';
import { storageClasses } from './storage-class';
import { volumeAttachments } from './volume-attachment';
import { volumeAttributesClasses } from './volume-attributes-class';

const metadata = { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' };
const annotated = (key: string) => ({ ...metadata, annotations: { [key]: 'true' } });

t.test('StorageClass', async (t) => {
  const base = { metadata, provisioner: 'example.com/p' };
  const object = ready(storageClasses, base);
  t.match(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
  t.same(row(storageClasses, object), ['a', 'example.com/p', 'Delete', 'Immediate', false, '60s']);
  for (const key of [
    'storageclass.kubernetes.io/is-default-class',
    'storageclass.beta.kubernetes.io/is-default-class',
  ]) {
    t.equal(row(storageClasses, ready(storageClasses, { ...base, metadata: annotated(key) }))[0], 'a (default)', key);
  }
  const term = (...values: string[]) => ({ matchLabelExpressions: [{ key: 'zone', values }] });
  const many = Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`k${i}`, 'v']));
  const cases: Case[] = [
    { name: 'the least', body: base, causes: [] },
    { name: 'no provisioner', body: { metadata }, causes: ['provisioner: Required value'] },
    { name: 'a provisioner', body: { metadata, provisioner: 'A b' }, causes: [/^provisioner: Invalid value: "a b"/] },
    { name: 'many parameters', body: { ...base, parameters: many }, causes: [/^parameters: Too long/] },
    {
      name: 'long parameters',
      body: { ...base, parameters: { '': 'x'.repeat(256 * 1024 + 1) } },
      causes: ['parameters: Invalid value: "": field can not be empty.', /^parameters: Too long/],
    },
    {
      name: 'policy and mode',
      body: { ...base, reclaimPolicy: 'Recycle', volumeBindingMode: 'Later' },
      causes: [
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
        'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
      ],
    },
    {
      name: 'topologies',
      body: { ...base, allowedTopologies: [term('a', 'b'), term('b', 'a', 'a'), { matchLabelExpressions: [{}] }] },
      causes: [
        'allowedTopologies[1].matchLabelExpressions[0].values[2]: Duplicate value: "a"',
        'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""',
        'allowedTopologies[2].matchLabelExpressions[0].values: Required value',
        /^allowedTopologies\[2\]\.matchLabelExpressions\[0\]\.key: Invalid value: ""/,
        /^allowedTopologies\[2\]\.matchLabelExpressions\[0\]\.key: Invalid value: ""/,
      ],
    },
    {
      name: 'what may not change',
      old: base,
      body: {
        metadata,
        provisioner: 'q',
        parameters: { a: 'b' },
        reclaimPolicy: 'Retain',
        volumeBindingMode: 'WaitForFirstConsumer',
      },
      causes: [
        'parameters: Invalid value: {"a":"b"}: field is immutable',
        'provisioner: Invalid value: "q": field is immutable',
        'reclaimPolicy: Invalid value: "Retain": field is immutable',
        'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
      ],
    },
    { name: 'what may', old: base, body: { ...base, allowVolumeExpansion: true, mountOptions: ['ro'] }, causes: [] },
  ];
  check(t, storageClasses, cases);
  const old = ready(storageClasses, {
    ...base,
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', values: ['a'] }] }],
  });
  t.same(storageClasses.options.warnings?.(old, { subresource: '' }), [
    'allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  ]);
});

t.test('VolumeAttributesClass', async (t) => {
  const base = { metadata, driverName: 'd', parameters: { iops: '1' } };
  const object = ready(volumeAttributesClasses, base);
  t.same(row(volumeAttributesClasses, object), ['a', 'd', '60s']);
  check(t, volumeAttributesClasses, [
    { name: 'complete', body: base, causes: [] },
    {
      name: 'empty',
      body: { metadata },
      causes: ['driverName: Required value', 'parameters: Required value: must contain at least one key/value pair'],
    },
    {
      name: 'nothing may change',
      old: base,
      body: { metadata, driverName: 'e', parameters: { iops: '2' } },
      causes: [
        'driverName: Forbidden: updates to driverName are forbidden.',
        'parameters: Forbidden: updates to parameters are forbidden.',
      ],
    },
  ]);
});

t.test('VolumeAttachment', async (t) => {
  const source = { persistentVolumeName: 'v' };
  const base = { metadata, spec: { attacher: 'd', nodeName: 'n', source } };
  const object = ready(volumeAttachments, { ...base, status: { attached: true } });
  t.same(object.status, { attached: false }, 'a new one is not attached');
  t.same(row(volumeAttachments, object), ['a', 'd', 'v', 'n', false, '60s']);
  const inline = (spec: object) => ({ metadata, spec: { ...base.spec, source: { inlineVolumeSpec: spec } } });
  const csi = { driver: 'd', volumeHandle: 'h' };
  const where = 'in the context of inline volumes';
  check(t, volumeAttachments, [
    { name: 'complete', body: base, causes: [] },
    {
      name: 'empty',
      body: { metadata, spec: { source: {} } },
      causes: [
        'spec.attacher: Required value',
        'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
        /^spec\.nodeName: Invalid value: ""/,
      ],
    },
    { name: 'an inline volume', body: inline({ accessModes: ['ReadWriteOnce'], csi }), causes: [] },
    {
      name: 'a wrong inline volume',
      body: inline({
        capacity: { storage: '1Gi' },
        hostPath: { path: '/a' },
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: 's',
        volumeMode: 'Block',
        claimRef: {},
      }),
      causes: [
        `spec.source.inlineVolumeSpec.claimRef: Forbidden: may not be specified ${where}`,
        `spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified ${where}`,
        `spec.source.inlineVolumeSpec.csi: Required value: has to be specified ${where}`,
        'spec.source.inlineVolumeSpec.accessModes: Required value',
        `spec.source.inlineVolumeSpec.persistentVolumeReclaimPolicy: Forbidden: may only be Retain ${where}`,
        `spec.source.inlineVolumeSpec.storageClassName: Forbidden: may not be specified ${where}`,
        `spec.source.inlineVolumeSpec.volumeMode: Forbidden: may not specify volumeMode other than Filesystem ${where}`,
      ],
    },
    {
      name: 'the spec is fixed',
      old: base,
      body: { metadata, spec: { ...base.spec, nodeName: 'm' } },
      causes: [/^spec: Invalid value: .*: field is immutable$/],
    },
    {
      name: 'a status',
      old: base,
      body: { ...base, status: { attached: true, attachError: { message: 'x'.repeat(1025), errorCode: -1 } } },
      subresource: 'status',
      causes: [
        /^status\.attachError\.message: Too long/,
        'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      ],
    },
  ]);
});

t.test('CSINode', async (t) => {
  const driver = { name: 'd.example.com', nodeID: 'n' };
  t.same(ready(csiNodes, { metadata }).spec, { drivers: [] });
  t.same(row(csiNodes, ready(csiNodes, { metadata, spec: { drivers: [driver] } })), ['a', 1, '60s']);
  check(t, csiNodes, [
    { name: 'no drivers', body: { metadata }, causes: [] },
    {
      name: 'wrong drivers',
      body: {
        metadata,
        spec: {
          drivers: [
            { ...driver, topologyKeys: ['', 'a', 'a'] },
            { ...driver, nodeID: '', allocatable: { count: -1 } },
          ],
        },
      },
      causes: [
        'spec.drivers[0]: Required value',
        /^spec\.drivers\[0\]: Invalid value: "": name part must be non-empty/,
        /^spec\.drivers\[0\]: Invalid value: "": name part must consist/,
        'spec.drivers[0]: Duplicate value: "a"',
        'spec.drivers[1].nodeID: Required value',
        'spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
        'spec.drivers[1].name: Duplicate value: "d.example.com"',
      ],
    },
    {
      name: 'what a driver can hold may change, other drivers too',
      old: { metadata, spec: { drivers: [driver] } },
      body: {
        metadata,
        spec: {
          drivers: [
            { ...driver, allocatable: { count: 5 } },
            { name: 'e', nodeID: 'n' },
          ],
        },
      },
      causes: [],
    },
    {
      name: 'the rest of a driver may not',
      old: { metadata, spec: { drivers: [driver] } },
      body: { metadata, spec: { drivers: [{ ...driver, nodeID: 'm' }] } },
      causes: [/^spec\.drivers: Invalid value: .*: field is immutable$/],
    },
  ]);
});

t.test('CSIDriver', async (t) => {
  const object = ready(csiDrivers, { metadata, spec: { preventPodSchedulingIfMissing: true } });
  t.same(object.spec, {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  });
  t.same(row(csiDrivers, object), ['a', true, false, false, '<unset>', false, 'Persistent', '60s']);
  check(t, csiDrivers, [
    {
      name: 'wrong fields',
      body: {
        metadata,
        spec: {
          fsGroupPolicy: 'All',
          volumeLifecycleModes: ['Inline'],
          tokenRequests: [
            { audience: 'a', expirationSeconds: 1 },
            { audience: 'a' },
            { audience: 'b', expirationSeconds: 2 ** 33 },
          ],
          nodeAllocatableUpdatePeriodSeconds: 9,
        },
      },
      causes: [
        'spec.fsGroupPolicy: Unsupported value: "All": supported values: "File", "None", "ReadWriteOnceWithFSType"',
        'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
        'spec.tokenRequests[1].audience: Duplicate value: "a"',
        'spec.tokenRequests[2].expirationSeconds: Invalid value: 8589934592: may not specify a duration larger than 2^32 seconds',
        'spec.volumeLifecycleModes: Unsupported value: "Inline": supported values: "Persistent", "Ephemeral"',
        'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds',
      ],
    },
    {
      name: 'tokens in secrets without tokens',
      body: { metadata, spec: { serviceAccountTokenInSecrets: true } },
      causes: [/^spec\.serviceAccountTokenInSecrets: /],
    },
    {
      name: 'what may not change',
      old: { metadata, spec: {} },
      body: { metadata, spec: { attachRequired: false, volumeLifecycleModes: ['Ephemeral'], requiresRepublish: true } },
      causes: [
        'spec.attachedRequired: Invalid value: false: field is immutable',
        'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
      ],
    },
  ]);
});

t.test('CSIStorageCapacity', async (t) => {
  const own = { ...metadata, namespace: 'n' };
  const base = { metadata: own, storageClassName: 's', capacity: '1024Mi' };
  const object = ready(csiStorageCapacities, base);
  t.same(row(csiStorageCapacities, object), ['a', '2026-01-01T00:00:00Z']);
  check(t, csiStorageCapacities, [
    { name: 'complete', body: base, causes: [] },
    {
      name: 'wrong fields',
      body: { metadata: own, capacity: '-1', nodeTopology: { matchLabels: { 'a b': 'c' } } },
      causes: [
        /^nodeTopology\.matchLabels: Invalid value: "a b"/,
        /^storageClassName: Invalid value: ""/,
        'capacity: Invalid value: "-1": must be greater than or equal to 0',
      ],
    },
    {
      name: 'what may not change',
      old: base,
      body: { ...base, capacity: '2Gi', storageClassName: 'r', nodeTopology: { matchLabels: { a: 'b' } } },
      causes: [
        'nodeTopology: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable',
        'storageClassName: Invalid value: "r": field is immutable',
      ],
    },
  ]);
});
