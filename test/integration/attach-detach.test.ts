// VolumeAttachments follow pods, with a test as the attacher of the driver and as the kubelets.
import t, { type Test } from 'tap';
import {
  attachedVolumeName,
  attachmentName,
  events,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type VolumeAttachment,
  volumeAttachments,
} from '../../controlplane/api/index';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';
import { createNodes } from '../lib/fake-kubelet';

t.setTimeout(120_000);

const driver = 'd.example.com';
const volumeName = attachedVolumeName(driver, 'handle');
const nameOn = (node: string) => attachmentName(driver, 'handle', node);

async function open(test: Test) {
  const { client } = await openControlPlane(test);
  await createNodes(client, 'n1', 'n2');
  for (const node of ['n1', 'n2']) {
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    await client.patch(nodes, node, 'merge', { metadata: { annotations } });
  }
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'default' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      volumeName: 'pv',
      resources: { requests: { storage: '1Gi' } },
    },
  } as PersistentVolumeClaim);
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      csi: { driver, volumeHandle: 'handle' },
      claimRef: { namespace: 'default', name: 'data', uid: claim.metadata?.uid },
    },
  } as PersistentVolume);
  return client;
}

const runPod = (client: Client, name: string, nodeName: string) =>
  client.create(pods, {
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName,
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    },
  } as Pod);
const removePod = (client: Client, name: string) => client.delete(pods, `default/${name}`, { gracePeriodSeconds: 0 });
const attachmentOn = async (client: Client, node: string, holds: (found: VolumeAttachment | undefined) => boolean) =>
  eventually(client, volumeAttachments, (all) => holds(all.find(({ metadata }) => metadata?.name === nameOn(node))));
const setStatus = (client: Client, node: string, status: object) =>
  client.patch(volumeAttachments, nameOn(node), 'merge', { status }, { subresource: 'status' });
const nodeShows = (client: Client, name: string, expected: string[]) =>
  eventually(client, nodes, (all) => {
    const found = all.find(({ metadata }) => metadata?.name === name)?.status?.volumesAttached ?? [];
    return JSON.stringify(found.map((volume) => volume.name)) === JSON.stringify(expected);
  });
const told = (client: Client, pod: string, message: string) =>
  eventually(client, events, (all) =>
    all.some((event) => event.involvedObject?.name === pod && event.message === message),
  );
const setInUse = (client: Client, node: string, volumesInUse: string[]) =>
  client.patch(nodes, node, 'merge', { status: { volumesInUse } }, { subresource: 'status' });

t.test('a volume is attached for a pod, moves with it, and is never on two nodes', async (t) => {
  const client = await open(t);
  await runPod(client, 'one', 'n1');
  await attachmentOn(client, 'n1', (found) => found !== undefined);
  const made = await client.get(volumeAttachments, nameOn('n1'));
  t.strictSame(made.spec, { attacher: driver, nodeName: 'n1', source: { persistentVolumeName: 'pv' } });
  // An attacher holds the object until the volume is detached.
  await client.patch(volumeAttachments, nameOn('n1'), 'merge', { metadata: { finalizers: ['example.com/attacher'] } });
  await setStatus(client, 'n1', { attached: false, attachError: { message: 'no disk', time: '2026-01-01T00:00:00Z' } });
  await told(client, 'one', 'AttachVolume.Attach failed for volume "pv" : no disk');
  await setStatus(client, 'n1', { attached: true, attachError: null });
  await nodeShows(client, 'n1', [volumeName]);
  await told(client, 'one', 'AttachVolume.Attach succeeded for volume "pv" ');
  await setInUse(client, 'n1', [volumeName]);

  await runPod(client, 'two', 'n2');
  await told(client, 'two', 'Multi-Attach error for volume "pv" Volume is already used by pod(s) one');
  await removePod(client, 'one');
  await eventually(client, pods, (all) => all.length === 1);
  t.equal((await client.get(volumeAttachments, nameOn('n1'))).metadata?.deletionTimestamp, undefined, 'still mounted');
  await setInUse(client, 'n1', []);
  await nodeShows(client, 'n1', []);
  await attachmentOn(client, 'n1', (found) => found?.metadata?.deletionTimestamp !== undefined);
  t.equal((await client.list(volumeAttachments)).items.length, 1, 'the attacher has not detached it yet');
  await client.patch(volumeAttachments, nameOn('n1'), 'merge', { metadata: { finalizers: null } });
  await attachmentOn(client, 'n2', (found) => found !== undefined);
  await attachmentOn(client, 'n1', (found) => found === undefined);
  await removePod(client, 'two');
  await attachmentOn(client, 'n2', (found) => found === undefined);
});

t.test('a node that is out of service is not asked', async (t) => {
  const client = await open(t);
  await runPod(client, 'one', 'n1');
  await attachmentOn(client, 'n1', (found) => found !== undefined);
  await setStatus(client, 'n1', { attached: true });
  await nodeShows(client, 'n1', [volumeName]);
  await setInUse(client, 'n1', [volumeName]);
  await removePod(client, 'one');
  const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute', value: 'nodeshutdown' }];
  await client.patch(nodes, 'n1', 'merge', { spec: { taints } });
  await attachmentOn(client, 'n1', (found) => found === undefined);
  await nodeShows(client, 'n1', []);
});

t.test('an attachment of another program is left alone', async (t) => {
  const client = await open(t);
  await client.create(volumeAttachments, {
    metadata: { name: 'own' },
    spec: { attacher: driver, nodeName: 'n1', source: { persistentVolumeName: 'pv' } },
  } as VolumeAttachment);
  await runPod(client, 'one', 'n1');
  await attachmentOn(client, 'n1', (found) => found !== undefined);
  await removePod(client, 'one');
  await attachmentOn(client, 'n1', (found) => found === undefined);
  t.ok(await client.get(volumeAttachments, 'own'));
});
