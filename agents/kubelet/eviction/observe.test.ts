import t from 'tap';
import { pod } from '../spec/pod.fixture';
import { nodeSample } from '../stats/node-sample.fixture';
import type { FileSystemSample } from '../stats/samples';
import { usesOf } from './measure';
import { Observer } from './observe';

const fs = (device: string, more: Partial<FileSystemSample> = {}): FileSystemSample => ({
  atMs: 0,
  device,
  capacityBytes: 1000,
  availableBytes: 400,
  usedBytes: 600,
  inodes: 100,
  inodesFree: 40,
  ...more,
});
const given = {
  memoryBytes: 8000,
  memory: async () => ({ workingSetBytes: 3000 }),
  podsMemory: async () => ({ usedBytes: 1000, limitBytes: 5000 }),
  nodeFs: async () => fs('/dev/a') as FileSystemSample | undefined,
  imageFs: async () => fs('/dev/a', { availableBytes: 300, inodes: 0, inodesFree: 0 }) as FileSystemSample | undefined,
  processes: async () => ({ maxPids: 100, processes: 130 }),
};

t.test('what the node has left', async (t) => {
  const observer = new Observer(given);
  t.same(await observer.observe(), {
    'memory.available': { capacity: 8000, available: 5000 },
    'allocatableMemory.available': { capacity: 5000, available: 4000 },
    'nodefs.available': { capacity: 1000, available: 400 },
    'nodefs.inodesFree': { capacity: 100, available: 40 },
    'imagefs.available': { capacity: 1000, available: 300 },
    'pid.available': { capacity: 100, available: 0 },
  });
  t.notOk(observer.imageFsApart());
});

t.test('what cannot be read is absent', async (t) => {
  const nothing = async () => undefined;
  const observer = new Observer({
    memoryBytes: 1,
    memory: nothing,
    podsMemory: nothing,
    nodeFs: nothing,
    imageFs: nothing,
    processes: nothing,
  });
  t.same(await observer.observe(), {});
});

t.test('images on a file system of their own; the last answer counts while Docker is away', async (t) => {
  let image: FileSystemSample | undefined = fs('/dev/b');
  const observer = new Observer({ ...given, imageFs: async () => image });
  await observer.observe();
  t.ok(observer.imageFsApart());
  image = undefined;
  t.notOk('imagefs.available' in (await observer.observe()));
  t.ok(observer.imageFsApart());
});

t.test('what pods use, from a measurement', async (t) => {
  const { pods } = nodeSample;
  const uid = pods[0]!.ref.uid;
  const uses = usesOf(pods, [pod({}, { metadata: { uid } }), pod({}, { metadata: { uid: 'unknown' } })]);
  t.same([...uses.keys()], [uid]);
  const use = uses.get(uid)!;
  t.same(use.volumes, new Map([['cache', { bytes: 60, inodes: 2 }]]), 'a claim is not storage of the pod');
  t.match(use.containers, [{ name: 'app', rootfs: { bytes: 300, inodes: 5 }, logs: { bytes: 40, inodes: 1 } }]);
  t.ok(use.memoryBytes! > 0);
  t.same(usesOf(pods, []), new Map());
});
