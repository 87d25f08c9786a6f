import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
} from '../../../../controlplane/api';
import { systemClock } from '../../../../controlplane/base/clock';
import { silentLogger } from '../../../../controlplane/base/logger';
import { RemoteFileSystems } from '../../../../dataplane/mount/remote';
import { FakeMounts } from '../../../../test/lib/fake-mounts';
import { FakeQuotas } from '../../../../test/lib/fake-quotas';
import { MemoryClient } from '../../../../test/lib/memory-client';
import { ScriptedExec } from '../../../../test/lib/scripted-exec';
import { container, pod } from '../../spec/pod.fixture';
import { noCsi } from '../plugins/volume-deps.fixture';
import { PodVolumes } from '../pod-volumes';

const facts = { nodeIps: [], podIps: [], allocatable: {} };
const { signal } = new AbortController();
const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } },
};

/** PersistentVolumes `pv` (a folder DIR/disk) and a claim `data` that is bound to it. */
async function setUp(t: Tap) {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-claims-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const rootDir = join(dir, 'kubelet');
  const disk = join(dir, 'disk');
  await mkdir(disk);
  await mkdir(rootDir);
  const client = new MemoryClient();
  const mounts = new FakeMounts();
  const exec = new ScriptedExec();
  const quotas = new FakeQuotas();
  const warnings: string[] = [];
  const open = () =>
    new PodVolumes({
      client,
      mounts,
      remote: new RemoteFileSystems({ exec, clock: systemClock, table: () => mounts.table() }),
      exec,
      quotas,
      clock: systemClock,
      log: silentLogger,
      warn: (_, reason, message) => warnings.push(`${reason}: ${message}`),
      rootDir,
      csi: noCsi,
      ownNode: () => node,
    });
  const volumes = open();
  t.teardown(() => volumes.close());
  const claim: PersistentVolumeClaim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'shop', uid: 'claim-uid' },
    spec: { volumeName: 'pv', accessModes: ['ReadWriteOnce'] },
    status: { phase: 'Bound' },
  };
  const volume: PersistentVolume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv', uid: 'pv-uid' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      local: { path: disk },
      claimRef: { namespace: 'shop', name: 'data', uid: 'claim-uid' },
    },
  };
  const create = async (spec: Partial<PersistentVolume['spec']> = {}, more: Partial<PersistentVolumeClaim> = {}) => {
    await client.create(persistentVolumeClaims, { ...claim, ...more });
    await client.create(persistentVolumes, { ...volume, spec: { ...volume.spec, ...spec } });
  };
  const failure = async (of: Pod) => {
    const error = await volumes.setUp(of, facts, signal).then(
      () => undefined,
      (err: { events: readonly string[] }) => err,
    );
    return error?.events;
  };
  return { client, quotas, mounts, warnings, exec, volumes, open, rootDir, disk, claim, volume, create, failure };
}
type Tap = Pick<typeof t, 'teardown'>;

const source = { name: 'd', persistentVolumeClaim: { claimName: 'data' } };
const mounting = container('app', { volumeMounts: [{ name: 'd', mountPath: '/data' }] });
const using = (more: Partial<NonNullable<Pod['spec']>> = {}, uid = 'u1') =>
  pod({ volumes: [source], containers: [mounting], ...more }, { metadata: { name: 'web', namespace: 'shop', uid } });
const unable = (why: string, name = 'd') =>
  `Unable to attach or mount volumes: unmounted volumes=[${name}], unattached volumes=[], failed to process volumes=[${name}]: ${why}`;

t.test('a claim shows its volume at upstream’s path, and the end of the pod leaves the files', async (t) => {
  const { create, volumes, mounts, rootDir, disk } = await setUp(t);
  await create();
  await writeFile(join(disk, 'file'), 'kept');
  t.throws(() => volumes.path('u1', source), { message: 'the claim of volume "d" is not known yet' });
  await volumes.setUp(using(), facts, signal);
  const path = join(rootDir, 'pods/u1/volumes/kubernetes.io~local-volume/pv');
  t.equal(volumes.path('u1', source), path);
  t.match(await mounts.at(path), { root: disk, options: [] });
  await volumes.setUp(using(), facts, signal);
  t.equal((await mounts.table()).length, 1, 'mounted once');
  await volumes.tearDown('u1');
  t.same(await mounts.table(), []);
  t.same(await readdir(join(rootDir, 'pods')), []);
  t.equal(await readFile(join(disk, 'file'), 'utf8'), 'kept');
});

