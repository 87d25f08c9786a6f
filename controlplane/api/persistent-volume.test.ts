// PersistentVolumes: defaults, rules, immutable fields, warnings, columns.
import t from 'tap';
import { type Case, check, ready, row } from '../../test/lib/kind-cases';
import { type PersistentVolume, persistentVolumes } from './persistent-volume';

const metadata = { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' };
const base = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
const hostPath = { path: '/srv' };
const csi = { driver: 'd.example.com', volumeHandle: 'h' };
const terms = (key: string) => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: ['x'] }] }] },
});
const volume = (spec: object): object => ({ metadata, spec: { ...base, ...spec } });

t.test('defaults and columns', async (t) => {
  const object = ready(persistentVolumes, {
    metadata,
    spec: {
      ...base,
      capacity: { storage: '1024Mi' },
      hostPath,
      claimRef: { namespace: 'n', name: 'c' },
      storageClassName: 's',
    },
  });
  t.match(object, {
    spec: { capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
    status: { phase: 'Pending' },
  });
  t.equal(object.spec?.hostPath?.type, '');
  t.same(row(persistentVolumes, object, true), [
    ...['a', '1Gi', 'RWO', 'Retain', 'Pending', 'n/c', 's', '<unset>', '', '60s', 'Filesystem'],
  ]);
  const old = ready(persistentVolumes, {
    metadata: { ...metadata, annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } },
    spec: { ...base, accessModes: ['ReadWriteMany', 'ReadOnlyMany'], hostPath, storageClassName: 's' },
  });
  const deleted: PersistentVolume = {
    ...old,
    metadata: { ...old.metadata, deletionTimestamp: '2026-01-01T00:00:01Z' },
  };
  t.same(row(persistentVolumes, deleted).slice(2, 7), ['ROX,RWX', 'Retain', 'Terminating', '', 'x']);
  const filled = ready(
    persistentVolumes,
    volume({
      rbd: { monitors: ['m'], image: 'i' },
      azureDisk: { diskName: 'n', diskURI: 'u' },
      scaleIO: { gateway: 'g', system: 's', secretRef: { name: 'n' }, volumeName: 'v' },
      iscsi: { targetPortal: 'p', iqn: 'iqn.2001-04.com.example:x', lun: 0 },
    }),
  );
  t.match(filled.spec, {
    rbd: { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' },
    azureDisk: { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false },
    scaleIO: { storageMode: 'ThinProvisioned', fsType: 'xfs' },
    iscsi: { iscsiInterface: 'default' },
  });
});

const cases: Case[] = [
  { name: 'a host path', body: volume({ hostPath }), causes: [] },
  {
    name: 'an empty spec',
    body: { metadata, spec: {} },
    causes: [
      'spec.accessModes: Required value',
      'spec.capacity: Required value',
      'spec.capacity: Unsupported value: null: supported values: "storage"',
      'spec: Required value: must specify a volume type',
    ],
  },
  {
    name: 'access modes',
    body: volume({ hostPath, accessModes: ['ReadWriteOncePod', 'ReadWriteOnce', 'Read'] }),
    causes: [
      'spec.accessModes: Unsupported value: "Read": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
    ],
  },
  {
    name: 'capacity',
    body: volume({ hostPath, capacity: { storage: '-1', cpu: '0' } }),
    causes: [
      'spec.capacity: Unsupported value: {"storage":"-1","cpu":"0"}: supported values: "storage"',
      'spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity',
      'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
      'spec.capacity[cpu]: Invalid value: "0": must be greater than zero',
    ],
  },
  {
    name: 'policy, mode, class',
    body: volume({ hostPath, persistentVolumeReclaimPolicy: 'Keep', volumeMode: 'File', storageClassName: 'A' }),
    causes: [
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Recycle", "Retain"',
      /^spec\.storageClassName: Invalid value: "A": a lowercase RFC 1123 subdomain/,
      'spec.volumeMode: Unsupported value: "File": supported values: "Block", "Filesystem"',
    ],
  },
  {
    name: 'the root is not recycled',
    body: volume({ hostPath: { path: '//./' }, persistentVolumeReclaimPolicy: 'Recycle' }),
    causes: ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
  },
  {
    name: 'two sources',
    body: volume({ hostPath, cephfs: { monitors: [] }, csi: {} }),
    causes: [
      'spec.cephFS: Forbidden: may not specify more than 1 volume type',
      'spec.csi: Forbidden: may not specify more than 1 volume type',
    ],
  },
  {
    name: 'a local volume',
    body: volume({ local: { path: '/a/../b' } }),
    causes: [
      'spec.local.path: Invalid value: "/a/../b": must not contain \'..\'',
      'spec.nodeAffinity: Required value: Local volume requires node affinity',
    ],
  },
  {
    name: 'node affinity',
    body: volume({ hostPath, nodeAffinity: {} }),
    causes: ['spec.nodeAffinity.required: Required value: must specify required node constraints'],
  },
  {
    name: 'terms of node affinity',
    body: volume({ hostPath, nodeAffinity: { required: { nodeSelectorTerms: [] } } }),
    causes: ['spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term'],
  },
  {
    name: 'a CSI volume',
    body: volume({ csi: { nodePublishSecretRef: { name: 'A' }, nodeStageSecretRef: {} } }),
    causes: [
      'spec.csi.driver: Required value',
      'spec.csi.volumeHandle: Required value',
      /^spec\.csi\.nodePublishSecretRef\.name: Invalid value: "A"/,
      'spec.csi.nodePublishSecretRef.namespace: Required value',
    ],
  },
  {
    name: 'attributes',
    body: volume({ hostPath, volumeAttributesClassName: '' }),
    causes: [
      'spec.volumeAttributesClassName: Required value: an empty string is disallowed',
      'spec.csi: Required value: has to be specified when using volumeAttributesClassName',
    ],
  },
];

const sources: readonly (readonly [source: object, causes: readonly (string | RegExp)[]])[] = [
  [{ hostPath: { path: '' } }, ['hostPath.path: Required value']],
  [
    { gcePersistentDisk: { partition: 256 } },
    [
      'persistentDisk.pdName: Required value',
      'persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive',
    ],
  ],
  [
    { nfs: {} },
    ['nfs.server: Required value', 'nfs.path: Required value', 'nfs.path: Invalid value: "": must be an absolute path'],
  ],
  [
    { glusterfs: { endpoints: 'e', path: 'p', endpointsNamespace: '' } },
    [
      'glusterfs.endpointsNamespace: Invalid value: "": if the endpointnamespace is set, it must be a valid namespace name',
    ],
  ],
  [{ flocker: {} }, ['flocker: Required value: one of datasetName and datasetUUID is required']],
  [
    { quobyte: { registry: 'a:1,b', volume: 'v' } },
    ['quobyte.registry: Invalid value: "a:1,b": must be a host:port pair or multiple pairs separated by commas'],
  ],
  [{ quobyte: {} }, [/^quobyte\.registry: Required value/, 'quobyte.volume: Required value']],
  [{ fc: { targetWWNs: ['a'] } }, ['fc.lun: Required value: lun is required if targetWWNs is specified']],
  [{ fc: {} }, ['fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both']],
  [
    { cinder: { volumeID: 'v', secretRef: {} } },
    ['cinder.secretRef.name: Required value', 'cinder.secretRef.namespace: Required value'],
  ],
  [
    { flexVolume: { driver: 'd', options: { 'a.kubernetes.io/b': 'c', 'x/y': 'z' } } },
    [
      'flexVolume.options[a.kubernetes.io/b]: Invalid value: "a.kubernetes.io/b": kubernetes.io and k8s.io namespaces are reserved',
    ],
  ],
  [
    { azureFile: { secretName: 's', shareName: 's', secretNamespace: '' } },
    ['azureFile.secretNamespace: Required value'],
  ],
  [
    { azureDisk: { diskName: 'd', diskURI: 'u', kind: 'Managed' } },
    [/^azureDisk\.diskURI: Unsupported value: "u": supported values: "\/subscriptions/],
  ],
  [{ storageos: { volumeName: 'A' } }, [/^storageos\.volumeName: Invalid value: "A"/]],
  [
    { iscsi: { targetPortal: 'p', iqn: 'x', lun: 256, chapAuthSession: true } },
    [
      'iscsi.iqn: Invalid value: "x": must be valid format',
      'iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive',
      'iscsi.secretRef: Required value',
    ],
  ],
  [
    {
      iscsi: {
        targetPortal: 'p'.repeat(64),
        iqn: 'naa.0123456789abcdef0123456789abcdef',
        lun: 1,
        initiatorName: 'eui.1',
      },
    },
    [/^iscsi\.targetportal: Invalid value/, 'iscsi.initiatorname: Invalid value: "eui.1": must be valid format'],
  ],
];
for (const [source, causes] of sources) {
  const name = JSON.stringify(source).slice(0, 60);
  const prefixed = causes.map((one) =>
    typeof one === 'string' ? `spec.${one}` : new RegExp(`^spec\\.${one.source.slice(1)}`),
  );
  cases.push({ name, body: volume(source), causes: prefixed });
}

const before = volume({ csi, nodeAffinity: terms('failure-domain.beta.kubernetes.io/zone') });
const immutable: Case[] = [
  {
    name: 'policy and claim may change',
    old: before,
    body: volume({ ...Object(before).spec, persistentVolumeReclaimPolicy: 'Delete', claimRef: { name: 'c' } }),
    causes: [],
  },
  {
    name: 'the label gets its stable name',
    old: before,
    body: volume({ csi, nodeAffinity: terms('topology.kubernetes.io/zone') }),
    causes: [],
  },
  {
    name: 'another affinity',
    old: before,
    body: volume({ csi, nodeAffinity: terms('topology.kubernetes.io/region') }),
    causes: [/^nodeAffinity: Invalid value: .*: field is immutable, except for updating from beta label to GA$/],
  },
  {
    name: 'another source',
    old: before,
    body: volume({ ...Object(before).spec, csi: { ...csi, volumeHandle: 'other' } }),
    causes: [
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n' +
        '- csi: {"driver":"d.example.com","volumeHandle":"h"}\n+ csi: {"driver":"d.example.com","volumeHandle":"other"}',
    ],
  },
  {
    name: 'the secret for expansions may be added',
    old: before,
    body: volume({ ...Object(before).spec, csi: { ...csi, controllerExpandSecretRef: { name: 's', namespace: 'n' } } }),
    causes: [],
  },
  {
    name: 'another mode',
    old: before,
    body: volume({ ...Object(before).spec, volumeMode: 'Block' }),
    causes: ['volumeMode: Invalid value: "Block": field is immutable'],
  },
];

t.test('rules', async (t) => check(t, persistentVolumes, [...cases, ...immutable]));

t.test('warnings', async (t) => {
  const object = ready(persistentVolumes, {
    metadata: {
      ...metadata,
      annotations: { 'volume.beta.kubernetes.io/storage-class': 's', 'volume.beta.kubernetes.io/mount-options': 'ro' },
    },
    spec: {
      ...base,
      persistentVolumeReclaimPolicy: 'Recycle',
      glusterfs: { endpoints: 'e', path: 'p' },
      nodeAffinity: terms('beta.kubernetes.io/os'),
    },
  });
  t.same(persistentVolumes.options.warnings?.(object, { subresource: '' }), [
    'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
    'metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use "mountOptions" attribute instead',
    'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    'spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead',
    'spec.glusterfs: deprecated in v1.25, non-functional in v1.26+',
  ]);
});
