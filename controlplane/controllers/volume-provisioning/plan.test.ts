import t from 'tap';
import type { Node, PersistentVolumeClaim, StorageClass } from '../../api/index';
import { type ProvisioningStep, planProvisioning, waitsForNode } from './plan';

const provisioner = 'k8ts.io/directory';
const claim = (spec: object = {}, annotations: Record<string, string> = {}): PersistentVolumeClaim => ({
  metadata: {
    name: 'c',
    namespace: 'n',
    uid: 'u',
    resourceVersion: '7',
    annotations: { 'volume.kubernetes.io/storage-provisioner': provisioner, ...annotations },
  },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'standard',
    ...spec,
  },
});
const onNode = (node: string) => ({ 'volume.kubernetes.io/selected-node': node });
const storageClass = (parts: object = {}): StorageClass => ({
  metadata: { name: 'standard' },
  provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
  ...parts,
});
const immediate = { volumeBindingMode: 'Immediate' };
const node = (
  name: string,
  { labels = {}, directory = '/data', ready = 'True', spec = {} }: Record<string, unknown> = {},
): Node =>
  ({
    metadata: {
      name,
      labels: { 'kubernetes.io/hostname': `host-${name}`, ...(labels as object) },
      annotations: directory ? { 'k8ts.io/volumes-directory': directory } : {},
    },
    spec,
    status: { conditions: [{ type: 'Ready', status: ready }] },
  }) as Node;

const render = (step: ProvisioningStep): string => {
  if (step.action === 'create') return `create on ${step.volume.metadata?.labels?.['k8ts.io/node']}`;
  return step.action === 'fail' ? `${step.reschedule ? 'reschedule, ' : ''}${step.message}` : 'nothing';
};

const cases: {
  name: string;
  claim?: PersistentVolumeClaim;
  storageClass?: StorageClass | null;
  nodes?: Node[];
  volumes?: Record<string, number>;
  want: string;
}[] = [
  { name: 'the scheduler has not chosen', want: 'nothing' },
  { name: 'the scheduler has chosen', claim: claim({}, onNode('b')), want: 'create on b' },
  { name: 'a claim with a volume', claim: claim({ volumeName: 'v' }, onNode('b')), want: 'nothing' },
  { name: 'no class', claim: claim({}, onNode('b')), storageClass: null, want: 'nothing' },
  {
    name: 'the class of another provisioner',
    claim: claim({}, onNode('b')),
    storageClass: storageClass({ provisioner: 'x/y' }),
    want: 'nothing',
  },
  {
    name: 'a chosen node that is gone',
    claim: claim({}, onNode('z')),
    want: 'reschedule, Failed to get target node: node "z" not found',
  },
  {
    name: 'a chosen node without a directory',
    claim: claim({}, onNode('a')),
    nodes: [node('a', { directory: '' })],
    want: 'reschedule, Failed to provision volume with StorageClass "standard": node "a" has no directory for volumes',
  },
  {
    name: 'a chosen node whose directory is no path',
    claim: claim({}, onNode('a')),
    nodes: [node('a', { directory: '/data/../etc' })],
    want: 'reschedule, Failed to provision volume with StorageClass "standard": node "a" has no directory for volumes',
  },
  {
    name: 'a chosen node that the class does not allow',
    claim: claim({}, onNode('a')),
    storageClass: storageClass({ allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['1'] }] }] }),
    want: 'reschedule, Failed to provision volume with StorageClass "standard": node "a" is not in the allowedTopologies of the class',
  },
  {
    name: 'a chosen node that is not ready: the pod is there',
    claim: claim({}, onNode('a')),
    nodes: [node('a', { ready: 'Unknown' })],
    want: 'create on a',
  },
  { name: 'Immediate: by name', storageClass: storageClass(immediate), want: 'create on a' },
  {
    name: 'Immediate: the fewest volumes',
    storageClass: storageClass(immediate),
    volumes: { a: 2, b: 1, c: 3 },
    want: 'create on b',
  },
  {
    name: 'Immediate: only nodes that will do',
    storageClass: storageClass({
      ...immediate,
      allowedTopologies: [
        { matchLabelExpressions: [{ key: 'zone', values: ['1', '2'] }] },
        { matchLabelExpressions: [{ key: 'rack', values: ['x'] }] },
      ],
    }),
    nodes: [
      node('a', { labels: { zone: '3' } }),
      node('b', { labels: { zone: '1' }, ready: 'False' }),
      node('c', { labels: { zone: '1' }, spec: { unschedulable: true } }),
      node('d', { labels: { zone: '1' }, directory: '' }),
      node('e', { labels: { rack: 'x' } }),
    ],
    want: 'create on e',
  },
  {
    name: 'Immediate: no node',
    storageClass: storageClass(immediate),
    nodes: [],
    want: 'Failed to provision volume with StorageClass "standard": no node is ready that the class allows and that has a directory for volumes',
  },
  {
    name: 'a block device',
    claim: claim({ volumeMode: 'Block' }, onNode('a')),
    want: 'Failed to provision volume with StorageClass "standard": a directory cannot be a block device: volumeMode must be Filesystem',
  },
  {
    name: 'a selector',
    claim: claim({ selector: {} }, onNode('a')),
    want: 'Failed to provision volume with StorageClass "standard": claim.spec.selector is not supported: no volume is made for labels',
  },
  {
    name: 'a source of data',
    claim: claim({ dataSource: { kind: 'PersistentVolumeClaim', name: 'other' } }, onNode('a')),
    want: 'plugin "k8ts.io/directory" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource',
  },
  {
    name: 'a parameter',
    claim: claim({}, onNode('a')),
    storageClass: storageClass({ parameters: { fast: 'yes' } }),
    want: 'Failed to provision volume with StorageClass "standard": unknown parameter "fast"',
  },
];