t.test('the folder of a pod whose mount is left, seen or unseen, is not deleted', async (t) => {
  const { create, volumes, mounts, rootDir } = await setUp(t);
  await create();
  await volumes.setUp(using(), facts, signal);
  const path = join(rootDir, 'pods/u1/volumes/kubernetes.io~local-volume/pv');
  // As if the volume were still mounted there.
  await writeFile(join(path, 'file'), 'kept');
  await t.rejects(volumes.tearDown('u1'), { code: 'ENOTEMPTY' });
  t.equal(await readFile(join(path, 'file'), 'utf8'), 'kept');
  mounts.detachBelow = async () => {
    throw new Error('EPERM');
  };
  await t.rejects(volumes.tearDown('u1'), { message: 'EPERM' });
  await t.rejects(
    volumes.removeOrphans(() => false),
    { message: 'EPERM' },
  );
  t.equal(await readFile(join(path, 'file'), 'utf8'), 'kept');
});

t.test('what keeps a pod from its claim has upstream’s words', async (t) => {
  const processing = (why: string) => [unable(`error processing PVC shop/data: ${why}`)];
  const { failure, client, claim, volume } = await setUp(t);
  t.same(
    await failure(using()),
    processing('failed to fetch PVC from API server: persistentvolumeclaims "data" not found'),
  );
  const put = (more: object) => client.update(persistentVolumeClaims, { ...claim, ...more });
  await client.create(persistentVolumeClaims, { ...claim, status: { phase: 'Pending' } });
  t.same(await failure(using()), processing('PVC is not bound'));
  await put({ spec: {} });
  t.same(await failure(using()), processing('PVC has empty pvc.Spec.VolumeName'));
  await put({ metadata: { ...claim.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['other'] } });
  t.same(await failure(using()), processing('PVC is being deleted'));
  await put({});
  t.same(await failure(using()), processing('failed to fetch PV pv from API server: persistentvolumes "pv" not found'));
  const { claimRef, ...spec } = volume.spec!;
  await client.create(persistentVolumes, { ...volume, spec });
  const found = 'found PV object pv but';
  t.same(
    await failure(using()),
    processing(`${found} it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`),
  );
  await client.update(persistentVolumes, { ...volume, spec: { ...spec, claimRef: { ...claimRef, uid: 'old' } } });
  t.same(
    await failure(using()),
    processing(`${found} its pv.Spec.ClaimRef.UID old does not point to claim.UID claim-uid`),
  );
  await client.update(persistentVolumes, { ...volume, spec: { ...volume.spec, local: undefined, iscsi: {} } } as never);
  t.same(await failure(using()), [
    unable('failed to get Plugin from volumeSpec for volume "pv" err=no volume plugin matched'),
  ]);
});

t.test('volume modes', async (t) => {
  const { failure, create } = await setUp(t);
  await create({ volumeMode: 'Block' });
  t.same(await failure(using()), [unable('volume d has volumeMode Block, but is specified in volumeMounts')]);
  const device = container('app', { volumeDevices: [{ name: 'd', devicePath: '/dev/x' }] });
  t.match(await failure(using({ containers: [device] })), [
    /^MapVolume.MapBlockVolume failed for volume "pv" : path ".*\/disk" is not a block device$/,
  ]);
  const other = await setUp(t);
  await other.create();
  t.same(await other.failure(using({ containers: [device] })), [
    unable('volume d has volumeMode Filesystem, but is specified in volumeDevices'),
  ]);
});

t.test('node, path and options are checked before anything is mounted', async (t) => {
  const at = (name: string) => ({
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [name] }] }],
    },
  });
  const elsewhere = await setUp(t);
  await elsewhere.create({ nodeAffinity: at('n2') });
  t.same(await elsewhere.failure(using()), [
    'MountVolume.NodeAffinity check failed for volume "pv" : no matching NodeSelectorTerms',
  ]);
  const here = await setUp(t);
  await here.create({ nodeAffinity: at('n1') });
  t.equal(await here.failure(using()), undefined);
  const missing = await setUp(t);
  await missing.create({ local: { path: '/no/such/folder' } });
  t.same(await missing.failure(using()), [
    'MountVolume.NewMounter initialization failed for volume "pv" : path "/no/such/folder" does not exist',
  ]);
  const file = await setUp(t);
  await file.create({ local: { path: '/etc/passwd' } });
  t.same(await file.failure(using()), [
    'MountVolume.NewMounter initialization failed for volume "pv" : only directory and block device are supported',
  ]);
  const options = await setUp(t);
  await options.create({ local: undefined, hostPath: { path: options.disk }, mountOptions: ['noexec'] });
  t.same(await options.failure(using()), [
    'MountVolume.MountOptionSupport check failed for volume "pv" : mount options are not supported for this volume type',
  ]);
  for (const { mounts } of [elsewhere, missing, file, options]) t.same(await mounts.table(), []);
});

