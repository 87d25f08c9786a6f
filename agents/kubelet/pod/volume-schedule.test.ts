import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { now, pod } from '../spec/pod.fixture';
import { VolumesFailed } from '../volumes/failures';
import { VolumeError } from '../volumes/payload';
import { VolumeSchedule } from './volume-schedule';

const facts = { nodeIps: [], podIps: [], allocatable: {} };
const labelled = (value: string) => pod({}, { metadata: { name: 'web', labels: { app: value } } });

function setUp() {
  const clock = new FakeClock(now);
  let sets = 0;
  let next: number | undefined;
  let during = () => {};
  const volumes = {
    watchReferences: async () => {},
    setUp: async () => {
      sets++;
      during();
      return next;
    },
  };
  const schedule = new VolumeSchedule({ clock, volumes });
  return {
    clock,
    schedule,
    sets: () => sets,
    answer: (timeMs: number | undefined, work = () => {}) => {
      next = timeMs;
      during = work;
    },
    run: () => schedule.setUp(pod(), facts, new AbortController().signal),
  };
}

t.test('volumes are set up once, and again after a change or when a token is due', async (t) => {
  const { schedule, clock, sets, answer, run } = setUp();
  answer(now + 1_000);
  t.equal(await run(), now + 1_000);
  t.equal(await run(), now + 1_000);
  t.equal(sets(), 1, 'nothing has changed');
  schedule.changed();
  await run();
  t.equal(sets(), 2);
  clock.advance(1_000);
  answer(undefined);
  t.equal(await run(), undefined);
  t.equal(sets(), 3, 'the time had come');
});

t.test('labels, annotations and new ephemeral containers count as changes, other fields do not', async (t) => {
  const { schedule, sets, run } = setUp();
  schedule.observe(labelled('a'));
  await run();
  schedule.observe({ ...labelled('a'), status: { phase: 'Running' } });
  await run();
  t.equal(sets(), 1);
  schedule.observe(labelled('b'));
  await run();
  t.equal(sets(), 2);
  schedule.observe({ ...pod({ ephemeralContainers: [{ name: 'tool' }] }), metadata: labelled('b').metadata });
  await run();
  t.equal(sets(), 3, 'it may refer to a ConfigMap or Secret');
});

t.test('volumes that fail for long are reported together, as upstream does every two minutes', async (t) => {
  const { answer, run, clock } = setUp();
  const failed = { name: 'v', shownName: 'pv', isDevice: false, error: new VolumeError('no server') };
  answer(undefined, () => {
    throw new VolumesFailed([failed]);
  });
  const mount = 'MountVolume.SetUp failed for volume "pv" : no server';
  const late =
    'Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[]: context deadline exceeded';
  const reported = () => run().catch((err: VolumesFailed) => err.events);
  t.same(await reported(), [mount]);
  clock.advance(123_000);
  t.same(await reported(), [mount, late]);
  clock.advance(60_000);
  t.same(await reported(), [mount]);
  answer(undefined);
  await run();
});

t.test('a change during the work, and a failure, lead to more work', async (t) => {
  const { schedule, sets, answer, run } = setUp();
  answer(undefined, () => schedule.changed());
  await run();
  answer(undefined);
  await run();
  t.equal(sets(), 2);
  schedule.changed();
  answer(undefined, () => {
    throw new Error('no such secret');
  });
  await t.rejects(run(), { message: 'no such secret' });
  answer(undefined);
  await run();
  t.equal(sets(), 4);
});
