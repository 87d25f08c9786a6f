import t from 'tap';
import type { PersistentVolumeClaim, Pod } from '../../api/index';
import { claimNamesOf } from '../shared/pod-claims';
import { planProtection } from '../shared/protection';
import { claimFinalizer, usesClaim } from './plan';

const claim = (name: string, owner?: string): PersistentVolumeClaim => ({
  metadata: {
    name,
    namespace: 'n',
    ...(owner ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: owner, controller: true }] } : {}),
  },
});
const mounts = { name: 'v', persistentVolumeClaim: { claimName: 'c' } };
const creates = { name: 'v', ephemeral: { volumeClaimTemplate: { spec: {} } } };
const pod = (volume: object, parts: { nodeName?: string; phase?: string; metadata?: object } = {}): Pod => ({
  metadata: { name: 'p', namespace: 'n', uid: 'u', ...parts.metadata },
  spec: {
    nodeName: parts.nodeName ?? 'node',
    containers: [],
    volumes: [{ name: 'other', emptyDir: {} }, volume],
  } as Pod['spec'],
  status: { phase: parts.phase ?? 'Running' },
});
const ended = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 };

t.test('which pods use a claim', async (t) => {
  const cases: { name: string; pod: Pod; claim: PersistentVolumeClaim; used: boolean }[] = [
    { name: 'a bound pod that names it', pod: pod(mounts), claim: claim('c'), used: true },
    { name: 'another claim', pod: pod(mounts), claim: claim('d'), used: false },
    { name: 'a pod without a node', pod: pod(mounts, { nodeName: '' }), claim: claim('c'), used: false },
    { name: 'a finished pod that names it', pod: pod(mounts, { phase: 'Failed' }), claim: claim('c'), used: true },
    { name: 'the claim of an ephemeral volume', pod: pod(creates), claim: claim('p-v', 'u'), used: true },
    { name: 'a claim of that name, of another owner', pod: pod(creates), claim: claim('p-v', 'x'), used: false },
    { name: 'a claim of that name without an owner', pod: pod(creates), claim: claim('p-v'), used: false },
    { name: 'a finished pod', pod: pod(creates, { phase: 'Succeeded' }), claim: claim('p-v', 'u'), used: true },
    { name: 'a pod that has ended', pod: pod(creates, { metadata: ended }), claim: claim('p-v', 'u'), used: false },
    { name: 'a pod without volumes', pod: { metadata: { name: 'p' } }, claim: claim('c'), used: false },
  ];
  for (const { name, pod, claim, used } of cases) t.equal(usesClaim(pod, claim), used, name);
});

t.test('the claims of a pod', async (t) => {
  t.same(claimNamesOf(pod(mounts)), ['c']);
  t.same(claimNamesOf(pod(creates)), ['p-v']);
  t.same(claimNamesOf({}), []);
});

t.test('when the finalizer is added and removed', async (t) => {
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const finalizers = ['x/y', claimFinalizer];
  t.equal(planProtection({ metadata: {} }, claimFinalizer), 'protect');
  t.equal(planProtection({ metadata: { finalizers } }, claimFinalizer), undefined);
  t.equal(planProtection({ metadata: { finalizers, deletionTimestamp } }, claimFinalizer), 'release');
  t.equal(planProtection({ metadata: { finalizers: ['x/y'], deletionTimestamp } }, claimFinalizer), undefined);
});
