// Removal of unused images from a real Docker daemon: images with several names, and images of containers that are not of pods.
import t from 'tap';
import { ImageGc } from '../../agents/kubelet/image-gc/image-gc';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { FakeClock } from '../lib/fake-clock';

t.test('unused images are removed', { skip: skipWithoutDocker(), timeout: 240_000 }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const { docker, host, image, pauseImage } = await startDockerd(scope);
  const derived = async (name: string) => {
    const id = (await docker('create', image, 'true')).trim();
    await docker('commit', '-m', name, id, name);
    await docker('rm', id);
  };
  for (const name of ['unused:1', 'two:1', 'foreign:1', 'pod:1']) await derived(name);
  await docker('tag', 'two:1', 'two:2');
  // A container of the machine's user, which has not even started.
  await docker('create', '--name', 'own', 'foreign:1', 'true');
  const clock = new FakeClock();
  const events: string[] = [];
  const gc = new ImageGc({
    runtime: new DockerRuntime(host),
    inUse: () => ['pod:1', pauseImage, image],
    imageFs: async () => ({ capacityBytes: 100, availableBytes: 5 }),
    policy: { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: 0 },
    clock,
    log: silentLogger,
    report: (_, reason) => events.push(reason),
  });
  const names = async () => (await docker('images', '--format', '{{.Repository}}:{{.Tag}}')).trim().split('\n').sort();
  const all = await names();
  await gc.removeUnused();
  t.same(await names(), all, 'they were just seen for the first time');
  clock.advance(120_000);
  await gc.removeUnused();
  t.same(
    await names(),
    all.filter((name) => !['unused:1', 'two:1', 'two:2'].includes(name)),
  );
  t.same(events, []);
});
