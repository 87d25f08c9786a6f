import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { csiDrivers, type PersistentVolumeClaim, persistentVolumeClaims, secrets } from '../../../../controlplane/api';
import { refuse } from '../../../../test/lib/grpc-server';
import { pod } from '../../spec/pod.fixture';
import { attachWaitMs } from './attachment';
import { createClaim, driverName, setUp, volume, volumeOnNode } from './fake-driver.fixture';
import { globalMount, stagedFolder } from './layout';
import { inlineUse, persistentUse } from './use';

// The gRPC library takes a while to load on a busy machine.
t.setTimeout(120_000);

const { signal } = new AbortController();
const stagedAt = (rootDir: string) => stagedFolder(rootDir, driverName, 'h');

t.test('1, 3: a volume is staged once, published for each pod, and unstaged after the last', async (t) => {
  const { open, use, calls, methods, rootDir, podDir } = await setUp(t);
  const { volumes } = await open();
  await volumes.setUp(use('u1'), signal);
  const staging = globalMount(stagedAt(rootDir));
  t.match(calls, [
    [
      'NodeStageVolume',
      {
        volumeId: 'h',
        stagingTargetPath: staging,
        volumeContext: { a: '1' },
        volumeCapability: { mount: { fsType: 'ext4' }, accessMode: { mode: 1 } },
      },
    ],
    ['NodePublishVolume', { volumeId: 'h', targetPath: join(podDir('u1'), 'mount'), stagingTargetPath: staging }],
  ]);
  const shown = JSON.parse(await readFile(join(podDir('u1'), 'vol_data.json'), 'utf8'));
  t.match(shown, { driverName, volumeHandle: 'h', specVolID: 'pv', volumeLifecycleMode: 'Persistent', nodeName: 'n1' });
  methods();
  await volumes.setUp(use('u1'), signal);
  t.strictSame(methods(), [], 'the same again calls nothing');
  await volumes.setUp(use('u2'), signal);
  t.strictSame(methods(), ['NodePublishVolume']);
  await volumes.release('u1', 'pv', podDir('u1'));
  volumes.forget('u1');
  await volumes.swept();
  t.strictSame(methods(), ['NodeUnpublishVolume']);
  await t.rejects(access(podDir('u1')));

  // 1: another kubelet knows it from the disk.
  const again = await open();
  again.volumes.sweep();
  await again.volumes.swept();
  t.strictSame(methods(), [], 'a pod uses it');
  await again.volumes.release('u2', 'pv', podDir('u2'));
  again.volumes.forget('u2');
  await again.volumes.swept();
  t.strictSame(methods(), ['NodeUnpublishVolume', 'NodeUnstageVolume']);
  t.strictSame(await readdir(join(rootDir, 'plugins/kubernetes.io/csi', driverName)), []);
  await again.volumes.release('u2', 'pv', podDir('u2'));
  t.strictSame(methods(), [], 'repeatable');
});

t.test('a driver without stages is only called to publish', async (t) => {
  const { open, use, calls, methods, podDir, rootDir } = await setUp(t, { capabilities: [] });
  const { volumes } = await open();
  await volumes.setUp(use('u1'), signal);
  t.match(calls, [['NodePublishVolume', { stagingTargetPath: '' }]]);
  methods();
  await volumes.release('u1', 'pv', podDir('u1'));
  volumes.forget('u1');
  await volumes.swept();
  t.strictSame(methods(), ['NodeUnpublishVolume']);
  t.strictSame(await readdir(join(rootDir, 'plugins/kubernetes.io/csi', driverName)), []);
});

t.test('4: a volume that needs attaching waits for both, and gets the publish context', async (t) => {
  const { open, use, calls, attach, clock, podDir } = await setUp(t, { spec: null });
  const { volumes, inUse, attachments } = await open();
  const late = volumes.setUp(use('u1'), signal);
  await clock.armed(attachWaitMs);
  t.strictSame(inUse.list(), [volumeOnNode]);
  clock.advance(attachWaitMs);
  await t.rejects(late, { message: 'context deadline exceeded' });
  t.strictSame(calls, []);
  const done = volumes.setUp(use('u1'), signal);
  await attach({ disk: '/dev/x' });
  attachments.nodeChanged();
  await done;
  t.match(calls, [
    ['NodeStageVolume', { publishContext: { disk: '/dev/x' } }],
    ['NodePublishVolume', { publishContext: { disk: '/dev/x' } }],
  ]);
  const again = await open();
  t.strictSame(again.inUse.list(), [volumeOnNode], 'also after a restart');
  await again.volumes.release('u1', 'pv', podDir('u1'));
  again.volumes.forget('u1');
  await again.volumes.swept();
  t.strictSame(again.inUse.list(), []);
});

