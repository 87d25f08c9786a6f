import t from 'tap';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/index';
import { boundVolume } from '../../api/volumes/binding';
import { boundClaim, claimWithStatus } from './claim-status';
import { type ClaimFacts, planClaim } from './plan-claim';
import { planVolume, unboundVolume } from './plan-volume';
import type { ClaimStep, VolumeStep } from './types';

const done = 'pv.kubernetes.io/bind-completed';
const chosen = 'pv.kubernetes.io/bound-by-controller';
const made = 'pv.kubernetes.io/provisioned-by';

interface Parts {
  readonly annotations?: Record<string, string>;
  readonly spec?: object;
  readonly status?: object;
  readonly metadata?: object;
}
const claim = ({ annotations, spec, status, metadata }: Parts = {}): PersistentVolumeClaim => ({
  metadata: { name: 'c', namespace: 'n', uid: 'u', ...(annotations ? { annotations } : {}), ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  status: { phase: 'Pending', ...status },
});
const volume = (name: string, { annotations, spec, status, metadata }: Parts = {}): PersistentVolume => ({
  metadata: { name, uid: `uid-${name}`, ...(annotations ? { annotations } : {}), ...metadata },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: '/a' },
    ...spec,
  },
  status: { phase: 'Available', ...status },
});
const ref = (uid?: string, name = 'c') => ({ claimRef: { name, namespace: 'n', ...(uid ? { uid } : {}) } });
const storageClass = (provisioner: string, volumeBindingMode = 'Immediate'): StorageClass => ({
  metadata: { name: 'fast' },
  provisioner,
  volumeBindingMode,
});
const fast = { storageClassName: 'fast' };

/** One line for each step. */
function render(step: ClaimStep | VolumeStep): string {
  switch (step.action) {
    case 'bind':
      return `bind ${step.volume.metadata?.name}`;
    case 'assign-class':
      return `assign-class ${step.name}`;
    case 'set-provisioner':
      return `set-provisioner ${step.provisioner}`;
    case 'report':
      return `${'on' in step ? `${step.on} ` : ''}${step.report.reason}: ${step.report.message}`;
    case 'phase':
      return step.report ? `${step.phase}, ${step.report.reason}: ${step.report.message}` : step.phase;
    case 'fail':
      return `fail: ${step.message}`;
    default:
      return step.action;
  }
}

