import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { container } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';

const volumes = [{ name: 'art', image: { reference: 'far.test/art:1', pullPolicy: 'IfNotPresent' } }];
const art = { id: 'sha256:art', tags: [], digests: [], sizeBytes: 7, user: '' };
const mounting = container('app', { volumeMounts: [{ name: 'art', mountPath: '/art' }] });

t.test(
  'the layers of the image are shown at the path of the volume, which Docker mounts with the flags it has',
  async (t) => {
    const { create, ready, runtime, mounts, rootDir } = await setUp(t);
    const shown: unknown[] = [];
    const specs: unknown[] = [];
    const made = runtime.create.bind(runtime);
    Object.assign(mounts, { ensureLayers: async (...args: unknown[]) => void shown.push(args) });
    runtime.create = (spec) => {
      specs.push(...spec.mounts.filter(({ containerPath }) => containerPath === '/art'));
      return made(spec);
    };
    runtime.registry.set('far.test/art:1', { ...art, layers: ['/layers/2', '/layers/1'] });
    await create('web', { containers: [mounting], volumes });
    await ready('web');
    const path = join(rootDir, 'pods/uid-web/volumes/kubernetes.io~image/art');
    t.same(shown, [[path, ['/layers/2', '/layers/1']]]);
    t.ok((await stat(path)).isDirectory());
    t.match(specs, [{ hostPath: path, readOnly: false }]);
  },
);

t.test('only containers that mount the volume wait for its image', async (t) => {
  const { create, until, runtime, clock } = await setUp(t);
  await create('web', { containers: [mounting, container('other')], volumes });
  const waits = await until('web', ({ status } = {}) => {
    const [waiting, other] = status?.containerStatuses ?? [];
    return waiting?.state?.waiting?.reason === 'ErrImagePull' && other?.state?.running !== undefined;
  });
  t.match(waits?.status?.containerStatuses?.[0]?.state?.waiting, {
    message: /^failed to pull image "far.test\/art:1": /,
  });
  runtime.registry.set('far.test/art:1', { ...art, layers: ['/layers/1'] });
  clock.advance(10_000);
  t.ok(await until('web', ({ status } = {}) => status?.containerStatuses?.[0]?.state?.running !== undefined));
});

t.test('a Docker that shows no layers', async (t) => {
  const { create, waiting, runtime } = await setUp(t);
  runtime.registry.set('far.test/art:1', art);
  await create('web', { containers: [mounting], volumes });
  const web = await waiting('web', 'CreateContainerError');
  t.equal(
    web?.status?.containerStatuses?.[0]?.state?.waiting?.message,
    'ImageVolumeMountFailed: volume "art": the storage driver of Docker is not overlay2',
  );
});
