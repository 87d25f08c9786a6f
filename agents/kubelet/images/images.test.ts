import t from 'tap';
import type { Secret } from '../../../controlplane/api';
import { FakeClock } from '../../../test/lib/fake-clock';
import { FakeRuntime } from '../runtime/fake';
import { credentialsFor } from './credentials';
import { ImageCache } from './image-cache';
import { defaultPullPolicy, imageRef, parseImageName, withDefaultTag } from './image-name';
import { type ImageError, ImagePuller } from './image-puller';

t.test('image names: registry, repository, tag, digest', async (t) => {
  t.same(parseImageName('nginx'), { registry: 'docker.io', repository: 'nginx' });
  t.same(parseImageName('a/b/c:1.2'), { registry: 'docker.io', repository: 'a/b/c', tag: '1.2' });
  t.same(parseImageName(`localhost:5000/x/y@sha256:${'a'.repeat(64)}`), {
    registry: 'localhost:5000',
    repository: 'x/y',
    digest: `sha256:${'a'.repeat(64)}`,
  });
  t.same(parseImageName('reg.test/x'), { registry: 'reg.test', repository: 'x' });
  for (const bad of ['', 'UPPER', 'a b', 'x:', 'x@sha256:1', '/x', 'a//b'])
    t.equal(parseImageName(bad), undefined, bad);
  t.equal(withDefaultTag('x'), 'x:latest');
  t.equal(withDefaultTag('reg.test:5000/x'), 'reg.test:5000/x:latest');
  t.same(['x', 'x:latest', 'x:1'].map(defaultPullPolicy), ['Always', 'Always', 'IfNotPresent']);
  t.equal(imageRef({ id: 'sha256:1', digests: [] }), 'docker://sha256:1');
});

t.test('credentials: the longest matching path wins', async (t) => {
  const config = {
    auths: {
      'https://reg.test/v2/': { auth: Buffer.from('u:p:q').toString('base64') },
      'reg.test/team': { username: 'team', password: 'x' },
      'https://index.docker.io/v1/': { username: 'hub', password: 'y' },
    },
  };
  const secrets: Secret[] = [
    {
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify(config)).toString('base64') },
    },
    { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': Buffer.from('not json').toString('base64') } },
  ];
  t.match(credentialsFor('reg.test/other/app', secrets), { username: 'u', password: 'p:q' });
  t.match(credentialsFor('reg.test/team/app:1', secrets), { username: 'team' });
  t.match(credentialsFor('nginx', secrets), { username: 'hub' });
  t.equal(credentialsFor('else.test/app', secrets), undefined);
});

t.test('the image cache asks the runtime once for an image, and again after a change', async (t) => {
  let asked = 0;
  const cache = new ImageCache({
    image: async (reference) => {
      asked++;
      return reference === 'x:1' ? { id: 'sha256:1', tags: [], digests: [], sizeBytes: 1, user: '' } : undefined;
    },
  });
  const [a, b] = await Promise.all([cache.get('x:1'), cache.get('x:1')]);
  t.equal(a, b);
  await cache.get('x:1');
  t.equal(asked, 1);
  t.ok(cache.peek('sha256:1'));
  const late = cache.get('y:1');
  cache.clear();
  t.equal(await late, undefined);
  await cache.get('x:1');
  t.equal(asked, 3);
});

t.test('pulls: by policy, one at a time for an image, with back-off for the pod that failed', async (t) => {
  const clock = new FakeClock();
  const runtime = new FakeRuntime(() => clock.now());
  const puller = new ImagePuller({ runtime, cache: new ImageCache(runtime), clock });
  const said: string[] = [];
  const ensure = (image: string, policy?: string, podUid = 'u1') =>
    puller.ensure({
      podUid,
      image,
      policy,
      auth: () => undefined,
      report: (_, reason) => said.push(reason),
      signal: new AbortController().signal,
    });
  /** Resolves with the delay before the next try, in ms. */
  const failsWith = async (image: string, reason: string, policy?: string) => {
    const failure = await ensure(image, policy).then(
      () => undefined,
      (err: ImageError) => err,
    );
    t.equal(failure?.reason, reason);
    return failure!.retryAtMs - clock.now();
  };
  t.equal(await failsWith('x:1', 'ErrImagePull'), 3_000, 'the error is shown for a while');
  t.same(said, ['Pulling', 'Failed', 'Failed']);
  clock.advance(3_000);
  t.equal(await failsWith('x:1', 'ImagePullBackOff'), 7_000, 'then ImagePullBackOff until the next attempt');
  t.same(said.slice(3), ['BackOff', 'Failed']);
  clock.advance(7_000);
  await failsWith('x:1', 'ErrImagePull');
  clock.advance(19_000);
  await failsWith('x:1', 'ImagePullBackOff');
  runtime.registry.set('x:1', { id: 'sha256:x', tags: [], digests: [], sizeBytes: 1, user: '' });
  clock.advance(1_000);
  t.equal((await ensure('x:1')).id, 'sha256:x');
  said.length = 0;
  await ensure('x:1', 'IfNotPresent');
  t.same(said, ['Pulled']);
  await Promise.all([ensure('x:1', 'Always'), ensure('x:1', 'Always')]);
  t.equal(runtime.calls.filter((call) => call === 'pull x:1').length, 4, 'two pulls at the same time are one');
  await failsWith('z:1', 'ErrImagePull');
  runtime.registry.set('z:1', { id: 'sha256:z', tags: [], digests: [], sizeBytes: 1, user: '' });
  t.equal((await ensure('z:1', 'Always', 'u2')).id, 'sha256:z', 'the back-off of one pod does not keep others waiting');
  await failsWith('y:1', 'ErrImageNeverPull', 'Never');
  await failsWith('NO', 'InvalidImageName');
});

t.test('a present image is reported when the volumes are mounted, and not when they cannot be', async (t) => {
  const clock = new FakeClock();
  const runtime = new FakeRuntime(() => clock.now());
  const puller = new ImagePuller({ runtime, cache: new ImageCache(runtime), clock });
  const said: string[] = [];
  const ensure = (volumes: Promise<unknown>) =>
    puller.ensure({
      podUid: 'u1',
      image: 'x:1',
      policy: 'IfNotPresent',
      auth: () => undefined,
      report: (_, reason) => said.push(reason),
      volumes,
      signal: new AbortController().signal,
    });
  runtime.registry.set('x:1', { id: 'sha256:x', tags: [], digests: [], sizeBytes: 1, user: '' });
  await runtime.pull('x:1', undefined);
  await t.rejects(ensure(Promise.reject(new Error('not mounted'))), { message: 'not mounted' });
  t.same(said, []);
  await ensure(Promise.resolve());
  t.same(said, ['Pulled']);
});
