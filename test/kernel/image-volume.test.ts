// Image volumes with real Docker: the files of an image in a container, read-only, and no mount after the pod.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { mountPoints } from '../../dataplane/mount/system-mounts';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);

t.test('image volume', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  const running = await startKubelet(client, dockerd);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const { image } = dockerd;
  const app = {
    name: 'app',
    image,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', 'exec sleep 1000'],
    volumeMounts: [
      { name: 'art', mountPath: '/art' },
      { name: 'art', mountPath: '/part', subPath: 'bin', readOnly: true },
    ],
  };
  const volumes = [{ name: 'art', image: { reference: image, pullPolicy: 'Never' } }];
  await client.create(pods, kubeletPod('web', { containers: [app], volumes }));
  const web = await client.until<Pod>(pods, 'default/web', isReady);
  const id = web!.status!.containerStatuses![0]!.containerID!.replace('docker://', '');
  const run = (script: string) => dockerd.docker('exec', id, '/bin/sh', '-c', `(${script}) 2>&1 || true`);
  const names = await run('ls /art/bin');
  t.match(names, 'busybox');
  t.equal(await run('ls /part'), names, 'a folder of the image by subPath');
  t.match(await run('cmp /bin/busybox /art/bin/busybox && echo same'), 'same');
  for (const path of ['/art', '/part']) {
    t.match(await run(`echo x >${path}/new`), /Read-only file system/, path);
  }
  for (const path of ['/art', '/part']) {
    t.match(await run(`grep " ${path} " /proc/mounts`), /^overlay \S+ overlay ro,nosuid,nodev,noexec/, path);
  }
  const rootDir = join(dockerd.dir, 'kubelet');
  await client.delete(pods, 'default/web', { gracePeriodSeconds: 0 });
  await client.until<Pod>(pods, 'default/web', (pod) => pod === undefined);
  // The object of a pod that is deleted without grace is removed before its files. No event says when they are.
  while ((await readdir(join(rootDir, 'pods'))).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const left = mountPoints(await readFile('/proc/self/mounts', 'utf8')).filter((point) =>
    point.startsWith(`${rootDir}/`),
  );
  t.same(left, []);
  t.match(await dockerd.docker('image', 'ls', '-q', image), /\w/, 'the image stays');
});
