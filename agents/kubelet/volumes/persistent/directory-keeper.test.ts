import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type PersistentVolume, persistentVolumes } from '../../../../controlplane/api';
import { silentLogger } from '../../../../controlplane/base/logger';
import { FakeClock } from '../../../../test/lib/fake-clock';
import { FakeMounts } from '../../../../test/lib/fake-mounts';
import { FakeQuotas } from '../../../../test/lib/fake-quotas';
import { MemoryClient } from '../../../../test/lib/memory-client';
import { DirectoryKeeper, planRemoval } from './directory-keeper';
import { provisionedPath } from './provisioned';

const node = { nodeName: 'n1', rootDir: '/kubelet' };
const released = (more: Partial<PersistentVolume['metadata']> = {}, rootDir = node.rootDir): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: {
    name: 'pvc-1',
    labels: { 'k8ts.io/node': 'n1' },
    annotations: { 'pv.kubernetes.io/provisioned-by': 'k8ts.io/directory' },
    finalizers: ['k8ts.io/directory'],
    deletionTimestamp: '2026-01-01T00:00:00Z',
    ...more,
  },
  spec: { persistentVolumeReclaimPolicy: 'Delete', local: { path: join(rootDir, 'persistent-volumes/pvc-1') } },
});

t.test('when a folder is removed', async (t) => {
  const cases: Record<string, [Partial<PersistentVolume['metadata']>, ReturnType<typeof planRemoval>]> = {
    'released and being deleted': [{}, 'remove'],
    'not being deleted': [{ deletionTimestamp: undefined }, 'none'],
    'still bound to a claim': [{ finalizers: ['kubernetes.io/pv-protection', 'k8ts.io/directory'] }, 'none'],
    'on another node': [{ labels: { 'k8ts.io/node': 'n2' } }, 'none'],
    'removed already': [{ finalizers: ['other'] }, 'none'],
    'of another provisioner': [{ annotations: {} }, 'refuse'],
    'of another name': [{ name: 'pvc-2' }, 'refuse'],
  };
  for (const [name, [metadata, expected]] of Object.entries(cases)) {
    t.equal(planRemoval(released(metadata), node), expected, name);
  }
  const kept = released();
  t.equal(planRemoval({ ...kept, spec: { ...kept.spec, persistentVolumeReclaimPolicy: 'Retain' } }, node), 'release');
});

t.test('no path of the API leads out of the kubelet’s folder', async (t) => {
  const at = (path: string, name = 'pvc-1') =>
    provisionedPath({ ...released({ name }), spec: { local: { path } } }, '/kubelet');
  t.equal(at('/kubelet/persistent-volumes/pvc-1'), '/kubelet/persistent-volumes/pvc-1');
  for (const path of [
    '/etc',
    '/kubelet/persistent-volumes',
    '/kubelet/persistent-volumes/pvc-2',
    '/kubelet/persistent-volumes/pvc-1/sub',
    '/kubelet/persistent-volumes/../pvc-1',
    '/kubelet/persistent-volumes//pvc-1',
    '/kubelet/pods/pvc-1',
  ]) {
    t.equal(at(path), undefined, path);
  }
  for (const name of ['..', '.', '', '../pods', 'a/b']) {
    t.equal(at(join('/kubelet/persistent-volumes', name), name), undefined, `named ${name}`);
  }
});

t.test('the folder goes, then the finalizer; a failure is repeated', async (t) => {
  const rootDir = await mkdtemp(join(tmpdir(), 'k8ts-keeper-'));
  t.teardown(() => rm(rootDir, { recursive: true }));
  const client = new MemoryClient();
  const mounts = new FakeMounts();
  const clock = new FakeClock();
  const folder = join(rootDir, 'persistent-volumes');
  for (const name of ['pvc-1', 'pvc-2']) {
    await mkdir(join(folder, name, 'below'), { recursive: true });
    await writeFile(join(folder, name, 'below/file'), '');
  }
  const abort = new AbortController();
  const failing = Promise.withResolvers<void>();
  const detachBelow = mounts.detachBelow.bind(mounts);
  mounts.detachBelow = async () => {
    failing.resolve();
    throw new Error('busy');
  };
  const quotas = new FakeQuotas();
  quotas.limits.set(join(folder, 'pvc-1'), 5);
  quotas.limits.set(join(folder, 'pvc-2'), 5);
  const deps = { client, mounts, quotas, clock, log: silentLogger, nodeName: 'n1', rootDir };
  const done = new DirectoryKeeper(deps).run(abort.signal).catch(() => {});
  await client.create(persistentVolumes, released({ finalizers: ['k8ts.io/directory', 'other'] }, rootDir));
  await failing.promise;
  await clock.armed(100);
  t.same(await readdir(join(folder, 'pvc-1/below')), ['file'], 'something is mounted below');
  mounts.detachBelow = detachBelow;
  clock.advance(100);
  const after = await client.until<PersistentVolume>(
    persistentVolumes,
    'pvc-1',
    (volume) => volume?.metadata?.finalizers?.join() === 'other',
  );
  t.ok(after);
  t.same(await readdir(folder), ['pvc-2']);
  t.same([...quotas.limits], [[join(folder, 'pvc-2'), 5]]);
  const grown = released({ name: 'pvc-2', deletionTimestamp: undefined }, rootDir);
  const spec = { ...grown.spec, local: { path: join(folder, 'pvc-2') }, capacity: { storage: '2Gi' } };
  await client.create(persistentVolumes, { ...grown, spec });
  while (quotas.limits.get(join(folder, 'pvc-2')) !== 2 ** 31) await new Promise((resolve) => setImmediate(resolve));
  abort.abort(new Error('stopped'));
  await done;
});