t.test('a pod that ends before its volume is attached leaves nothing in use', async (t) => {
  const { open, use, clock } = await setUp(t, { spec: null });
  const { volumes, inUse } = await open();
  const abort = new AbortController();
  const waiting = volumes.setUp(use('u1'), abort.signal);
  await clock.armed(attachWaitMs);
  abort.abort(new Error('the pod is being deleted'));
  await t.rejects(waiting, { message: 'the pod is being deleted' });
  volumes.forget('u1');
  await volumes.swept();
  t.strictSame(inUse.list(), []);
});

t.test('a driver that is not there is waited for, by pods and by what is to be unstaged', async (t) => {
  const { open, use, methods, podDir, clock } = await setUp(t);
  const { volumes, come, drivers } = await open(false);
  const woken: string[] = [];
  volumes.onChange((uid) => woken.push(uid));
  await t.rejects(volumes.setUp(use('u1'), signal), {
    step: 'MountVolume.MountDevice failed',
    message:
      'kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: ' +
      'driver name d.example.com not found in the list of registered CSI drivers',
  });
  come();
  t.strictSame(woken, ['u1']);
  await volumes.setUp(use('u1'), signal);
  drivers.delete(driverName);
  await t.rejects(volumes.release('u1', 'pv', podDir('u1')), { code: 'Unavailable' });
  t.ok(await readFile(join(podDir('u1'), 'vol_data.json')), 'what must be undone is remembered');
  come();
  await volumes.release('u1', 'pv', podDir('u1'));
  drivers.delete(driverName);
  volumes.forget('u1');
  await volumes.swept();
  t.strictSame(methods(), ['NodeStageVolume', 'NodePublishVolume', 'NodeUnpublishVolume']);
  t.strictSame(clock.pending(), [1000], 'the next try');
  come();
  await volumes.swept();
  t.strictSame(methods(), ['NodeUnstageVolume']);
});

t.test('5: failures have the words of the driver, and each step is repeated', async (t) => {
  let fails = true;
  const answers = {
    NodeStageVolume: () => (fails ? refuse(13, 'no file system') : {}),
    NodePublishVolume: () => (fails ? refuse(3, 'bad flag') : {}),
  };
  const { open, use, methods, podDir } = await setUp(t, { answers });
  const { volumes } = await open();
  const staging = {
    step: 'MountVolume.MountDevice failed',
    message: 'rpc error: code = Internal desc = no file system',
  };
  await t.rejects(volumes.setUp(use('u1'), signal), staging);
  fails = false;
  await volumes.setUp(use('u1'), signal);
  fails = true;
  await t.rejects(volumes.setUp(use('u2'), signal), { message: 'rpc error: code = InvalidArgument desc = bad flag' });
  t.strictSame(methods(), ['NodeStageVolume', 'NodeStageVolume', 'NodePublishVolume', 'NodePublishVolume']);
  await writeFile(join(podDir('u1'), 'mount/file'), 'still mounted');
  await t.rejects(volumes.release('u1', 'pv', podDir('u1')), { code: 'ENOTEMPTY' });
  t.equal(await readFile(join(podDir('u1'), 'mount/file'), 'utf8'), 'still mounted');
});

t.test('2: a driver that hangs delays its own volume only', async (t) => {
  const hang = Promise.withResolvers<object>();
  const answers = {
    NodeStageVolume: ({ volumeId }: { volumeId: string }) => (volumeId === 'h' ? hang.promise : {}),
  };
  const { open, use, rootDir } = await setUp(t, { answers });
  const { volumes } = await open();
  const hanging = volumes.setUp(use('u1'), signal);
  const other = { ...volume({ csi: { driver: driverName, volumeHandle: 'other' } }), metadata: { name: 'other' } };
  const path = join(rootDir, 'pods/u2/volumes/kubernetes.io~csi/other/mount');
  await volumes.setUp(
    persistentUse({ pod: pod({}, { metadata: { uid: 'u2' } }), volume: other, claim: undefined, path, readOnly: true }),
    signal,
  );
  hang.resolve({});
  await hanging;
});

