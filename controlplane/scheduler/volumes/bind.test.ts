// The scheduler binds pods with volumes; the test plays the volume controllers.
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { MemoryClient } from '../../../test/lib/memory-client';
import type { KindRef } from '../../api/kind';
import { type Node, nodes } from '../../api/node';
import { type PersistentVolume, persistentVolumes } from '../../api/persistent-volume';
import { type PersistentVolumeClaim, persistentVolumeClaims } from '../../api/persistent-volume-claim';
import { type Pod, pods } from '../../api/pod';
import { type StorageClass, storageClasses } from '../../api/storage-class';
import type { KubeObject } from '../../api/types';
import { silentLogger } from '../../base/logger';
import { runScheduler } from '../main';

class BindingClient extends MemoryClient {
  /** What another client changes before the next update. */
  meanwhile: (() => Promise<unknown>) | undefined;

  override async update<T extends KubeObject>(kind: KindRef<T>, object: T): Promise<T> {
    const { meanwhile } = this;
    this.meanwhile = undefined;
    await meanwhile?.();
    return super.update(kind, object);
  }

  override async post<A>(kind: KindRef, key: string, subresource: string, body: unknown): Promise<A> {
    const { target } = body as { target: { name: string } };
    await this.patch(pods, key, 'merge', { spec: { nodeName: target.name } });
    return super.post(kind, key, subresource, body);
  }
}

const selectedNode = 'volume.kubernetes.io/selected-node';
const node: Node = { metadata: { name: 'n1' }, status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } } };
const pod: Pod = {
  metadata: { name: 'p', namespace: 'a' },
  spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'x' } }] },
};
const claim: PersistentVolumeClaim = {
  metadata: { name: 'x', namespace: 'a' },
  spec: { storageClassName: 'waiting', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const storageClass = {
  metadata: { name: 'waiting' },
  provisioner: 'maker',
  volumeBindingMode: 'WaitForFirstConsumer',
} as StorageClass;
const volume: PersistentVolume = {
  metadata: { name: 'made' },
  spec: { storageClassName: 'waiting', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } },
  status: { phase: 'Available' },
};

/** Longer than any timer of a watch, which is set by chance: a test knows this one by its time. */
const waitMs = 1_000_000;
const config = {
  profiles: [{ pluginConfig: [{ name: 'VolumeBinding', args: { bindTimeoutSeconds: waitMs / 1000 } }] }],
};

async function start(test: Test) {
  const client = new BindingClient();
  await client.create(nodes, node);
  await client.create(storageClasses, storageClass);
  await client.create(persistentVolumeClaims, claim);
  const clock = new FakeClock();
  const abort = new AbortController();
  const running = runScheduler({ client, clock, log: silentLogger, random: () => 0, config }, abort.signal);
  test.teardown(async () => {
    abort.abort(new Error('test over'));
    await running;
  });
  return { client, clock };
}
const isBound = (found: Pod | undefined) => found?.spec?.nodeName !== undefined;
const scheduled = (found: Pod | undefined) => found?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
const isSelected = (found: PersistentVolumeClaim | undefined) => found?.metadata?.annotations?.[selectedNode] === 'n1';
const asBound = {
  metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
  spec: { volumeName: 'made' },
};

t.test('a volume is made for the node of the pod, then the pod is bound', async (t) => {
  const { client } = await start(t);
  await client.create(pods, pod);
  await client.until(persistentVolumeClaims, 'a/x', isSelected);
  const shown = await client.until(pods, 'a/p', (found) => found?.status?.nominatedNodeName !== undefined);
  t.equal(shown?.status?.nominatedNodeName, 'n1', 'the pod shows its node while it waits');
  t.equal(shown?.spec?.nodeName, undefined);
  await client.create(persistentVolumes, {
    ...volume,
    spec: { ...volume.spec, claimRef: { name: 'x', namespace: 'a' } },
  });
  await client.patch(persistentVolumeClaims, 'a/x', 'merge', asBound);
  t.equal((await client.until(pods, 'a/p', isBound))?.spec?.nodeName, 'n1');
});

t.test('a volume made by hand gets the claim, then the pod is bound', async (t) => {
  const { client } = await start(t);
  await client.create(persistentVolumes, volume);
  // The pod waits for a volume of this name: it is known when the pod comes.
  await client.create(pods, pod);
  const taken = await client.until(persistentVolumes, 'made', (found) => found?.spec?.claimRef !== undefined);
  const { name, namespace, uid, kind } = taken?.spec?.claimRef ?? {};
  const { metadata } = await client.get(persistentVolumeClaims, 'a/x');
  t.same(
    { name, namespace, uid, kind },
    { name: 'x', namespace: 'a', uid: metadata?.uid, kind: 'PersistentVolumeClaim' },
  );
  await client.patch(persistentVolumeClaims, 'a/x', 'merge', asBound);
  await client.until(pods, 'a/p', isBound);
  t.notOk(metadata?.annotations?.[selectedNode], 'no volume is made');
});

t.test('another client that writes to the object meanwhile delays nothing', async (t) => {
  const { client } = await start(t);
  const labels = { metadata: { labels: { tier: 'a' } } };
  client.meanwhile = () => client.patch(persistentVolumeClaims, 'a/x', 'merge', labels);
  await client.create(pods, pod);
  const selected = await client.until(persistentVolumeClaims, 'a/x', isSelected);
  t.same(selected?.metadata?.labels, { tier: 'a' }, 'its change stays');
  const other = await start(t);
  other.client.meanwhile = () => other.client.patch(persistentVolumes, 'made', 'merge', labels);
  await other.client.create(persistentVolumes, volume);
  await other.client.create(pods, pod);
  const taken = await other.client.until(persistentVolumes, 'made', (found) => found?.spec?.claimRef !== undefined);
  t.same(taken?.metadata?.labels, { tier: 'a' });
});

t.test('a volume that another claim has taken meanwhile is not written', async (t) => {
  const { client, clock } = await start(t);
  const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'a', name: 'other', uid: 'u-other' };
  client.meanwhile = () => client.patch(persistentVolumes, 'made', 'merge', { spec: { claimRef } });
  await client.create(persistentVolumes, volume);
  await client.create(pods, pod);
  await clock.armed(1_000);
  t.match((await client.get(persistentVolumes, 'made')).spec?.claimRef, claimRef);
  clock.advance(1_000);
  await client.until(persistentVolumeClaims, 'a/x', isSelected);
});

