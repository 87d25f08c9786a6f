import t from 'tap';
import { pod } from '../spec/pod.fixture';
import { nodeSample } from '../stats/node-sample.fixture';
import type { FileSystemSample } from '../stats/samples';
import { measurePods } from './measure';
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

t.test('what pods use: from the measurement, and emptyDirs that it does not name', async (t) => {
  const [sample] = nodeSample.pods;
  const uid = sample!.ref.uid;
  const measured = pod({ volumes: [{ name: 'work', emptyDir: {} }] }, { metadata: { uid } });
  const unknown = pod({}, { metadata: { uid: 'unknown' } });
  const counted: string[] = [];
  const uses = await measurePods(
    {
      samples: async () => [sample!],
      folderOf: (podUid, volume) => `/pods/${podUid}/${volume}`,
      count: async (folder) => {
        counted.push(folder);
        return { bytes: 5, inodes: 1 };
      },
    },
    [measured, unknown],
  );
  t.same([...uses.keys()], [uid]);
  const use = uses.get(uid)!;
  t.same(counted, [`/pods/${uid}/work`]);
  t.same(use.volumes.get('work'), { bytes: 5, inodes: 1 });
  t.same(use.volumes.get('cache'), { bytes: 60, inodes: 2 });
  t.notOk(use.volumes.has('data'), 'a claim is not storage of the pod');
  t.match(use.containers, [{ name: 'app', rootfs: { bytes: 300, inodes: 5 }, logs: { bytes: 40, inodes: 1 } }]);
  t.ok(use.memoryBytes! > 0);
});