t.test('a use without writing, and the options of a mount point', async (t) => {
  const { create, volumes, mounts } = await setUp(t);
  await create({ mountOptions: ['noexec', 'discard'] });
  const readOnly = { ...source, persistentVolumeClaim: { claimName: 'data', readOnly: true } };
  await volumes.setUp(using({ volumes: [readOnly] }), facts, signal);
  t.match(await mounts.at(volumes.path('u1', readOnly)), { options: ['noexec', 'ro'] });
  t.equal(volumes.content('u1', readOnly).readOnly, true);
});

t.test('hostPath: the path itself', async (t) => {
  const { create, volumes, mounts, disk, failure } = await setUp(t);
  await create({ local: undefined, hostPath: { path: disk, type: 'Directory' } });
  await volumes.setUp(using(), facts, signal);
  t.equal(volumes.path('u1', source), disk);
  t.same(await mounts.table(), []);
  await rm(disk, { recursive: true });
  t.same(await failure(using()), [
    `MountVolume.SetUp failed for volume "pv" : hostPath type check failed: ${disk} is not a directory`,
  ]);
});

t.test('nfs: mount(8) does it, once, and its failure is reported as upstream does', async (t) => {
  const { create, volumes, mounts, exec, failure, rootDir } = await setUp(t);
  await create({ local: undefined, nfs: { server: 'fd00::1', path: '/srv' }, mountOptions: ['nfsvers=4.2', 'hard'] });
  const path = join(rootDir, 'pods/u1/volumes/kubernetes.io~nfs/pv');
  const args = `-t nfs -o hard,nfsvers=4.2 [fd00::1]:/srv ${path}`;
  const argv = `mount -t nfs -o hard,nfsvers=4.2 -- [fd00::1]:/srv ${path}`;
  exec.expect({ argv, exitCode: 32, stderr: 'mount: unknown filesystem type nfs\n' });
  t.same(await failure(using()), [
    `MountVolume.SetUp failed for volume "pv" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: ${args}\nOutput: mount: unknown filesystem type nfs\n`,
  ]);
  await t.rejects(stat(path), { code: 'ENOENT' });
  exec.expect({ argv });
  t.equal(await failure(using()), undefined);
  mounts.add(path, { type: 'nfs4' });
  t.equal(await failure(using()), undefined);
  t.same(exec.remaining, []);
  await volumes.tearDown('u1');
  t.same(await mounts.table(), []);
});

t.test('a generic ephemeral volume: the claim must be the pod’s own', async (t) => {
  const { create, failure, volumes, claim } = await setUp(t);
  const ephemeral = { name: 'd', ephemeral: { volumeClaimTemplate: { spec: {} } } } as unknown as typeof source;
  const mine = { ...claim.metadata, name: 'web-d' };
  await create({}, { metadata: mine });
  t.same(await failure(using({ volumes: [ephemeral] })), [
    unable('PVC shop/web-d was not created for pod shop/web (pod is not owner)'),
  ]);
  const owned = await setUp(t);
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'u1', controller: true }];
  await owned.create({}, { metadata: { ...mine, ownerReferences } });
  t.equal(await owned.failure(using({ volumes: [ephemeral] })), undefined);
  t.match(owned.volumes.path('u1', ephemeral), /kubernetes.io~local-volume\/pv$/);
  t.throws(() => volumes.path('u1', ephemeral));
});

t.test('ReadWriteOncePod: one pod of the node at a time', async (t) => {
  const { create, failure, volumes } = await setUp(t);
  await create({ accessModes: ['ReadWriteOncePod'] });
  t.equal(await failure(using()), undefined);
  t.equal(await failure(using()), undefined, 'the same pod again');
  t.same(await failure(using({}, 'u2')), [
    'MountVolume.SetUp failed for volume "pv" : volume uses the ReadWriteOncePod access mode and is already in use by another pod',
  ]);
  await volumes.tearDown('u1');
  t.equal(await failure(using({}, 'u2')), undefined);
});

