// Persistent volumes with real Docker and real mounts: folders and devices of the node, as file systems and raw. The files of a pod
// stay when the pod is deleted: with a subPath, a device or another mount, and also when no kubelet ran during the deletion.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  events,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
} from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { mountPoints } from '../../dataplane/mount/system-mounts';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

/** No event says that the kubelet has removed or changed its files. */
async function onDisk(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(400_000);

t.test('persistent volumes', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const exec = new SystemExec();
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  let running = await startKubelet(client, dockerd);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const rootDir = join(dockerd.dir, 'kubelet');
  const until = (name: string, test: (object: Pod | undefined) => boolean) =>
    client.until<Pod>(pods, `default/${name}`, test);
  const mounted = async () =>
    mountPoints(await readFile('/proc/self/mounts', 'utf8')).filter((point) => point.startsWith(`${rootDir}/`));
  const volume = async (name: string, spec: Partial<NonNullable<PersistentVolume['spec']>>, annotations = {}) => {
    const claimRef = { namespace: 'default', name, uid: `claim-${name}` };
    await client.create<PersistentVolume>(persistentVolumes, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name,
        annotations,
        labels: { 'k8ts.io/node': 'n1' },
        finalizers: ['k8ts.io/directory'],
      },
      spec: { claimRef, accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', ...spec },
    });
    await client.create<PersistentVolumeClaim>(persistentVolumeClaims, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name, namespace: 'default', uid: `claim-${name}` },
      spec: { volumeName: name, accessModes: ['ReadWriteOnce'] },
      status: { phase: 'Bound' },
    });
  };
  const using = (name: string, claim: string, more: object) =>
    kubeletPod(name, {
      volumes: [{ name: 'd', persistentVolumeClaim: { claimName: claim } }],
      containers: [
        {
          name: 'c',
          image: dockerd.image,
          imagePullPolicy: 'Never',
          command: ['/bin/sh', '-c', 'exec sleep 1000'],
          ...more,
        },
      ],
    });
  const mounts = (...paths: readonly object[]) => ({ volumeMounts: paths.map((path) => ({ name: 'd', ...path })) });
  const start = async (name: string, claim: string, more: object) => {
    await client.create(pods, using(name, claim, more));
    const object = await until(name, isReady);
    const id = object!.status!.containerStatuses![0]!.containerID!.replace('docker://', '');
    return (script: string) => dockerd.docker('exec', id, '/bin/sh', '-c', `(${script}) 2>&1 || true`);
  };
  const remove = async (name: string) => {
    await client.delete(pods, `default/${name}`, { gracePeriodSeconds: 0 });
    await until(name, (object) => object === undefined);
    await onDisk(async () => !(await readdir(join(rootDir, 'pods'))).includes(`uid-of-${name}`));
  };
  const device = async () => {
    const image = join(dockerd.dir, `disk-${(await readdir(dockerd.dir)).length}`);
    await exec.run(['truncate', '-s', '32M', image]);
    const path = (await exec.run(['losetup', '-f', '--show', image])).stdout.trim();
    scope.defer(async () => {
      await exec.run(['losetup', '-d', path]);
    });
    return path;
  };

  await t.test('a folder of the node: shared by pods, by subPath too, and kept when they go', async (t) => {
    const disk = join(dockerd.dir, 'disk');
    await mkdir(disk, { mode: 0o777 });
    await volume('shared', { local: { path: disk } });
    const first = await start('first', 'shared', mounts({ mountPath: '/data' }, { mountPath: '/s', subPath: 'a/b' }));
    t.equal(await first('echo one >/data/one; echo two >/s/two; cat /data/one /data/a/b/two'), 'one\ntwo\n');
    const second = await start('second', 'shared', mounts({ mountPath: '/data', readOnly: true }));
    t.match(await second('cat /data/one; echo x >/data/new'), /^one\n.*Read-only/s);
    t.equal((await mounted()).filter((point) => point.includes('local-volume')).length, 2);
    await remove('first');
    t.equal(await second('cat /data/one /data/a/b/two'), 'one\ntwo\n');
    // The kubelet is gone while the second pod is deleted: the next one finds its folder.
    await running.stop();
    await client.delete(pods, 'default/second', { gracePeriodSeconds: 0 });
    running = await startKubelet(client, dockerd);
    await onDisk(async () => (await readdir(join(rootDir, 'pods'))).length === 0);
    t.same(await mounted(), []);
    t.equal(await readFile(join(disk, 'one'), 'utf8'), 'one\n');
    t.equal(await readFile(join(disk, 'a/b/two'), 'utf8'), 'two\n');
  });

  await t.test('a provisioned folder: made for the first pod, removed with its PersistentVolume', async (t) => {
    const path = join(rootDir, 'persistent-volumes/pvc-1');
    await volume('pvc-1', { local: { path } }, { 'pv.kubernetes.io/provisioned-by': 'k8ts.io/directory' });
    const security = { securityContext: { runAsUser: 1234 } };
    const run = await start('own', 'pvc-1', { ...mounts({ mountPath: '/data' }), ...security });
    t.equal(await run('echo mine >/data/file; cat /data/file'), 'mine\n');
    t.equal((await stat(path)).mode & 0o7777, 0o777);
    // The kubelet ends while the pod runs, and mounts nothing a second time.
    await running.stop();
    running = await startKubelet(client, dockerd);
    const other = await start('other', 'pvc-1', mounts({ mountPath: '/data' }));
    t.equal(await other('cat /data/file'), 'mine\n');
    t.equal(await run('cat /data/file'), 'mine\n');
    t.equal((await mounted()).filter((point) => point.includes('local-volume')).length, 2);
    await remove('own');
    await remove('other');
    t.equal(await readFile(join(path, 'file'), 'utf8'), 'mine\n');
    await client.patch(persistentVolumes, 'pvc-1', 'merge', {
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    await client.until<PersistentVolume>(
      persistentVolumes,
      'pvc-1',
      (object) => object === undefined || object.metadata?.finalizers?.length === 0,
    );
    await t.rejects(stat(path), { code: 'ENOENT' });
  });

  await t.test('a device: formatted once, mounted once for all pods, unmounted after the last', async (t) => {
    await volume('device', { local: { path: await device(), fsType: 'ext4' }, mountOptions: ['noatime'] });
    const run = await start('one', 'device', mounts({ mountPath: '/data' }));
    t.match(await run('grep " /data " /proc/mounts'), / ext4 .*noatime/);
    await run('echo kept >/data/file');
    const again = await start('two', 'device', mounts({ mountPath: '/data' }));
    t.equal(await again('cat /data/file'), 'kept\n');
    await remove('one');
    t.equal(await again('cat /data/file'), 'kept\n');
    await remove('two');
    await onDisk(async () => (await mounted()).length === 0);
    const third = await start('three', 'device', mounts({ mountPath: '/data' }));
    t.equal(await third('cat /data/file'), 'kept\n', 'a device with a file system is not formatted');
    await remove('three');
    await onDisk(async () => (await mounted()).length === 0);
  });

  await t.test('a raw device: in the container alone', async (t) => {
    const path = await device();
    await writeFile(path, 'raw bytes');
    await volume('raw', { local: { path }, volumeMode: 'Block' });
    const run = await start('raw', 'raw', { volumeDevices: [{ name: 'd', devicePath: '/dev/xvda' }] });
    t.equal(await run('head -c 9 /dev/xvda'), 'raw bytes');
    await run('printf changed >/dev/xvda');
    t.same(await mounted(), []);
    await remove('raw');
    t.equal((await readFile(path)).subarray(0, 9).toString(), 'changedes');
  });

  await t.test('what this kernel cannot mount is said in the Event, and the pod waits', async (t) => {
    await volume('export', { nfs: { server: '127.0.0.1', path: '/none' }, mountOptions: ['retry=0', 'nosuch=1'] });
    await client.create(pods, using('far', 'export', mounts({ mountPath: '/data' })));
    const said = async () => (await client.list(events)).items.find(({ reason }) => reason === 'FailedMount');
    await onDisk(async () => (await said()) !== undefined);
    const expected = /^MountVolume.SetUp failed for volume "export" : mount failed: exit status \d+\n/;
    t.match((await said())?.message, expected);
    await remove('far');
  });
});