const claimCases: {
  name: string;
  claim?: Parts;
  facts?: Partial<ClaimFacts>;
  want: string[];
}[] = [
  {
    name: 'nothing fits and there is no class',
    want: ['FailedBinding: no persistent volumes available for this claim and no storage class is set', 'Pending'],
  },
  {
    name: 'an empty class is a choice: no default',
    claim: { spec: { storageClassName: '' } },
    facts: { defaultClass: 'fast' },
    want: ['FailedBinding: no persistent volumes available for this claim and no storage class is set', 'Pending'],
  },
  { name: 'a default class, later', facts: { defaultClass: 'fast' }, want: ['assign-class fast'] },
  {
    name: 'a volume wins over the default class',
    facts: { defaultClass: 'fast', candidates: [volume('v')] },
    want: ['bind v'],
  },
  {
    name: 'the smallest volume that fits',
    facts: {
      candidates: [
        volume('large', { spec: { capacity: { storage: '3Gi' } } }),
        volume('fit', { spec: { capacity: { storage: '2Gi' } } }),
        volume('small', { spec: { capacity: { storage: '1023Mi' } } }),
      ],
    },
    want: ['bind fit'],
  },
  {
    name: 'fewer access modes before a smaller size',
    facts: {
      candidates: [
        volume('modes', { spec: { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] } }),
        volume('size', { spec: { capacity: { storage: '9Gi' } } }),
      ],
    },
    want: ['bind size'],
  },
  {
    name: 'volumes that do not fit',
    facts: {
      candidates: [
        volume('a', { spec: { accessModes: ['ReadWriteMany'] } }),
        volume('b', { spec: { volumeMode: 'Block' } }),
        volume('c', { spec: { storageClassName: 'x' } }),
        volume('d', { spec: { volumeAttributesClassName: 'gold' } }),
        volume('e', { status: { phase: 'Released' } }),
        volume('f', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
        volume('g', { spec: ref('other') }),
        volume('h', { spec: ref(undefined, 'd') }),
      ],
    },
    want: ['FailedBinding: no persistent volumes available for this claim and no storage class is set', 'Pending'],
  },
  {
    name: 'a selector',
    claim: { spec: { selector: { matchLabels: { disk: 'ssd' } } } },
    facts: {
      candidates: [volume('a'), volume('b', { metadata: { labels: { disk: 'ssd' } } })],
    },
    want: ['bind b'],
  },
  {
    name: 'a volume kept for the claim wins, whatever its class',
    facts: { candidates: [volume('a'), volume('b', { spec: { ...ref(), storageClassName: 'x' } })] },
    want: ['bind b'],
  },
  {
    name: 'a delayed class without pods',
    claim: { spec: fast },
    facts: {
      storageClass: storageClass('x/y', 'WaitForFirstConsumer'),
      candidates: [volume('a', { spec: fast })],
    },
    want: ['WaitForFirstConsumer: waiting for first consumer to be created before binding', 'Pending'],
  },
  {
    name: 'a delayed class with a pod',
    claim: { spec: fast },
    facts: { storageClass: storageClass('x/y', 'WaitForFirstConsumer'), waitingPods: ['p'] },
    want: ['WaitForPodScheduled: waiting for pod p to be scheduled', 'Pending'],
  },
  {
    name: 'a delayed class with pods',
    claim: { spec: fast },
    facts: { storageClass: storageClass('x/y', 'WaitForFirstConsumer'), waitingPods: ['p', 'q'] },
    want: ['WaitForPodScheduled: waiting for pods p,q to be scheduled', 'Pending'],
  },
  {
    name: 'a delayed class, and a volume that the scheduler has chosen',
    claim: { spec: fast },
    facts: {
      storageClass: storageClass('x/y', 'WaitForFirstConsumer'),
      candidates: [volume('a', { spec: fast }), volume('b', { spec: { ...fast, ...ref('u') } })],
    },
    want: ['bind b'],
  },
  {
    name: 'a delayed class, and a node that the scheduler has chosen',
    claim: { spec: fast, annotations: { 'volume.kubernetes.io/selected-node': 'n1' } },
    facts: { storageClass: storageClass('k8ts.io/directory', 'WaitForFirstConsumer') },
    want: ['set-provisioner k8ts.io/directory'],
  },
  {
    name: 'an external provisioner',
    claim: { spec: fast },
    facts: { storageClass: storageClass('x/y') },
    want: [
      'set-provisioner x/y',
      "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'x/y' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
    ],
  },
  {
    name: 'a provisioner that a driver has replaced',
    claim: { spec: fast, annotations: { 'volume.kubernetes.io/storage-provisioner': 'ebs.csi.aws.com' } },
    facts: { storageClass: storageClass('kubernetes.io/aws-ebs') },
    want: [
      "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
    ],
  },
  {
    name: 'a class that never provisions',
    claim: { spec: fast },
    facts: { storageClass: storageClass('kubernetes.io/no-provisioner') },
    want: ['ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner'],
  },
  {
    name: 'a class that does not exist',
    claim: { spec: fast },
    want: ['ProvisioningFailed: storageclass.storage.k8s.io "fast" not found'],
  },
  { name: 'a named volume that does not exist', claim: { spec: { volumeName: 'v' } }, want: ['Pending'] },
  {
    name: 'a named volume',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v') },
    want: ['bind v'],
  },
  {
    name: 'a named volume that is too small',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: { capacity: { storage: '1Mi' } } }) },
    want: ['VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small', 'Pending'],
  },
  {
    name: 'a named volume of another class',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: fast }) },
    want: ['VolumeMismatch: Cannot bind to requested volume "v": storageClassName does not match', 'Pending'],
  },
  {
    name: 'a named volume of another mode',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: { volumeMode: 'Block' } }) },
    want: ['VolumeMismatch: Cannot bind to requested volume "v": incompatible volumeMode', 'Pending'],
  },
  {
    name: 'a named volume without the access mode',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: { accessModes: ['ReadOnlyMany'] } }) },
    want: ['VolumeMismatch: Cannot bind to requested volume "v": incompatible accessMode', 'Pending'],
  },
  {
    name: 'a named volume with other attributes',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: { volumeAttributesClassName: 'gold' } }) },
    want: ['VolumeMismatch: Cannot bind to requested volume "v": volumeAttributesClassName does not match', 'Pending'],
  },
  {
    name: 'a named volume that is being deleted',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }) },
    want: ['VolumeMismatch: Cannot bind to requested volume "v": the volume is marked for deletion "v"', 'Pending'],
  },
  {
    name: 'a named volume that names the claim',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: ref() }) },
    want: ['bind v'],
  },
  {
    name: 'a named volume that names another claim',
    claim: { spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: ref('x', 'd') }) },
    want: ['FailedBinding: volume "v" already bound to a different claim.', 'Pending'],
  },
  {
    name: 'a volume that the binder named for two claims',
    claim: { spec: { volumeName: 'v' }, annotations: { [chosen]: 'yes' } },
    facts: { named: volume('v', { spec: ref('x', 'd') }) },
    want: [
      'FailedBinding: volume "v" already bound to a different claim.',
      'fail: the binder chose volume v, which names another claim',
    ],
  },
  {
    name: 'a bound claim without a volume name',
    claim: { annotations: { [done]: 'yes' } },
    want: ['Lost, ClaimLost: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!'],
  },
  {
    name: 'a bound claim without its volume',
    claim: { annotations: { [done]: 'yes' }, spec: { volumeName: 'v' } },
    want: ['Lost, ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!'],
  },
  {
    name: 'a bound claim whose volume names no claim',
    claim: { annotations: { [done]: 'yes' }, spec: { volumeName: 'v' } },
    facts: { named: volume('v') },
    want: ['bind v'],
  },
  {
    name: 'a bound claim',
    claim: { annotations: { [done]: 'yes' }, spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: ref('u') }) },
    want: ['bind v'],
  },
  {
    name: 'a bound claim whose volume names another one',
    claim: { annotations: { [done]: 'yes' }, spec: { volumeName: 'v' } },
    facts: { named: volume('v', { spec: ref('x') }) },
    want: ['Lost, ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly'],
  },
];