t.test('a volume that no container uses is not set up; each failed volume has its own Event', async (t) => {
  const { failure } = await setUp(t);
  t.equal(await failure(using({ containers: [container('app')] })), undefined);
  const volumes = [source, { name: 's', secret: { secretName: 'none' } }, { name: 'e', emptyDir: {} }];
  const all = container('app', { volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/${name}` })) });
  t.same(await failure(using({ volumes, containers: [all] })), [
    'MountVolume.SetUp failed for volume "s" : secret "none" not found',
    'Unable to attach or mount volumes: unmounted volumes=[d s], unattached volumes=[], failed to process volumes=[d]: error processing PVC shop/data: failed to fetch PVC from API server: persistentvolumeclaims "data" not found',
  ]);
});

t.test(
  'fsGroup: before the first pod mounts the volume',
  { skip: process.getuid!() === 0 ? false : 'needs root' },
  async (t) => {
    const { create, volumes, disk, warnings } = await setUp(t);
    await create();
    await writeFile(join(disk, 'file'), '', { mode: 0o600 });
    const ofGroup = (fsGroup: number, uid: string) => using({ securityContext: { fsGroup } }, uid);
    const group = async () => {
      const { gid, mode } = await stat(join(disk, 'file'));
      return `${gid} ${(mode & 0o7777).toString(8)}`;
    };
    const readOnly = { ...source, persistentVolumeClaim: { claimName: 'data', readOnly: true } };
    await volumes.setUp(
      { ...ofGroup(7, 'u0'), spec: { ...ofGroup(7, 'u0').spec!, volumes: [readOnly] } },
      facts,
      signal,
    );
    t.equal(await group(), '0 600', 'not by a pod that only reads');
    await volumes.tearDown('u0');
    await volumes.setUp(ofGroup(7, 'u1'), facts, signal);
    t.equal(await group(), '7 660');
    await volumes.setUp(ofGroup(8, 'u2'), facts, signal);
    t.equal(await group(), '7 660', 'the first pod still uses it');
    t.same(warnings, [
      'AlreadyMountedVolume: The requested fsGroup is 8, but the volume pv has GID 7. The volume may not be shareable.',
    ]);
    await volumes.tearDown('u1');
    await volumes.tearDown('u2');
    await volumes.setUp(ofGroup(8, 'u3'), facts, signal);
    t.equal(await group(), '8 660');
  },
);

t.test('a provisioned folder has the size of its volume, from its first moment', async (t) => {
  const { client, claim, volume, volumes, quotas, rootDir } = await setUp(t);
  const path = join(rootDir, 'persistent-volumes/pv');
  const annotations = { 'pv.kubernetes.io/provisioned-by': 'k8ts.io/directory' };
  const spec = { ...volume.spec, local: { path }, capacity: { storage: '1Gi' } };
  await client.create(persistentVolumeClaims, claim);
  await client.create(persistentVolumes, { ...volume, metadata: { ...volume.metadata, annotations }, spec });
  await volumes.setUp(using(), facts, signal);
  t.same([...quotas.limits.values()], [2 ** 30]);
  t.equal((await stat(path)).mode & 0o7777, 0o777);
  t.same(await readdir(join(rootDir, 'persistent-volumes')), ['pv']);
});

t.test(
  'a provisioned volume is mounted only from the folder of this kubelet: a node that lies leads to no link',
  async (t) => {
    const { client, claim, volume, disk, failure, mounts, rootDir } = await setUp(t);
    const ofContainer = join(rootDir, 'pods/u9/volumes/kubernetes.io~empty-dir/e');
    await mkdir(ofContainer, { recursive: true });
    await symlink(disk, join(ofContainer, 'pv'));
    const path = join(ofContainer, 'pv');
    const annotations = { 'pv.kubernetes.io/provisioned-by': 'k8ts.io/directory' };
    const spec = { ...volume.spec, local: { path }, capacity: { storage: '1Gi' } };
    await client.create(persistentVolumeClaims, claim);
    await client.create(persistentVolumes, { ...volume, metadata: { ...volume.metadata, annotations }, spec });
    const why = `path "${path}" is not in the folder of this kubelet's own volumes`;
    t.match(await failure(using()), [`MountVolume.NewMounter initialization failed for volume "pv" : ${why}`]);
    t.same(await mounts.table(), []);
  },
);
