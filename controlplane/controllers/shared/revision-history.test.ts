import t, { type Test } from 'tap';
import { MemoryClient } from '../../../test/lib/memory-client';
import { type ControllerRevision, controllerRevisions } from '../../api/controller-revision';
import { type DaemonSet, daemonSets } from '../../api/daemon-set';
import { selectorFromLabelSelector } from '../../api/selector';
import { systemClock as clock } from '../../base/clock';
import { silentLogger as log } from '../../base/logger';
import { createEventRecorder } from '../../client/event-recorder';
import { InformerSet } from './informers';
import { metaOf } from './owner';
import { RevisionHistory } from './revision-history';
import { daemonSetRevisions } from './revisions';

const key = 'a/ds';
const withImage = (image: string, set?: DaemonSet): DaemonSet => ({
  ...set,
  metadata: set?.metadata ?? { name: 'ds', namespace: 'a' },
  spec: {
    selector: {},
    template: { metadata: { labels: { app: 'ds' } }, spec: { containers: [{ name: 'c', image }] } },
  },
});

async function open(t: Test) {
  const client = new MemoryClient();
  const informers = new InformerSet({ client, log });
  const recorder = (component: string) => createEventRecorder({ client, component, log, clock });
  const history = new RevisionHistory<DaemonSet>(
    { client, informers, clock, log, recorder },
    {
      kind: daemonSets,
      template: ({ spec }) => spec?.template ?? {},
      selector: () => selectorFromLabelSelector({ matchLabels: { app: 'ds' } }) ?? [],
      limit: () => 1,
      form: daemonSetRevisions,
    },
  );
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('done'));
    await running;
  });
  const { signal } = abort;
  await history.revisions.synced(signal);
  /** Resolves when the informer's copy has every write. */
  const current = () =>
    new Promise<void>((resolve) => {
      const look = () => history.isCurrent(key) && resolve();
      history.revisions.onChange(look);
      look();
    });
  const set = await client.create(daemonSets, withImage('i:1'));
  return { client, history, set, signal, current };
}
const numbers = (revisions: readonly ControllerRevision[]) => revisions.map(({ revision }) => revision).sort();

t.test('each template becomes a revision, and revisions beyond the limit are removed', async (t) => {
  const { client, history, set, signal, current } = await open(t);
  const hashes = new Set<string | undefined>();
  for (const image of ['i:1', 'i:2', 'i:3', 'i:3']) {
    hashes.add(await history.apply(key, withImage(image, set), [], signal));
    await current();
  }
  t.equal(hashes.size, 3, 'the same template has the same hash');
  t.notOk(hashes.has(undefined));
  t.same(numbers((await client.list(controllerRevisions)).items), [2, 3]);
  await history.apply(key, withImage('i:2', set), [], signal);
  t.same(numbers((await client.list(controllerRevisions)).items), [3, 4], 'an earlier template is the newest again');
});

t.test("another owner's revision with the same name is a collision, which changes the hash", async (t) => {
  const { client, history, set, signal, current } = await open(t);
  const hash = await history.apply(key, set, [], signal);
  await current();
  const [revision] = (await client.list(controllerRevisions)).items;
  const metadata = {
    ...revision!.metadata,
    ownerReferences: [{ ...revision!.metadata!.ownerReferences![0]!, uid: 'old' }],
  };
  await client.update(controllerRevisions, { ...revision!, metadata });
  await new Promise<void>((resolve) => {
    const look = () =>
      history.revisions.get(`a/ds-${hash}`)?.metadata?.ownerReferences?.[0]?.uid === 'old' && resolve();
    history.revisions.onChange(look);
    look();
  });
  t.equal(await history.apply(key, set, [], signal), undefined, 'the status is written first');
  const counted = await client.get(daemonSets, key);
  t.equal(counted.status?.collisionCount, 1);
  t.equal(metaOf(counted).uid, metaOf(set).uid);
  const next = await history.apply(key, counted, [], signal);
  t.ok(next);
  t.not(next, hash);
});

t.test('a new owner adopts the revisions of an earlier one, so it knows the pods of that time', async (t) => {
  const { client, history, set, signal, current } = await open(t);
  const hash = await history.apply(key, set, [], signal);
  await current();
  const [revision] = (await client.list(controllerRevisions)).items;
  const { ownerReferences: _owner, ...metadata } = revision!.metadata!;
  await client.update(controllerRevisions, { ...revision!, metadata });
  await new Promise<void>((resolve) => {
    const look = () => history.revisions.get(`a/ds-${hash}`)?.metadata?.ownerReferences === undefined && resolve();
    history.revisions.onChange(look);
    look();
  });
  t.equal(await history.apply(key, set, [], signal), undefined, 'the adoption is written first');
  await current();
  t.equal(await history.apply(key, set, [], signal), hash);
  t.equal((await client.list(controllerRevisions)).items.length, 1);
});

t.test('a revision that was left a moment ago is adopted, although the copy does not show it', async (t) => {
  const client = new MemoryClient();
  const recorder = (component: string) => createEventRecorder({ client, component, log, clock });
  // Its informers never run: the copy is as old as it can be.
  const deps = { client, informers: new InformerSet({ client, log }), clock, log, recorder };
  const options = {
    kind: daemonSets,
    template: ({ spec }: DaemonSet) => spec?.template ?? {},
    selector: () => selectorFromLabelSelector({ matchLabels: { app: 'ds' } }) ?? [],
    limit: () => 1,
    form: daemonSetRevisions,
  };
  const { signal } = new AbortController();
  const set = await client.create(daemonSets, withImage('i:1'));
  const hash = await new RevisionHistory<DaemonSet>(deps, options).apply(key, set, [], signal);
  const [revision] = (await client.list(controllerRevisions)).items;
  const { ownerReferences: _owner, ...metadata } = revision!.metadata!;
  await client.update(controllerRevisions, { ...revision!, metadata });
  t.ok(hash);
  t.equal(await new RevisionHistory<DaemonSet>(deps, options).apply(key, set, [], signal), undefined);
  const [adopted, ...more] = (await client.list(controllerRevisions)).items;
  t.match(adopted?.metadata?.ownerReferences, [{ uid: metaOf(set).uid, controller: true }]);
  t.same(more, []);
  t.equal((await client.get(daemonSets, key)).status?.collisionCount, undefined, 'no collision');
});