t.test('secrets, pod information and tokens go to the driver', async (t) => {
  const spec = {
    attachRequired: false,
    podInfoOnMount: true,
    requiresRepublish: true,
    tokenRequests: [{ audience: 'vault' }],
  };
  const { open, use, calls, client, clock } = await setUp(t, { spec });
  const { volumes } = await open();
  const of = (name: string) => ({ namespace: 'sys', name });
  const withSecrets = use('u1', {
    csi: {
      driver: driverName,
      volumeHandle: 'h',
      nodeStageSecretRef: of('stage'),
      nodePublishSecretRef: of('publish'),
    },
  });
  await t.rejects(volumes.setUp(withSecrets, signal), {
    message: 'fetching NodeStageSecretRef sys/stage failed: secrets "stage" not found',
  });
  for (const name of ['stage', 'publish']) {
    const data = { key: Buffer.from(name).toString('base64') };
    await client.create(secrets, { metadata: of(name), data });
  }
  const next = await volumes.setUp(withSecrets, signal);
  t.match(calls[0]?.[1], { secrets: { key: 'stage' } });
  t.match(calls[1]?.[1], {
    secrets: { key: 'publish' },
    volumeContext: {
      'csi.storage.k8s.io/pod.name': 'p-u1',
      'csi.storage.k8s.io/pod.namespace': 'shop',
      'csi.storage.k8s.io/pod.uid': 'u1',
      'csi.storage.k8s.io/ephemeral': 'false',
    },
  });
  const context = calls[1]?.[1]['volumeContext'] as Record<string, string>;
  const tokens = JSON.parse(context['csi.storage.k8s.io/serviceAccount.tokens']!);
  t.match(tokens, { vault: { token: /^token-of-shop/, expirationTimestamp: String } });
  t.equal(next, clock.now() + 60_000, 'such a driver is called again');
  await volumes.setUp(withSecrets, signal);
  t.strictSame(
    calls.map(([method]) => method),
    ['NodeStageVolume', 'NodePublishVolume', 'NodePublishVolume'],
  );
});

t.test('tokens go to the secrets of a driver that wants them there', async (t) => {
  const spec = { attachRequired: false, serviceAccountTokenInSecrets: true, tokenRequests: [{ audience: '' }] };
  const { open, use, calls } = await setUp(t, { spec });
  await (await open()).volumes.setUp(use('u1'), signal);
  const { secrets: told, volumeContext } = calls[1]![1] as Record<string, Record<string, string>>;
  t.ok(told!['csi.storage.k8s.io/serviceAccount.tokens']);
  t.notOk(volumeContext!['csi.storage.k8s.io/serviceAccount.tokens']);
});

t.test('inline volumes, for drivers that allow them', async (t) => {
  const { open, calls, methods, client, rootDir } = await setUp(t);
  const { volumes } = await open();
  const path = join(rootDir, 'pods/u1/volumes/kubernetes.io~csi/scratch/mount');
  const of = pod({}, { metadata: { name: 'web', namespace: 'shop', uid: 'u1' } });
  const use = inlineUse(of, 'scratch', { driver: driverName, volumeAttributes: { size: '1Gi' } }, path);
  const failed =
    'kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: volume mode "Ephemeral" not supported by driver d.example.com';
  await t.rejects(volumes.setUp(use, signal), { message: `${failed} (only supports ["Persistent"])` });
  await client.patch(csiDrivers, driverName, 'merge', { spec: { volumeLifecycleModes: ['Persistent', 'Ephemeral'] } });
  await volumes.setUp(use, signal);
  t.match(calls, [
    ['NodePublishVolume', { volumeId: /^csi-[0-9a-f]{64}$/, volumeContext: { size: '1Gi' }, stagingTargetPath: '' }],
  ]);
  methods();
  await volumes.release('u1', 'scratch', join(path, '..'));
  volumes.forget('u1');
  await volumes.swept();
  t.strictSame(methods(), ['NodeUnpublishVolume']);
  await client.delete(csiDrivers, driverName);
  await t.rejects(volumes.setUp(use, signal), { message: `${failed} (no CSIDriver object)` });
});

