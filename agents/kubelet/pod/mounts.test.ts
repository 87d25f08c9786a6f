import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
} from '../../../controlplane/api';
import type { ContainerSpec } from '../runtime/runtime';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

const volumes = [{ name: 'e', emptyDir: {} }];

t.test('recursive read-only mounts: what Docker cannot do is refused', async (t) => {
  const { create, waiting, ready } = await setUp(t);
  const mount = { name: 'e', mountPath: '/e', readOnly: true, recursiveReadOnly: 'Enabled' };
  const start = (name: string, more: object) =>
    create(name, { volumes, containers: [container('app', { volumeMounts: [{ ...mount, ...more }] })] });
  const refused: Record<string, [object, string]> = {
    enabled: [{}, 'it is not supported by the runtime'],
    writable: [{ readOnly: false }, 'it is not read-only'],
    propagated: [{ mountPropagation: 'HostToContainer' }, 'it is not compatible with propagation "HostToContainer"'],
  };
  for (const [name, [more, why]] of Object.entries(refused)) {
    await start(name, more);
    const pod = await waiting(name, 'CreateContainerConfigError');
    t.equal(
      pod?.status?.containerStatuses?.[0]?.state?.waiting?.message,
      `failed to resolve recursive read-only mode: volume "e" requested recursive read-only mode, but ${why}`,
    );
  }
  await start('possible', { recursiveReadOnly: 'IfPossible' });
  t.ok(await ready('possible'));
});

t.test('a subPath that variables make longer than any path is refused before it is split', async (t) => {
  const { create, waiting } = await setUp(t);
  const mount = { name: 'e', mountPath: '/e', subPathExpr: '$(A)'.repeat(5) };
  const env = [{ name: 'A', value: 'a/'.repeat(500) }];
  await create('long', { volumes, containers: [container('app', { volumeMounts: [mount], env })] });
  const pod = await waiting('long', 'CreateContainerConfigError');
  const { message } = pod?.status?.containerStatuses?.[0]?.state?.waiting ?? {};
  t.equal(message, 'subPath is longer than 4096 characters');
});

t.test('claims become mounts of the container; a missing claim is an Event', async (t) => {
  const { create, ready, client, runtime, rootDir, reasons } = await setUp(t);
  const specs: ContainerSpec[] = [];
  const made = runtime.create.bind(runtime);
  runtime.create = (spec) => {
    specs.push(spec);
    return made(spec);
  };
  const disk = join(rootDir, 'disk');
  await mkdir(disk);
  const bound = async (name: string, spec: Partial<PersistentVolume['spec']>) => {
    const accessModes = ['ReadWriteOnce'];
    const claimRef = { namespace: 'shop', name, uid: `claim-${name}` };
    await client.create<PersistentVolume>(persistentVolumes, {
      metadata: { name: `pv-${name}` },
      spec: { accessModes, claimRef, ...spec },
    });
    await client.create<PersistentVolumeClaim>(persistentVolumeClaims, {
      metadata: { name, namespace: 'shop', uid: `claim-${name}` },
      spec: { volumeName: `pv-${name}`, accessModes },
      status: { phase: 'Bound' },
    });
  };
  const claims = [
    { name: 'd', persistentVolumeClaim: { claimName: 'disk', readOnly: true } },
    { name: 's', persistentVolumeClaim: { claimName: 'shared' } },
  ];
  const volumeMounts = [
    { name: 'd', mountPath: '/data' },
    { name: 's', mountPath: '/shared', mountPropagation: 'Bidirectional' },
  ];
  await bound('shared', { hostPath: { path: disk } });
  await create('web', { volumes: claims, containers: [container('app', { volumeMounts })] });
  while (!(await reasons()).includes('FailedMount')) await new Promise((resolve) => setImmediate(resolve));
  await bound('disk', { local: { path: disk } });
  // Any change of the pod starts another pass.
  await client.patch(pods, 'shop/web', 'merge', { metadata: { labels: { try: 'again' } } });
  await ready('web');
  const shown = specs.find(({ name }) => name.includes('_app_'))?.mounts.slice(0, 2);
  t.same(shown, [
    {
      hostPath: join(rootDir, 'pods/uid-web/volumes/kubernetes.io~local-volume/pv-disk'),
      containerPath: '/data',
      readOnly: true,
    },
    { hostPath: disk, containerPath: '/shared', readOnly: false, propagation: 'rshared' },
  ]);
});
