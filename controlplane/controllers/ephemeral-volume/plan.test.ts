import t from 'tap';
import type { PersistentVolumeClaim, Pod } from '../../api/index';
import { hasEphemeralVolumes, planEphemeralClaims } from './plan';

const template = (metadata?: object) => ({
  ...(metadata ? { metadata } : {}),
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
});
const pod = (metadata: object = {}): Pod => ({
  metadata: { name: 'p', namespace: 'n', uid: 'u', ...metadata },
  spec: {
    containers: [],
    volumes: [
      { name: 'a', ephemeral: { volumeClaimTemplate: template({ labels: { l: 'x' }, annotations: { k: 'y' } }) } },
      { name: 'other', emptyDir: {} },
      { name: 'b', ephemeral: { volumeClaimTemplate: template() } },
    ],
  } as Pod['spec'],
});
const claimOf = (name: string, uid: string): PersistentVolumeClaim => ({
  metadata: {
    name,
    namespace: 'n',
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid, controller: true }],
  },
});
const find =
  (...claims: PersistentVolumeClaim[]) =>
  (name: string) =>
    claims.find(({ metadata }) => metadata?.name === name);

t.test('the claims of a pod', async (t) => {
  t.same(planEphemeralClaims(pod(), find()), [
    {
      action: 'create',
      volume: 'a',
      claim: {
        metadata: {
          name: 'p-a',
          namespace: 'n',
          annotations: { k: 'y' },
          labels: { l: 'x' },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true, blockOwnerDeletion: true },
          ],
        },
        spec: template().spec,
      },
    },
    {
      action: 'create',
      volume: 'b',
      claim: {
        metadata: {
          name: 'p-b',
          namespace: 'n',
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true, blockOwnerDeletion: true },
          ],
        },
        spec: template().spec,
      },
    },
  ]);
  const text = (...claims: PersistentVolumeClaim[]) =>
    planEphemeralClaims(pod(), find(...claims)).map((step) =>
      step.action === 'create' ? `create ${step.claim.metadata?.name}` : step.message,
    );
  t.same(text(claimOf('p-a', 'u'), claimOf('p-b', 'u')), []);
  t.same(text(claimOf('p-b', 'u')), ['create p-a']);
  const foreign = (name: string) => `PVC n/${name} was not created for pod n/p (pod is not owner)`;
  t.same(text(claimOf('p-a', 'x')), [foreign('p-a')], 'of an earlier pod of this name');
  t.same(text({ metadata: { name: 'p-b', namespace: 'n' } }), ['create p-a', foreign('p-b')], 'of a user');
  t.same(planEphemeralClaims(pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }), find()), []);
});

t.test('pods that have such volumes', async (t) => {
  t.equal(hasEphemeralVolumes(pod()), true);
  t.equal(hasEphemeralVolumes({}), false);
});