t.test('claims', async (t) => {
  const none = { named: undefined, candidates: [], storageClass: undefined, defaultClass: undefined, waitingPods: [] };
  for (const { name, claim: parts, facts, want } of claimCases)
    t.same(planClaim({ ...none, ...facts, claim: claim(parts) }).map(render), want, name);
});

const policy = (persistentVolumeReclaimPolicy: string) => ({ ...ref('u'), persistentVolumeReclaimPolicy });
const own = { [made]: 'k8ts.io/directory' };

const volumeCases: { name: string; volume: Parts; claim?: Parts; want: string[] }[] = [
  { name: 'without a claim', volume: {}, want: ['Available'] },
  { name: 'kept for a claim', volume: { spec: ref() }, claim: {}, want: ['Available'] },
  { name: 'its claim is not bound yet', volume: { spec: ref('u') }, claim: {}, want: [] },
  { name: 'its claim is bound', volume: { spec: ref('u') }, claim: { spec: { volumeName: 'v' } }, want: ['Bound'] },
  {
    name: 'its claim has another mode',
    volume: { spec: { ...ref('u'), volumeMode: 'Block' } },
    claim: {},
    want: [
      'volume VolumeMismatch: Cannot bind PersistentVolume to requested PersistentVolumeClaim "c" due to incompatible volumeMode.',
      'claim VolumeMismatch: Cannot bind PersistentVolume "v" to requested PersistentVolumeClaim due to incompatible volumeMode.',
    ],
  },
  {
    name: 'its claim has another volume',
    volume: { spec: ref('u') },
    claim: { spec: { volumeName: 'w' } },
    want: ['unbind'],
  },
  {
    name: 'made for a claim that has another volume',
    volume: { spec: policy('Delete'), annotations: own },
    claim: { spec: { volumeName: 'w' } },
    want: ['Released', 'delete'],
  },
  { name: 'released, policy Retain', volume: { spec: policy('Retain') }, want: ['Released'] },
  { name: 'released before', volume: { spec: policy('Retain'), status: { phase: 'Released' } }, want: [] },
  {
    name: 'released, policy Recycle',
    volume: { spec: policy('Recycle') },
    want: ['Released', 'Failed, VolumeFailedRecycle: No recycler plugin found for the volume!'],
  },
  {
    name: 'released, policy Delete, ours',
    volume: { spec: policy('Delete'), annotations: own },
    want: ['Released', 'delete'],
  },
  {
    name: 'released, policy Delete, ours, deleted already',
    volume: {
      spec: policy('Delete'),
      annotations: own,
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { phase: 'Released' },
    },
    want: [],
  },
  {
    name: 'released, policy Delete, of an external provisioner',
    volume: { spec: policy('Delete'), annotations: { [made]: 'x/y' } },
    want: ['Released'],
  },
  {
    name: 'released, policy Delete, of a CSI driver',
    volume: { spec: { ...policy('Delete'), hostPath: undefined, csi: { driver: 'd', volumeHandle: 'h' } } },
    want: ['Released'],
  },
  {
    name: 'released, policy Delete, a host path',
    volume: { spec: policy('Delete') },
    want: ['Released', 'Failed, VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /a'],
  },
  {
    name: 'released, policy Delete, a host path below /tmp',
    volume: { spec: { ...policy('Delete'), hostPath: { path: '/tmp/a' } } },
    want: ['Released', 'Failed, VolumeFailedDelete: host path /tmp/a is not deleted: it may be on any node'],
  },
  {
    name: 'released, policy Delete, NFS',
    volume: { spec: { ...policy('Delete'), hostPath: undefined, nfs: { server: 's', path: '/' } } },
    want: [
      'Released',
      'Failed, VolumeFailedDelete: error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
    ],
  },
  {
    name: 'released, policy Delete, local',
    volume: { spec: { ...policy('Delete'), hostPath: undefined, local: { path: '/a' } } },
    want: [
      'Released',
      'Failed, VolumeFailedDelete: error getting deleter volume plugin for volume "v": no volume plugin matched',
    ],
  },
  {
    name: 'released, moved to a CSI driver',
    volume: { spec: policy('Delete'), annotations: { 'pv.kubernetes.io/migrated-to': 'ebs.csi.aws.com' } },
    want: ['Released'],
  },
];

