import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Secret } from '../../../controlplane/api';
import { silentLogger } from '../../../controlplane/base/logger';
import { FakeClock } from '../../../test/lib/fake-clock';
import { FakeRuntime } from '../runtime/fake';
import { credentialsFor } from './credentials';
import { ImageCache } from './image-cache';
import { defaultPullPolicy, imageRef, parseImageName, withDefaultTag } from './image-name';
import { type ImageError, ImagePuller } from './image-puller';
import { PullRecords } from './pull-records';

const secretOf = (name: string, auths: Record<string, unknown>): Secret => ({
  metadata: { name, namespace: 'ns', uid: name },
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
});

async function pullRecords(t: Test): Promise<{ open: () => Promise<PullRecords>; path: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-pulls-'));
  const opened: PullRecords[] = [];
  t.teardown(async () => {
    for (const records of opened) await records.saved();
    await rm(dir, { recursive: true });
  });
  const path = join(dir, 'state');
  const open = async () => {
    const records = await PullRecords.open(path, silentLogger);
    opened.push(records);
    return records;
  };
  return { path, open };
}

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
  const users = (image: string, of = secrets) => credentialsFor(image, of).map(({ auth }) => auth.username);
  t.match(credentialsFor('reg.test/other/app', secrets)[0]?.auth, { username: 'u', password: 'p:q' });
  t.same(users('reg.test/team/app:1'), ['team', 'u']);
  t.same(users('nginx'), ['hub']);
  t.same(users('else.test/app'), []);
  const places = (...keys: string[]): Secret[] => [
    secretOf('s', Object.fromEntries(keys.map((key) => [key, { username: key, password: 'x' }]))),
  ];
  t.same(users('a.reg.test:5000/app', places('*.reg.test:5000')), ['*.reg.test:5000'], 'a label may be a pattern');
  t.same(users('a.b.reg.test/app', places('*.reg.test')), [], 'of one label');
  t.same(users('a.reg.test:5000/app', places('*.reg.test', '*.reg.test:5001', 'b*.reg.test:5000')), []);
  t.same(users('east1.reg.test/app', places('e*t?.reg.test')), ['e*t?.reg.test']);
  t.same(users('[::1]:5000/app', places('[::2]:5000', '[::1]:5000', '[::1]')), ['[::1]:5000']);
  const twice = [
    secretOf('old', { 'reg.test': { username: 'old' } }),
    secretOf('new', { 'reg.test': { username: 'new' } }),
  ];
  t.same(users('reg.test/app', twice), ['old', 'new'], 'several Secrets for one registry, in their order');
  t.match(credentialsFor('reg.test/app', twice)[1]?.source, { uid: 'new', namespace: 'ns', name: 'new' });
  t.same(users('reg.test/app', [secretOf('s', { 'reg.test': null })]), []);
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

async function openPuller(t: Test) {
  const clock = new FakeClock();
  const runtime = new FakeRuntime(() => clock.now());
  const records = await (await pullRecords(t)).open();
  return { clock, runtime, puller: new ImagePuller({ runtime, cache: new ImageCache(runtime), records, clock }) };
}

t.test('a pod that is deleted while its pull is recorded starts no pull and waits for none', async (t) => {
  const { runtime, puller } = await openPuller(t);
  const abort = new AbortController();
  const pull = puller.ensure({
    podUid: 'u1',
    image: 'far:1',
    credentials: () => [],
    report: (_, reason) => {
      // The record is written next.
      if (reason === 'Pulling') setImmediate(() => abort.abort(new Error('the pod is deleted')));
    },
    signal: abort.signal,
  });
  runtime.pull = async () => {
    if (abort.signal.aborted) t.fail('a pull begins');
    await new Promise(() => {});
  };
  await t.rejects(pull, { message: 'the pod is deleted' });
});

