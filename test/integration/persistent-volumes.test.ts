// Claims get volumes: the API server with all controllers.
import t, { type Test } from 'tap';
import {
  events,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  serviceAccounts,
  storageClasses,
} from '../../controlplane/api/index';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { createNodes } from '../lib/fake-kubelet';
import { playVolumes } from '../lib/played-volumes';

const namespace = 'default';
const size = (storage: string) => ({ resources: { requests: { storage } } });
const claimOf = (name: string, spec: object = {}): PersistentVolumeClaim => ({
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', ...size('1Gi'), ...spec },
});
const volumeOf = (name: string, spec: object = {}): PersistentVolume => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/a' }, ...spec },
});

const claimIs = async (client: Client, name: string, phase: string): Promise<PersistentVolumeClaim> => {
  const of = (found: readonly PersistentVolumeClaim[]) => found.find(({ metadata }) => metadata?.name === name);
  const found = await eventually(client, persistentVolumeClaims, (all) => of(all)?.status?.phase === phase);
  return of(found)!;
};
const volumeIs = async (client: Client, name: string, phase: string): Promise<PersistentVolume> => {
  const of = (found: readonly PersistentVolume[]) => found.find(({ metadata }) => metadata?.name === name);
  const found = await eventually(client, persistentVolumes, (all) => of(all)?.status?.phase === phase);
  return of(found)!;
};
const reported = (client: Client, name: string, reason: string) =>
  eventually(client, events, (found) =>
    found.some((event) => event.involvedObject.name === name && event.reason === reason),
  );
const open = async (test: Test): Promise<Client> => (await openControlPlane(test)).client;

t.test('a claim waits for a volume, has it, and leaves it', async (t) => {
  const client = await open(t);
  await client.create(persistentVolumeClaims, claimOf('c'));
  await reported(client, 'c', 'FailedBinding');
  for (const [name, storage] of [
    ['v-2', '2Gi'],
    ['v-3', '3Gi'],
  ] as const) {
    await client.create(persistentVolumes, volumeOf(name, { capacity: { storage } }));
  }
  const claim = await claimIs(client, 'c', 'Bound');
  const name = claim.spec?.volumeName ?? '';
  t.match(claim, {
    metadata: {
      annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' },
    },
    status: { accessModes: ['ReadWriteOnce'], capacity: { storage: name === 'v-2' ? '2Gi' : '3Gi' } },
  });
  const volume = await volumeIs(client, name, 'Bound');
  t.match(volume, {
    metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
    spec: { claimRef: { kind: 'PersistentVolumeClaim', namespace, name: 'c', uid: claim.metadata?.uid } },
  });
  await client.delete(persistentVolumeClaims, 'default/c');
  await volumeIs(client, name, 'Released');
  // A new claim of the same name does not get the data of the old one.
  await client.create(persistentVolumeClaims, claimOf('c', { volumeName: name }));
  await reported(client, 'c', 'FailedBinding');
  await client.patch(persistentVolumes, name, 'merge', { spec: { claimRef: null } });
  await claimIs(client, 'c', 'Bound');
});

t.test('many claims and volumes: each claim has a volume of its own', async (t) => {
  const client = await open(t);
  const count = 30;
  const names = Array.from({ length: count }, (_, i) => `o-${i}`);
  await Promise.all([
    ...names.map((name) => client.create(persistentVolumeClaims, claimOf(name))),
    ...names.map((name) => client.create(persistentVolumes, volumeOf(name))),
  ]);
  const claims = await eventually(client, persistentVolumeClaims, (found) =>
    found.every(({ status }) => status?.phase === 'Bound'),
  );
  t.equal(new Set(claims.map(({ spec }) => spec?.volumeName)).size, count);
  const volumes = await eventually(client, persistentVolumes, (found) =>
    found.every(({ status }) => status?.phase === 'Bound'),
  );
  for (const { metadata, spec } of volumes) {
    const claim = claims.find((one) => one.metadata?.uid === spec?.claimRef?.uid);
    t.equal(claim?.spec?.volumeName, metadata?.name);
  }
});

t.test('a volume that goes makes its claim lost; a new one of its name takes its place', async (t) => {
  const client = await open(t);
  await client.create(persistentVolumes, volumeOf('v'));
  await client.create(persistentVolumeClaims, claimOf('c', { volumeName: 'v' }));
  await claimIs(client, 'c', 'Bound');
  await client.delete(persistentVolumes, 'v');
  await client.patch(persistentVolumes, 'v', 'merge', { metadata: { finalizers: null } });
  const claim = await claimIs(client, 'c', 'Lost');
  t.same(claim.status, { phase: 'Lost' });
  await reported(client, 'c', 'ClaimLost');
  await client.create(persistentVolumes, volumeOf('v'));
  await claimIs(client, 'c', 'Bound');
});