t.test('when the provisioner gives the node back, the pod is scheduled again', async (t) => {
  const { client, clock } = await start(t);
  await client.create(pods, pod);
  await client.until(persistentVolumeClaims, 'a/x', isSelected);
  await client.until(pods, 'a/p', (found) => found?.status?.nominatedNodeName === 'n1');
  await client.patch(persistentVolumeClaims, 'a/x', 'merge', { metadata: { annotations: { [selectedNode]: null } } });
  const failed = await client.until(pods, 'a/p', (found) => scheduled(found)?.reason === 'SchedulerError');
  t.equal(
    scheduled(failed)?.message,
    'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "x"',
  );
  t.notOk(failed?.status?.nominatedNodeName, 'the pod no longer shows the node');
  clock.advance(1000);
  await client.until(persistentVolumeClaims, 'a/x', isSelected);
});

t.test('the wait for volumes ends after its time', async (t) => {
  const { client, clock } = await start(t);
  await client.create(pods, pod);
  await client.until(persistentVolumeClaims, 'a/x', isSelected);
  await clock.armed(waitMs);
  clock.advance(waitMs);
  const failed = await client.until(pods, 'a/p', (found) => scheduled(found)?.reason === 'SchedulerError');
  t.match(scheduled(failed)?.message, /^running PreBind plugin "VolumeBinding": binding volumes: context deadline/);
});

t.test('a pod that is deleted waits no longer', async (t) => {
  const { client, clock } = await start(t);
  await client.create(pods, pod);
  await client.until(persistentVolumeClaims, 'a/x', isSelected);
  await clock.armed(waitMs);
  await client.delete(pods, 'a/p');
  while (clock.pending().includes(waitMs)) await setImmediate();
  t.pass('the timer of the wait is gone');
});

t.test('a claim that appears wakes its pod', async (t) => {
  const { client } = await start(t);
  await client.create(pods, {
    ...pod,
    metadata: { name: 'q', namespace: 'a' },
    spec: { ...pod.spec!, volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'late' } }] },
  });
  const refused = await client.until(pods, 'a/q', (found) => scheduled(found) !== undefined);
  t.match(
    scheduled(refused)?.message,
    /^0\/1 nodes are available: persistentvolumeclaim "late" not found\. not found$/,
  );
  await client.create(persistentVolumeClaims, { ...claim, metadata: { name: 'late', namespace: 'a' } });
  await client.until(persistentVolumeClaims, 'a/late', isSelected);
});