t.test('on which node a volume is made', async (t) => {
  const all = ['a', 'b', 'c'].map((name) => node(name));
  for (const { name, claim: given, storageClass: of, nodes = all, volumes = {}, want } of cases) {
    const facts = {
      claim: given ?? claim(),
      storageClass: of === null ? undefined : (of ?? storageClass()),
      nodes,
      volumesOn: (on: string) => volumes[on] ?? 0,
    };
    t.equal(render(planProvisioning(facts)), want, name);
  }
});

t.test('the volume', async (t) => {
  const step = planProvisioning({
    claim: claim({ accessModes: ['ReadWriteMany'] }, onNode('a')),
    storageClass: storageClass({ reclaimPolicy: 'Retain', mountOptions: ['noatime'] }),
    nodes: [node('a')],
    volumesOn: () => 0,
  });
  t.same(step.action === 'create' && step.volume, {
    metadata: {
      name: 'pvc-u',
      labels: { 'k8ts.io/node': 'a' },
      annotations: { 'pv.kubernetes.io/provisioned-by': provisioner },
      finalizers: ['kubernetes.io/pv-protection', provisioner],
    },
    spec: {
      accessModes: ['ReadWriteMany'],
      capacity: { storage: '1Gi' },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name: 'c',
        namespace: 'n',
        uid: 'u',
        resourceVersion: '7',
      },
      local: { path: '/data/pvc-u' },
      mountOptions: ['noatime'],
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['host-a'] }] },
          ],
        },
      },
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'standard',
      volumeMode: 'Filesystem',
    },
  });
});

t.test('which volumes wait for their node', async (t) => {
  const volume = (metadata: object) => ({
    metadata: {
      labels: { 'k8ts.io/node': 'a' },
      finalizers: [provisioner],
      deletionTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
  });
  t.same(waitsForNode(volume({})), { node: 'a' });
  t.equal(waitsForNode(volume({ deletionTimestamp: undefined })), undefined);
  t.equal(waitsForNode(volume({ finalizers: [] })), undefined);
  t.equal(waitsForNode(volume({ labels: {} })), undefined);
});