t.test('classes: a default that comes later, a provisioner of others, one that waits for pods', async (t) => {
  const client = await open(t);
  for (const { metadata } of (await client.list(storageClasses)).items)
    await client.delete(storageClasses, metadata?.name ?? '');
  // Then the controller has seen that there is no class.
  await client.create(persistentVolumeClaims, claimOf('probe', { storageClassName: 'standard' }));
  await reported(client, 'probe', 'ProvisioningFailed');
  const { storageClassName: _none, ...spec } = claimOf('early').spec!;
  await client.create(persistentVolumeClaims, { metadata: { name: 'early', namespace }, spec });
  await reported(client, 'early', 'FailedBinding');
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  await client.create(storageClasses, { metadata: { name: 'fast', annotations }, provisioner: 'example.com/fast' });
  await reported(client, 'early', 'ExternalProvisioning');
  const found = await client.get(persistentVolumeClaims, 'default/early');
  t.equal(found.spec?.storageClassName, 'fast');
  t.same(found.metadata?.annotations, {
    'volume.beta.kubernetes.io/storage-provisioner': 'example.com/fast',
    'volume.kubernetes.io/storage-provisioner': 'example.com/fast',
  });
  // The provisioner makes a volume for the claim.
  const { name = '', uid = '' } = found.metadata ?? {};
  await client.create(
    persistentVolumes,
    volumeOf('made', { claimRef: { kind: 'PersistentVolumeClaim', namespace, name, uid }, storageClassName: 'fast' }),
  );
  await claimIs(client, 'early', 'Bound');

  const delayed = { provisioner: 'example.com/slow', volumeBindingMode: 'WaitForFirstConsumer' };
  await client.create(storageClasses, { metadata: { name: 'slow' }, ...delayed });
  await client.create(persistentVolumes, volumeOf('unused', { storageClassName: 'slow' }));
  await client.create(persistentVolumeClaims, claimOf('waits', { storageClassName: 'slow' }));
  await reported(client, 'waits', 'WaitForFirstConsumer');
  const chosen = { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n' } } };
  await client.patch(persistentVolumeClaims, 'default/waits', 'merge', chosen);
  await reported(client, 'waits', 'ExternalProvisioning');
  await volumeIs(client, 'unused', 'Available');
});

const storage = 'k8ts.io/directory';
const withDirectory = { metadata: { annotations: { 'k8ts.io/volumes-directory': '/data' } } };

t.test('the default class: a volume on the chosen node, deleted with its claim', async (t) => {
  const { client, server } = await openControlPlane(t);
  await createNodes(client, 'a', 'b');
  for (const name of ['a', 'b']) await client.patch(nodes, name, 'merge', withDirectory);
  const { storageClassName: _none, ...spec } = claimOf('c').spec!;
  const claim = await client.create(persistentVolumeClaims, { metadata: { name: 'c', namespace }, spec });
  t.equal(claim.spec?.storageClassName, 'standard');
  await reported(client, 'c', 'WaitForFirstConsumer');
  const choose = (node: string) =>
    client.patch(persistentVolumeClaims, 'default/c', 'merge', {
      metadata: { annotations: { 'volume.kubernetes.io/selected-node': node } },
    });
  await choose('gone');
  await reported(client, 'c', 'ProvisioningFailed');
  await eventually(client, persistentVolumeClaims, ([found]) => {
    return found?.metadata?.annotations?.['volume.kubernetes.io/selected-node'] === undefined;
  });
  await choose('b');
  const bound = await claimIs(client, 'c', 'Bound');
  await reported(client, 'c', 'ProvisioningSucceeded');
  const name = `pvc-${claim.metadata?.uid}`;
  t.equal(bound.spec?.volumeName, name);
  t.match(await volumeIs(client, name, 'Bound'), {
    metadata: { labels: { 'k8ts.io/node': 'b' } },
    spec: { local: { path: `/data/${name}` } },
  });
  await client.delete(persistentVolumeClaims, 'default/c');
  const [volume] = await eventually(client, persistentVolumes, ([found]) => {
    const { finalizers, deletionTimestamp } = found?.metadata ?? {};
    return deletionTimestamp !== undefined && finalizers?.join() === storage;
  });
  // What the kubelet of the node does when the directory is gone.
  const { resourceVersion } = volume?.metadata ?? {};
  const asNode = server.client('system:node:b', 'system:nodes');
  await asNode.patch(persistentVolumes, name, 'merge', { metadata: { resourceVersion, finalizers: null } });
  await eventually(client, persistentVolumes, (found) => found.length === 0);
});

t.test('binding mode Immediate; a volume goes with its node', async (t) => {
  const client = await open(t);
  await client.create(storageClasses, { metadata: { name: 'now' }, provisioner: storage });
  await client.create(persistentVolumeClaims, claimOf('c', { storageClassName: 'now' }));
  await reported(client, 'c', 'ProvisioningFailed');
  await createNodes(client, 'a');
  await client.patch(nodes, 'a', 'merge', withDirectory);
  await claimIs(client, 'c', 'Bound');
  await client.delete(persistentVolumeClaims, 'default/c');
  await eventually(client, persistentVolumes, ([found]) => found?.metadata?.deletionTimestamp !== undefined);
  await client.delete(nodes, 'a');
  await eventually(client, persistentVolumes, (found) => found.length === 0);
});

t.test('a generic ephemeral volume: a claim that comes and goes with its pod', async (t) => {
  const { client } = await openControlPlane(t, { nodes: ['a'] });
  t.teardown(playVolumes(client));
  await client.patch(nodes, 'a', 'merge', withDirectory);
  await eventually(client, serviceAccounts, (all) => all.length > 0, { namespace });
  const volumeClaimTemplate = {
    metadata: { labels: { of: 'p' } },
    spec: { accessModes: ['ReadWriteOnce'], ...size('1Gi') },
  };
  const pod = {
    metadata: { name: 'p', namespace },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate } }],
    },
  };
  // A claim of a user has the name.
  await client.create(persistentVolumeClaims, claimOf('p-scratch'));
  await client.create(pods, pod);
  await reported(client, 'p', 'FailedBinding');
  await client.delete(persistentVolumeClaims, `${namespace}/p-scratch`);
  const claim = await claimIs(client, 'p-scratch', 'Bound');
  t.match(claim.metadata, { labels: { of: 'p' }, ownerReferences: [{ kind: 'Pod', name: 'p', controller: true }] });
  await eventually(client, pods, ([found]) => found?.status?.phase === 'Running', { namespace });
  await client.delete(pods, `${namespace}/p`);
  await eventually(client, persistentVolumeClaims, (all) => all.length === 0);
  await eventually(client, persistentVolumes, (all) => all.length === 0);
});