t.test('a name that leads elsewhere is refused', async (t) => {
  const { open, use, rootDir } = await setUp(t);
  const { volumes, drivers } = await open();
  for (const driver of ['../x', 'a/b', '', 'staging']) {
    drivers.set(driver, drivers.get(driverName)!);
    await t.rejects(volumes.setUp(use('u1', { csi: { driver, volumeHandle: 'h' } }), signal), /no name for a folder/);
  }
  t.strictSame(await readdir(join(rootDir, 'plugins')).catch(() => []), []);
});

t.test('data that cannot be read is left alone', async (t) => {
  const { open, rootDir, podDir } = await setUp(t);
  await mkdir(podDir('u1'), { recursive: true });
  await writeFile(join(podDir('u1'), 'vol_data.json'), '{"driverName":1}');
  const { volumes } = await open();
  await t.rejects(volumes.release('u1', 'pv', podDir('u1')), /is not the data of a volume/);
  t.ok(await readFile(join(rootDir, 'pods/u1/volumes/kubernetes.io~csi/pv/vol_data.json')));
});

t.test('a volume grows on the node, and its claim says so', async (t) => {
  let refused = false;
  const answers = { NodeExpandVolume: () => (refused ? refuse(11, 'too large') : {}) };
  const { open, use, calls, methods, client, events } = await setUp(t, {
    capabilities: ['STAGE_UNSTAGE_VOLUME', 'EXPAND_VOLUME'],
    answers,
  });
  const { volumes } = await open();
  const conditions = [{ type: 'FileSystemResizePending', status: 'True' }];
  await createClaim(client, {
    capacity: { storage: '1Gi' },
    allocatedResources: { storage: '2Gi' },
    allocatedResourceStatuses: { storage: 'NodeResizePending' },
    conditions,
  });
  const grown = { capacity: { storage: '2Gi' } };
  const read = async () => ({ ...use('u1', grown), claim: await client.get(persistentVolumeClaims, 'shop/data') });
  await volumes.setUp(await read(), signal);
  t.match(calls[2], ['NodeExpandVolume', { capacityRange: { requiredBytes: 2 * 2 ** 30 }, volumeId: 'h' }]);
  const { status } = await client.get(persistentVolumeClaims, 'shop/data');
  t.match(status, { capacity: { storage: '2Gi' }, conditions: [] });
  t.notOk(status?.allocatedResourceStatuses);
  const done = 'Normal FileSystemResizeSuccessful MountVolume.NodeExpandVolume succeeded for volume "pv" n1';
  t.strictSame(events, [done, done], 'on the pod and on the claim');
  methods();
  await volumes.setUp(await read(), signal);
  t.strictSame(methods(), []);

  // A resizer that does not know KEP-1790 only changes the volume.
  await client.patch(persistentVolumeClaims, 'shop/data', 'merge', { status: { allocatedResources: null } });
  const further = { ...(await read()), volume: volume({ capacity: { storage: '3Gi' } }) };
  refused = true;
  await volumes.setUp(further, signal);
  const failed = (await client.get(persistentVolumeClaims, 'shop/data')).status;
  t.match(failed, {
    capacity: { storage: '2Gi' },
    allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' },
    conditions: [{ type: 'NodeResizeError', message: /OutOfRange desc = too large/ }],
  });
});