t.test('pulls: by policy, one at a time for an image, with back-off for the pod that failed', async (t) => {
  const { clock, runtime, puller } = await openPuller(t);
  const said: string[] = [];
  const ensure = (image: string, policy?: string, podUid = 'u1') =>
    puller.ensure({
      podUid,
      image,
      policy,
      credentials: () => [],
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
  const before = said.length;
  await failsWith('y:1', 'ErrImageNeverPull', 'Never');
  await failsWith('NO', 'InvalidImageName');
  t.same(said.slice(before), ['ErrImageNeverPull', 'Failed', 'InspectFailed', 'Failed']);
});

t.test('a present image is reported when the volumes are mounted, and not when they cannot be', async (t) => {
  const { runtime, puller } = await openPuller(t);
  const said: string[] = [];
  const ensure = (volumes: Promise<unknown>) =>
    puller.ensure({
      podUid: 'u1',
      image: 'x:1',
      policy: 'IfNotPresent',
      credentials: () => [],
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

t.test('an image on the node is for the pods that may pull it', async (t) => {
  const clock = new FakeClock();
  const runtime = new FakeRuntime(() => clock.now());
  const image = (id: string) => ({ id, tags: [], digests: [], sizeBytes: 1, user: '' });
  runtime.registry.set('reg.test/a:1', image('sha256:a'));
  runtime.registry.set('reg.test/open:1', image('sha256:open'));
  runtime.addImage('reg.test/loaded:1', image('sha256:loaded'));
  /** What the registry accepts for its private image. */
  const accepted = new Set(['good']);
  const tried: (string | undefined)[] = [];
  const pull = runtime.pull.bind(runtime);
  runtime.pull = async (reference, auth) => {
    tried.push(auth?.username);
    if (reference === 'reg.test/a:1' && !accepted.has(auth?.username ?? ''))
      throw new Error(`denied: ${auth?.username}`);
    return pull(reference, auth);
  };
  const { open } = await pullRecords(t);
  let records = await open();
  const secrets = {
    good: secretOf('good', { 'reg.test': { username: 'good' } }),
    bad: secretOf('bad', { 'reg.test': { username: 'bad' } }),
    copy: {
      ...secretOf('good', { 'reg.test': { username: 'good' } }),
      metadata: { name: 'copy', namespace: 'other', uid: 'copy' },
    },
    rotated: secretOf('good', { 'reg.test': { username: 'rotated' } }),
  };
  let pods = 0;
  /** Resolves with the Event Pulled, or with the failure's reason and message. */
  const start = async (name: string, own: (keyof typeof secrets)[], policy = 'IfNotPresent') => {
    tried.length = 0;
    const puller = new ImagePuller({ runtime, cache: new ImageCache(runtime), records, clock });
    let pulled = '';
    try {
      await puller.ensure({
        podUid: `u${pods++}`,
        image: name,
        policy,
        credentials: () =>
          credentialsFor(
            name,
            own.map((key) => secrets[key]),
          ),
        report: (_, reason, message) => {
          if (reason === 'Pulled') pulled = message.split(' image ')[0]!;
        },
        signal: new AbortController().signal,
      });
      return pulled;
    } catch (err) {
      return `${(err as ImageError).reason}: ${(err as ImageError).message.split('": ')[1] ?? ''}`;
    }
  };
  const here = 'Container';
  t.equal(await start('reg.test/loaded:1', []), here, 'an image that was loaded is for all');
  t.equal(await start('reg.test/a:1', ['bad', 'good']), 'Successfully pulled', 'the second Secret fits');
  t.same(tried, ['bad', 'good']);
  t.equal(await start('reg.test/a:1', ['good']), here);
  t.equal(await start('reg.test/a:1', ['copy']), here, 'the same credentials in another Secret');
  t.same(tried, []);
  t.equal(await start('reg.test/a:1', []), 'ErrImagePull: denied: undefined', 'no credentials');
  t.equal(await start('reg.test/a:1', ['bad']), 'ErrImagePull: denied: bad');
  t.equal(await start('reg.test/a:1', ['rotated']), here, 'the Secret whose credentials were replaced since');
  t.equal(await start('reg.test/a:1', ['bad', 'rotated'], 'Always'), 'ErrImagePull: [denied: bad, denied: rotated]');
  t.equal(await start('reg.test/a:1', [], 'Never'), 'ErrImageNeverPull: ', 'as if the image were not there');
  t.equal(await start('reg.test/a:1', ['good'], 'Never'), here);
  t.equal(await start('reg.test/open:1', []), 'Successfully pulled');
  t.equal(await start('reg.test/open:1', ['bad']), here, 'an image that needs no credentials is for all');

  await records.saved();
  records = await open();
  t.equal(await start('reg.test/a:1', ['copy']), here, 'a kubelet that starts again remembers');
  t.equal(await start('reg.test/a:1', []), 'ErrImagePull: denied: undefined');

  await runtime.removeImage('sha256:a');
  t.equal(await start('reg.test/open:1', ['good'], 'Always'), 'Successfully pulled');
  await new Promise(setImmediate);
  t.notOk(records.known().includes('sha256:a'), 'the record goes with its image');
});

t.test('a pull that a killed kubelet had begun does not make its image one for all pods', async (t) => {
  const { open, path } = await pullRecords(t);
  const killed = await open();
  await killed.begin('reg.test/a:1');
  const next = await open();
  t.equal(
    next.allows('reg.test/a:1', 'sha256:a', () => []),
    false,
  );
  t.equal(
    next.allows('reg.test/b:1', 'sha256:b', () => []),
    true,
    'an image without any record',
  );
  await writeFile(path, 'damaged');
  t.equal(
    (await open()).allows('reg.test/a:1', 'sha256:a', () => []),
    true,
  );
});