t.test('a claim grows: its volume, then its status; volumes of others are theirs to expand', async (t) => {
  const client = await open(t);
  await createNodes(client, 'a');
  await client.patch(nodes, 'a', 'merge', withDirectory);
  const grows = { allowVolumeExpansion: true };
  await client.create(storageClasses, { metadata: { name: 'now' }, provisioner: storage, ...grows });
  await client.create(storageClasses, { metadata: { name: 'far' }, provisioner: 'example.com/far', ...grows });
  await client.create(persistentVolumes, volumeOf('v', { storageClassName: 'far' }));
  await client.create(persistentVolumeClaims, claimOf('ours', { storageClassName: 'now' }));
  await client.create(persistentVolumeClaims, claimOf('theirs', { storageClassName: 'far' }));
  for (const name of ['ours', 'theirs']) {
    await claimIs(client, name, 'Bound');
    await client.patch(persistentVolumeClaims, `${namespace}/${name}`, 'merge', { spec: size('3Gi') });
  }
  await reported(client, 'ours', 'VolumeResizeSuccessful');
  const ours = await client.get(persistentVolumeClaims, `${namespace}/ours`);
  t.equal(ours.metadata?.annotations?.['volume.kubernetes.io/storage-resizer'], storage);
  t.match(ours.status, { capacity: { storage: '3Gi' }, allocatedResources: { storage: '3Gi' } });
  t.notOk(ours.status?.conditions);
  t.notOk(ours.status?.allocatedResourceStatuses);
  const volume = await client.get(persistentVolumes, ours.spec?.volumeName ?? '');
  t.equal(volume.spec?.capacity?.['storage'], '3Gi');
  await reported(client, 'theirs', 'ExternalExpanding');
  t.equal((await client.get(persistentVolumeClaims, `${namespace}/theirs`)).status?.capacity?.['storage'], '1Gi');
});
