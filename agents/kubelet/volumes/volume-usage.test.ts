import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import type { Content } from './plugins/plugin';
import { VolumeUsage } from './volume-usage';

const size = { capacityBytes: 1000, availableBytes: 600, inodes: 50, inodesFree: 40 };
const system = { size, used: { bytes: 300, inodes: 10 } };
const files = () => {
  const kept: string[][] = [];
  return {
    kept,
    of: async (dir: string) => (dir === '/gone' ? undefined : { bytes: 7, inodes: 2 }),
    keepOnly: (dirs: ReadonlySet<string>) => void kept.push([...dirs]),
  };
};
const content = (measured: Content['measured']): Content => ({
  dir: 'x',
  readOnly: false,
  path: undefined,
  references: { configMaps: [], secrets: [] },
  measured,
  setUp: async () => undefined,
});
const emptyDir = (path: string, medium?: string) => ({
  volume: { name: path, emptyDir: medium ? { medium } : {} },
  content: content(medium ? 'file-system' : 'files'),
  path,
});
const disk = {
  volume: { name: 'disk', persistentVolumeClaim: { claimName: 'data' } },
  content: content('file-system'),
  path: '/disk',
  claim: { namespace: 'shop', name: 'data' },
};

t.test('files are counted, file systems asked; what is not the pod’s own is not reported', async (t) => {
  const clock = new FakeClock(1000);
  const counted = files();
  const usage = new VolumeUsage(clock, counted, async () => system);
  for (const each of [emptyDir('a'), emptyDir('m', 'Memory'), emptyDir('/gone'), disk]) usage.note('u1', each);
  usage.note('u1', { ...emptyDir('h'), content: content(undefined) });
  usage.note('u2', emptyDir('other'));
  t.same(await usage.of('u1'), [
    { name: 'a', atMs: 1000, used: { bytes: 7, inodes: 2 }, ephemeral: true, size },
    { name: 'm', atMs: 1000, used: system.used, ephemeral: false, size },
    { name: 'disk', atMs: 1000, used: system.used, ephemeral: false, size, claim: { namespace: 'shop', name: 'data' } },
  ]);
  t.same(
    (await usage.of('u1', 'claims')).map(({ name }) => name),
    ['disk'],
  );
  usage.forget('u1');
  t.same(await usage.of('u1'), []);
  t.same(counted.kept, [['other']], 'folders that are gone are forgotten');
});

t.test('a server that does not answer is asked once, and waited for a bounded time', async (t) => {
  const clock = new FakeClock();
  let calls = 0;
  const answer = Promise.withResolvers<typeof system>();
  const usage = new VolumeUsage(clock, files(), () => {
    calls++;
    return answer.promise;
  });
  usage.note('u1', disk);
  for (let round = 0; round < 2; round++) {
    const asked = usage.of('u1');
    await clock.armed(5_000);
    clock.advance(5_000);
    t.same(await asked, []);
  }
  t.equal(calls, 1);
  answer.resolve(system);
  t.match(await usage.of('u1'), [{ used: { bytes: 300 } }]);
});
