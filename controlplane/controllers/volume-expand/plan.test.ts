import t from 'tap';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/index';
import { claimExpanded, claimInProgress, grownVolume, planExpansion, wantsExpansion } from './plan';

const claim = (request: string, status: object = {}): PersistentVolumeClaim => ({
  metadata: { name: 'c', namespace: 'n', uid: 'u' },
  spec: { volumeName: 'v', resources: { requests: { storage: request } } },
  status: { phase: 'Bound', capacity: { storage: '1Gi' }, ...status },
});
const volume = (storage: string, provisioner = 'k8ts.io/directory', uid = 'u'): PersistentVolume => ({
  metadata: { name: 'v', annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } },
  spec: { capacity: { storage }, claimRef: { name: 'c', namespace: 'n', uid } },
});
const inProgress = (size: string) => ({
  allocatedResources: { storage: size },
  allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
});

t.test('what is done for a claim', async (t) => {
  const cases: { name: string; claim: PersistentVolumeClaim; volume?: PersistentVolume; want: string }[] = [
    { name: 'as large as it asks for', claim: claim('1024Mi'), want: 'nothing' },
    { name: 'asks for more', claim: claim('2Gi'), want: 'expand 2Gi' },
    { name: 'is not bound', claim: claim('2Gi', { phase: 'Lost' }), want: 'nothing' },
    {
      name: 'the volume names another claim',
      claim: claim('2Gi'),
      volume: volume('1Gi', undefined, 'x'),
      want: 'nothing',
    },
    { name: 'of another provisioner', claim: claim('2Gi'), volume: volume('1Gi', 'x/y'), want: 'report' },
    { name: 'a volume that is larger', claim: claim('2Gi'), volume: volume('5Gi'), want: 'expand 5Gi' },
    { name: 'begun, and then more was asked for', claim: claim('9Gi', inProgress('2Gi')), want: 'expand 2Gi' },
    { name: 'begun, and then less was asked for', claim: claim('2Gi', inProgress('9Gi')), want: 'expand 9Gi' },
    {
      name: 'begun, the volume has grown',
      claim: claim('2Gi', inProgress('2Gi')),
      volume: volume('2Gi'),
      want: 'expand 2Gi',
    },
    {
      name: 'expanded before',
      claim: claim('3Gi', { allocatedResources: { storage: '1Gi' } }),
      want: 'expand 3Gi',
    },
  ];
  for (const { name, claim: given, volume: of = volume('1Gi'), want } of cases) {
    const step = planExpansion(given, of);
    t.equal(step.action === 'expand' ? `expand ${step.size}` : step.action, want, name);
  }
  t.equal(wantsExpansion(claim('1Gi')), false);
});

t.test('what is written', async (t) => {
  const other = { type: 'ModifyingVolume', status: 'True' };
  const old = { type: 'ControllerResizeError', status: 'True' };
  const begun = claimInProgress(claim('2Gi', { conditions: [old, other] }), '2Gi', Date.parse('2026-01-02T03:04:05Z'));
  t.same(begun.metadata?.annotations, { 'volume.kubernetes.io/storage-resizer': 'k8ts.io/directory' });
  t.same(begun.status, {
    phase: 'Bound',
    capacity: { storage: '1Gi' },
    ...inProgress('2Gi'),
    conditions: [other, { type: 'Resizing', status: 'True', lastTransitionTime: '2026-01-02T03:04:05Z' }],
  });
  const done = claimExpanded(begun, '2Gi');
  t.same(done.status, {
    phase: 'Bound',
    capacity: { storage: '2Gi' },
    allocatedResources: { storage: '2Gi' },
    conditions: [other],
  });
  t.same(claimExpanded(claimInProgress(claim('2Gi'), '2Gi', 0), '2Gi').status?.conditions, undefined);
  t.same(grownVolume(volume('1Gi'), '2Gi').spec?.capacity, { storage: '2Gi' });
  const large = volume('3Gi');
  t.equal(grownVolume(large, '2Gi'), large);
});