t.test('after a refusal the claim may ask for less: the next refusal gives the size up', async (t) => {
  const answers = { NodeExpandVolume: () => refuse(7, 'not allowed') };
  const { open, use, client } = await setUp(t, { capabilities: ['STAGE_UNSTAGE_VOLUME', 'EXPAND_VOLUME'], answers });
  const { volumes } = await open();
  await createClaim(client, {
    capacity: { storage: '1Gi' },
    allocatedResources: { storage: '9Gi' },
    allocatedResourceStatuses: { storage: 'NodeResizePending' },
  });
  const ask = async (storage: string) => {
    const spec = { resources: { requests: { storage } } };
    const claim = await client.patch<PersistentVolumeClaim>(persistentVolumeClaims, 'shop/data', 'merge', { spec });
    await volumes.setUp({ ...use('u1', { capacity: { storage: '9Gi' } }), claim }, signal);
    return (await client.get(persistentVolumeClaims, 'shop/data')).status?.allocatedResourceStatuses?.['storage'];
  };
  t.equal(await ask('5Gi'), 'NodeResizeInProgress', 'it was not refused before');
  t.equal(await ask('9Gi'), 'NodeResizeInProgress', 'the size is wanted');
  t.equal(await ask('5Gi'), 'NodeResizeInfeasible');
});

t.test('what a volume uses, as its driver says, once a minute', async (t) => {
  const usage = [
    { unit: 1, used: 10, total: 100, available: 90 },
    { unit: 2, used: 1, total: 7, available: 6 },
    { unit: 9, used: 5 },
  ];
  const answers = { NodeGetVolumeStats: () => ({ usage }) };
  const { open, use, calls, methods, podDir, stop, clock } = await setUp(t, {
    capabilities: ['GET_VOLUME_STATS'],
    answers,
  });
  const { volumes } = await open();
  await volumes.setUp(use('u1'), signal);
  const expected = {
    size: { capacityBytes: 100, availableBytes: 90, inodes: 7, inodesFree: 6 },
    used: { bytes: 10, inodes: 1 },
  };
  t.strictSame(await volumes.usage('u1', 'pv'), expected);
  t.match(calls.at(-1), ['NodeGetVolumeStats', { volumeId: 'h', volumePath: join(podDir('u1'), 'mount') }]);
  methods();
  t.strictSame(await volumes.usage('u1', 'pv'), expected);
  t.strictSame(methods(), [], 'the answer is kept');
  t.equal(await volumes.usage('u2', 'pv'), undefined);
  clock.advance(60_000);
  await stop();
  t.equal(await volumes.usage('u1', 'pv'), undefined, 'a driver that does not answer');
});

t.test('a driver that sees the root folder as /var/lib/kubelet gets its paths so', async (t) => {
  const { open, use, calls, rootDir } = await setUp(t);
  const { volumes, drivers } = await open(false);
  drivers.set(driverName, { endpoint: '/var/lib/kubelet/driver.sock', version: [1, 0] });
  // The fake driver makes its folder at the path that it gets, so nothing is published below this one.
  await t.rejects(volumes.setUp(use('u1', { volumeMode: 'Block' }), signal), /no such file|ENOENT/);
  t.match(calls, [
    ['NodeStageVolume', { stagingTargetPath: '/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/staging/pv' }],
    ['NodePublishVolume', { targetPath: '/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/pv/u1' }],
  ]);
  t.ok(await readdir(join(rootDir, 'plugins/kubernetes.io/csi/volumeDevices/staging/pv')));
});

t.test('a ReadWriteMany volume grows on each node, also when the claim shows it already', async (t) => {
  const { open, use, methods, client } = await setUp(t, { capabilities: ['EXPAND_VOLUME'] });
  const { volumes } = await open();
  const claim = await createClaim(client, { capacity: { storage: '1Gi' } });
  const many = { accessModes: ['ReadWriteMany'] };
  const at = (size: string, metadata = claim.metadata) => ({
    ...use('u1', { ...many, capacity: { storage: size } }),
    claim: { ...claim, metadata, spec: many, status: { ...claim.status, capacity: { storage: size } } },
  });
  await volumes.setUp(at('1Gi'), signal);
  methods();
  const annotations = { 'volume.kubernetes.io/node-expansion-not-required': 'true' };
  await volumes.setUp(at('2Gi', { ...claim.metadata, annotations }), signal);
  t.strictSame(methods(), [], 'the resizer says that nodes have nothing to do');
  await volumes.setUp(at('2Gi'), signal);
  t.strictSame(methods(), ['NodeExpandVolume']);
  t.equal((await client.get(persistentVolumeClaims, 'shop/data')).status?.capacity?.['storage'], '1Gi', 'not written');
  await volumes.setUp(at('2Gi'), signal);
  t.strictSame(methods(), []);
});
