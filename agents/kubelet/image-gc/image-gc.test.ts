import t from 'tap';
import { Conflict } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { FakeClock } from '../../../test/lib/fake-clock';
import { localNames } from '../images/image-name';
import type { ImageGcPolicy } from '../node/policy';
import type { ImageRecord } from '../runtime/runtime';
import { ImageGc } from './image-gc';
import { shortage, sizeText } from './plan';

const minute = 60_000;
const policy: ImageGcPolicy = { highPercent: 85, lowPercent: 80, minAgeMs: 2 * minute, maxAgeMs: 0 };
const image = (id: string, sizeBytes: number, ...tags: string[]): ImageRecord => ({
  id,
  tags: tags.length > 0 ? tags : [`${id}:1`],
  digests: [],
  sizeBytes,
  user: '',
});

function setUp(images: ImageRecord[], more: Partial<ImageGcPolicy> = {}) {
  const clock = new FakeClock();
  const seen = {
    images,
    removed: [] as string[],
    used: new Set<string>(),
    /** The image of another program's container, and one that cannot be removed. */
    foreign: '',
    broken: '',
    fs: { capacityBytes: 1000, availableBytes: 1000 },
    events: [] as string[],
  };
  const gc = new ImageGc({
    runtime: {
      images: async () => seen.images,
      removeImage: async (name) => {
        if (name === seen.foreign) throw new Conflict(`${name} is used by a container`);
        if (name === seen.broken) throw new Error(`${name} cannot be removed`);
        seen.removed.push(name);
        seen.images = seen.images.filter(({ id, tags }) => id !== name && tags.at(-1) !== name);
      },
    },
    inUse: () => seen.used,
    imageFs: async () => seen.fs,
    policy: { ...policy, ...more },
    clock,
    log: silentLogger,
    report: (type, reason, message) => seen.events.push(`${type} ${reason}: ${message}`),
  });
  return { clock, seen, gc };
}

t.test('below the high threshold all images stay', async (t) => {
  const { clock, seen, gc } = setUp([image('a', 10)]);
  await gc.collect();
  clock.advance(10 * minute);
  seen.fs.availableBytes = 160;
  await gc.collect();
  t.same(seen.removed, []);
});

t.test('from the high threshold on, those unused for longest go, down to the low threshold', async (t) => {
  const { clock, seen, gc } = setUp([image('used', 500), image('once', 30), image('never', 30), image('later', 30)]);
  seen.used = new Set(['used', 'once:1', 'later']);
  await gc.collect();
  clock.advance(5 * minute);
  seen.used = new Set(['used', 'later']);
  await gc.collect();
  clock.advance(5 * minute);
  seen.used = new Set(['used']);
  seen.images = [...seen.images, image('fresh', 30)];
  seen.fs.availableBytes = 150;
  await gc.collect();
  t.same(seen.removed, ['never:1', 'once:1'], '50 bytes are missing to 20 percent');
  t.same(seen.events, []);
});

t.test('an image that is new stays; not enough space is an Event and a failure', async (t) => {
  const { clock, seen, gc } = setUp([image('small', 10)]);
  await gc.collect();
  clock.advance(5 * minute);
  seen.images = [...seen.images, image('fresh', 500)];
  seen.fs = { capacityBytes: 100 * 2 ** 30, availableBytes: 10 * 2 ** 30 };
  await t.rejects(gc.collect(), { code: 'Unavailable' });
  t.same(seen.removed, ['small:1']);
  t.same(seen.events, [
    "Warning FreeDiskSpaceFailed: Insufficient free disk space on the node's image filesystem (90% of 100.0 GiB used). " +
      'Failed to free sufficient space by deleting unused images (freed 10 bytes). ' +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.',
  ]);
});

t.test(
  'for a node that runs short all unused images go, by all their names; one of another program stays',
  async (t) => {
    const { clock, seen, gc } = setUp([image('two', 1, 'two:1', 'two:2'), image('other', 1), image('used', 1)]);
    await gc.removeUnused();
    t.same(seen.removed, [], 'all were just seen for the first time');
    clock.advance(5 * minute);
    seen.used = new Set(['used:1']);
    seen.foreign = 'other:1';
    await gc.removeUnused();
    t.same(seen.removed, ['two:1', 'two:2']);
    seen.broken = 'other:1';
    seen.foreign = '';
    await t.rejects(gc.removeUnused(), /cannot be removed/);
  },
);

t.test('an image without a use for the longest age goes whatever the disk has', async (t) => {
  const { clock, seen, gc } = setUp([image('old', 1), image('used', 1)], { maxAgeMs: 60 * minute });
  seen.used = new Set(['used']);
  await gc.collect();
  clock.advance(60 * minute);
  await gc.collect();
  t.same(seen.removed, [], 'so long the kubelet does not know what was used before it started');
  clock.advance(1);
  await gc.collect();
  t.same(seen.removed, ['old:1']);
});

t.test('every five minutes; the second failure in a row is an Event', async (t) => {
  const { clock, seen, gc } = setUp([]);
  seen.fs = { capacityBytes: 0, availableBytes: 0 };
  const abort = new AbortController();
  const running = gc.run(abort.signal);
  await clock.armed(300_000);
  const invalid = 'Warning InvalidDiskCapacity: invalid capacity 0 on image filesystem';
  t.same(seen.events, [invalid]);
  clock.advance(300_000);
  await clock.armed(300_000);
  t.same(seen.events, [invalid, invalid, 'Warning ImageGCFailed: invalid capacity 0 on image filesystem']);
  abort.abort(new Error('over'));
  await running;
  const off = setUp([], { highPercent: 100 });
  await off.gc.run(new AbortController().signal);
  t.pass('with a threshold of 100 percent and no longest age it does not run');
});

t.test('amounts and names', async (t) => {
  t.equal(shortage({ capacityBytes: 1000, availableBytes: 160 }, policy), undefined);
  t.same(shortage({ capacityBytes: 1000, availableBytes: 150 }, policy), { usedPercent: 85, bytesToFree: 50 });
  t.same([1023, 1536, 5 * 2 ** 20, 2 ** 50].map(sizeText), ['1023 B', '1.5 KiB', '5.0 MiB', '1024.0 TiB']);
  t.same(localNames('busybox'), ['busybox', 'busybox:latest']);
  t.same(localNames('docker.io/library/busybox:1'), ['docker.io/library/busybox:1', 'busybox:1']);
  t.same(localNames('docker.io/me/app:1'), ['docker.io/me/app:1', 'me/app:1']);
  t.same(localNames('registry.test/library/app:1'), ['registry.test/library/app:1']);
});
