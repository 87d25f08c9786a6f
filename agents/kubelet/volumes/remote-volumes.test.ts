// Volumes whose server does not answer: the kubelet touches no file of them.
import t from 'tap';
import type { PersistentVolume, Pod } from '../../../controlplane/api';
import { Unavailable } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import type { Exec, RunResult } from '../../../dataplane/exec/exec';
import { RemoteFileSystems } from '../../../dataplane/mount/remote';
import { FakeClock } from '../../../test/lib/fake-clock';
import { FakeMounts } from '../../../test/lib/fake-mounts';
import { FakeQuotas } from '../../../test/lib/fake-quotas';
import { MemoryClient } from '../../../test/lib/memory-client';
import { hostPath as persistentHostPath } from './persistent/host-path';
import { local } from './persistent/local';
import { hostPath } from './plugins/host-path';
import type { SetUp } from './plugins/plugin';
import { noCsi, volumeDeps } from './plugins/volume-deps.fixture';
import { PodVolumes } from './pod-volumes';
import { fileSystemOf } from './volume-usage';

const silent = new Unavailable('the file system at /mnt (nfs, server:/export) does not answer');

t.test('hostPath and local volumes wait until the server answers', async (t) => {
  const asked: string[] = [];
  const { deps } = volumeDeps({
    ensureAnswers: async (path) => {
      asked.push(path);
      throw silent;
    },
  });
  const task = { pod: {}, path: '/mnt/x', facts: {}, deps, signal: new AbortController().signal } as unknown as SetUp;
  const use = { readOnly: false, rootDir: '/none' };
  const volume: PersistentVolume = { metadata: { name: 'pv' }, spec: { hostPath: { path: '/mnt/x' } } };
  const localVolume: PersistentVolume = { metadata: { name: 'pv' }, spec: { local: { path: '/mnt/y' } } };
  await t.rejects(hostPath({ name: 'v', hostPath: { path: '/mnt/x' } })!.setUp(task), silent);
  await t.rejects(persistentHostPath.content(volume, use)!.setUp(task), silent);
  await t.rejects(local.content(localVolume, use)!.setUp(task), silent);
  t.same(asked, ['/mnt/x', '/mnt/x', '/mnt/y']);
});

t.test('no part of a volume is opened, and its use is missing', async (t) => {
  const clock = new FakeClock();
  const mounts = new FakeMounts();
  const calls: string[] = [];
  const exec: Exec = {
    run: (argv) => {
      calls.push(argv.join(' '));
      return new Promise<RunResult>(() => {});
    },
  };
  const volumes = new PodVolumes({
    client: new MemoryClient(),
    mounts,
    remote: new RemoteFileSystems({ exec, clock, table: () => mounts.table() }),
    exec,
    quotas: new FakeQuotas(),
    clock,
    log: silentLogger,
    warn: () => {},
    rootDir: '/none',
    csi: noCsi,
    ownNode: () => undefined,
  });
  const pod: Pod = { metadata: { uid: 'u1', namespace: 'a', name: 'web' } };
  const volume = { name: 'data', nfs: { server: 'server', path: '/export' } };
  mounts.add('/none/pods/u1/volumes/kubernetes.io~nfs/data', {
    type: 'nfs4',
    source: 'server:/export',
    device: '0:50',
  });
  const bound = volumes.subPath(pod, volume, { container: 'app', index: 0, subPath: 'sub' });
  await clock.armed(5_000);
  clock.advance(5_000);
  await t.rejects(bound, { code: 'Unavailable', message: /nfs4, server:\/export\) does not answer/ });
  t.equal(calls.length, 1);
});

t.test('the use of a local file system is read by this process, of another one by a program', async (t) => {
  const none = { mountOf: async () => undefined, size: async () => undefined };
  const own = await fileSystemOf('/', none);
  t.ok(own && own.size.capacityBytes > 0);
  const mount = { device: '0:50', root: '/', point: '/mnt', options: [], type: 'nfs', source: 's:/e' };
  const size = { blockBytes: 1024, blocks: 100, freeBlocks: 60, availableBlocks: 50, inodes: 1000, freeInodes: 900 };
  t.same(await fileSystemOf('/mnt', { mountOf: async () => mount, size: async () => size }), {
    size: { capacityBytes: 102_400, availableBytes: 51_200, inodes: 1000, inodesFree: 900 },
    used: { bytes: 40_960, inodes: 100 },
  });
  t.equal(await fileSystemOf('/mnt', { mountOf: async () => mount, size: async () => undefined }), undefined);
});
