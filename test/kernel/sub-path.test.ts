// Volumes by subPath with real Docker: containers see the right files, and a container that swaps folders and links sees no others.
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { configMaps, type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { mountPoints } from '../../dataplane/mount/system-mounts';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

/** No event says that the kubelet has removed or changed its files. */
async function onDisk(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);

t.test('subPath', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  let running = await startKubelet(client, dockerd);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const rootDir = join(dockerd.dir, 'kubelet');
  const host = join(dockerd.dir, 'host');
  await mkdir(host);
  await writeFile(join(host, 'proof'), 'of the host');
  const until = (name: string, test: (object: Pod | undefined) => boolean) =>
    client.until<Pod>(pods, `default/${name}`, test);
  const shell = (name: string, script: string, more: object = {}) => ({
    name,
    image: dockerd.image,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', script],
    ...more,
  });
  const idOf = (object: Pod | undefined, container: string) =>
    object!.status!.containerStatuses!.find(({ name }) => name === container)!.containerID!.replace('docker://', '');
  const mounted = async () =>
    mountPoints(await readFile('/proc/self/mounts', 'utf8')).filter(
      (point) => point.startsWith(`${dockerd.dir}/`) && point.includes('/volume-subpaths/'),
    );
  const remove = async (name: string) => {
    await client.delete(pods, `default/${name}`, { gracePeriodSeconds: 0 });
    await until(name, (object) => object === undefined);
    // The object of a pod that is deleted without grace is removed before its files.
    await onDisk(async () => (await readdir(join(rootDir, 'pods'))).length === 0);
    t.same(await mounted(), [], 'no mount remains');
  };

  await t.test('files and folders of each kind of volume; missing folders are created', async (t) => {
    await client.create(configMaps, { metadata: { name: 'cfg', namespace: 'default' }, data: { key: 'one' } });
    await mkdir(join(host, 'data'), { mode: 0o755 });
    await writeFile(join(host, 'data/file'), 'host file');
    const sleeping = shell('c', 'exec sleep 1000', {
      env: [{ name: 'DIR', value: 'by/expression' }],
      volumeMounts: [
        { name: 'cfg', mountPath: '/key', subPath: 'key' },
        { name: 'empty', mountPath: '/new', subPath: 'new/folder' },
        { name: 'empty', mountPath: '/expr', subPathExpr: 'x/$(DIR)' },
        { name: 'host', mountPath: '/file', subPath: 'data/file', readOnly: true },
        { name: 'host', mountPath: '/data', subPath: 'data' },
        { name: 'empty', mountPath: '/all' },
        { name: 'mem', mountPath: '/mem', subPath: 'part' },
      ],
      securityContext: { runAsUser: 1234 },
    });
    const volumes = [
      { name: 'cfg', configMap: { name: 'cfg' } },
      { name: 'empty', emptyDir: {} },
      { name: 'mem', emptyDir: { medium: 'Memory' } },
      { name: 'host', hostPath: { path: host } },
    ];
    await client.create(pods, kubeletPod('kinds', { volumes, containers: [sleeping] }));
    const kinds = await until('kinds', isReady);
    const show = (object: Pod | undefined, script: string) =>
      dockerd.docker('exec', idOf(object, 'c'), '/bin/sh', '-c', script);
    t.equal(await show(kinds, 'cat /key /file'), 'onehost file');
    t.equal(
      await show(kinds, 'echo a >/new/a; echo b >/expr/b; cat /all/new/folder/a /all/x/by/expression/b'),
      'a\nb\n',
    );
    t.equal(await show(kinds, 'stat -c %a /new /all/new /expr /mem /data'), '777\n777\n777\n777\n755\n');
    t.match(await show(kinds, 'echo x 2>&1 >/file || true'), /Read-only/);
    t.equal((await mounted()).length, 6);
    // A restarted container sees the files as they are at its restart, also after a restart of the kubelet.
    await running.stop();
    running = await startKubelet(client, dockerd);
    await client.patch(configMaps, 'default/cfg', 'merge', { data: { key: 'two' } });
    const volumeDir = join(rootDir, 'pods/uid-of-kinds/volumes/kubernetes.io~configmap/cfg');
    await onDisk(async () => (await readFile(join(volumeDir, 'key'), 'utf8')) === 'two');
    t.equal(await show(kinds, 'cat /key'), 'one');
    await dockerd.docker('kill', idOf(kinds, 'c'));
    const again = await until('kinds', (object) => isReady(object) && idOf(object, 'c') !== idOf(kinds, 'c'));
    t.equal(await show(again, 'cat /key /all/new/folder/a'), 'twoa\n');
    t.equal((await mounted()).length, 6);
    await remove('kinds');
    t.equal(await readFile(join(host, 'data/file'), 'utf8'), 'host file', 'the files of the host stay');
  });

  await t.test('through a link out of the volume: refused, and nothing is created on the host', async (t) => {
    const pod = kubeletPod('link', {
      volumes: [{ name: 'v', emptyDir: {} }],
      initContainers: [shell('lay', `ln -s ${host} /v/link`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
      containers: [
        shell('deep', 'exec sleep 1000', {
          volumeMounts: [{ name: 'v', mountPath: '/w', subPath: 'link/new/folder' }],
        }),
        shell('flat', 'exec sleep 1000', { volumeMounts: [{ name: 'v', mountPath: '/w', subPath: 'link' }] }),
        shell('file', 'exec sleep 1000', { volumeMounts: [{ name: 'v', mountPath: '/w', subPath: 'link/proof' }] }),
      ],
    });
    const before = await readdir(host);
    await client.create(pods, pod);
    const refused = await until(
      'link',
      (object) =>
        object?.status?.containerStatuses?.every(
          ({ state }) => state?.waiting?.reason === 'CreateContainerConfigError',
        ) ?? false,
    );
    t.equal(
      refused?.status?.containerStatuses?.find(({ name }) => name === 'deep')?.state?.waiting?.message,
      'failed to prepare subPath for volumeMount "v" of container "deep"',
    );
    t.same(await readdir(host), before);
    await remove('link');
  });

  await t.test('a container that swaps folder and link while ten others start reaches no host folder', async (t) => {
    const mode = (await stat(host)).mode;
    const toggle = `mkdir -p /v/sub; while :; do
      mv /v/sub /v/keep; ln -s ${host} /v/sub; usleep 3000; rm -f /v/sub; mv /v/keep /v/sub; usleep 3000; done`;
    // The exit code of each container shows which folder it saw: 0 the volume's, 7 the host's. The kubelet starts it again.
    const victim = 'test -e /s/proof && { echo x >/s/written; exit 7; }; exit 0';
    const names = Array.from({ length: 10 }, (_, i) => `victim${i}`);
    const volumeMounts = [{ name: 'v', mountPath: '/s', subPath: 'sub' }];
    await client.create(
      pods,
      kubeletPod('race', {
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [
          shell('toggler', toggle, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
          ...names.map((name) => shell(name, victim, { volumeMounts })),
        ],
      }),
    );
    const ended = new Map<string, number>();
    const race = await until('race', (object) => {
      for (const { name, restartCount, state, lastState } of object?.status?.containerStatuses ?? []) {
        const code = (state?.terminated ?? lastState?.terminated)?.exitCode;
        if (name !== 'toggler' && code !== undefined) ended.set(`${name}-${restartCount}`, code);
      }
      // A start that meets the link is refused and repeated 10 s later. On a busy machine one container can be refused many times in a row:
      // the test counts starts, and does not wait for a second start of each container.
      return ended.size >= names.length;
    });
    t.ok(race);
    t.same([...new Set(ended.values())], [0], 'no container has seen the host folder');
    t.notOk((await readdir(host)).includes('written'));
    t.equal((await stat(host)).mode, mode);
    await remove('race');
  });

  await t.test('a pod that is deleted while no kubelet runs leaves no mount', async (t) => {
    const volumeMounts = [{ name: 'host', mountPath: '/data', subPath: 'data' }];
    const volumes = [{ name: 'host', hostPath: { path: host } }];
    const containers = [shell('c', 'exec sleep 1000', { volumeMounts })];
    await client.create(pods, kubeletPod('orphan', { volumes, containers }));
    await until('orphan', isReady);
    t.equal((await mounted()).length, 1);
    await running.stop();
    await client.delete(pods, 'default/orphan', { gracePeriodSeconds: 0 });
    running = await startKubelet(client, dockerd);
    await onDisk(async () => (await mounted()).length === 0);
    t.equal(await readFile(join(host, 'data/file'), 'utf8'), 'host file');
  });
  await rm(host, { recursive: true });
});