t.test('volumes', async (t) => {
  for (const { name, volume: parts, claim: of, want } of volumeCases)
    t.same(planVolume(volume('v', parts), of && claim(of)).map(render), want, name);
});

t.test('what a binding writes', async (t) => {
  const [free, unbound] = [volume('v'), claim()];
  const bound = boundVolume(free, unbound);
  t.match(bound, { metadata: { annotations: { [chosen]: 'yes' } }, spec: { claimRef: { name: 'c', uid: 'u' } } });
  t.equal(boundVolume(bound, unbound), bound, 'once');
  const kept = boundVolume(volume('v', { spec: ref() }), unbound);
  t.equal(kept.spec?.claimRef?.uid, 'u');
  t.equal(kept.metadata?.annotations?.[chosen], undefined, 'a user chose it');

  const named = boundClaim(unbound, bound);
  t.match(named, { metadata: { annotations: { [chosen]: 'yes', [done]: 'yes' } }, spec: { volumeName: 'v' } });
  t.equal(boundClaim(named, bound), named, 'once');
  const asked = boundClaim(claim({ spec: { volumeName: 'v' } }), bound);
  t.same(asked.metadata?.annotations, { [done]: 'yes' }, 'a user chose it');

  const withStatus = claimWithStatus(named, 'Bound', bound);
  t.same(withStatus.status, {
    phase: 'Bound',
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
  });
  t.equal(claimWithStatus(withStatus, 'Bound', bound), withStatus, 'once');
  t.same(claimWithStatus(withStatus, 'Lost').status, { phase: 'Lost' });
  const grown = volume('v', { spec: { capacity: { storage: '5Gi' } } });
  t.equal(claimWithStatus(withStatus, 'Bound', grown), withStatus, 'the capacity of a bound claim stays');
  const sized = volume('v', { annotations: { 'volume.alpha.kubernetes.io/pre-resize-capacity': '2Gi' } });
  t.same(claimWithStatus(named, 'Bound', sized).status?.capacity, { storage: '2Gi' });
  const gold = volume('v', { spec: { volumeAttributesClassName: 'gold' } });
  t.equal(claimWithStatus(named, 'Bound', gold).status?.currentVolumeAttributesClassName, 'gold');
});

t.test('what is taken back', async (t) => {
  const bound = boundVolume(volume('v'), claim());
  t.same(unboundVolume(bound).spec, volume('v').spec);
  t.same(unboundVolume(bound).metadata?.annotations, {});
  t.same(unboundVolume(volume('v', { spec: ref('u') })).spec?.claimRef, { name: 'c', namespace: 'n' });
});
