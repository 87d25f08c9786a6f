import t, { type Test } from 'tap';
import { MemoryClient } from '../../../test/lib/memory-client';
import { type Pod, pods } from '../../api/pod';
import { type ReplicaSet, replicaSets } from '../../api/replica-set';
import { systemClock as clock } from '../../base/clock';
import { isUnavailable } from '../../base/errors';
import { silentLogger as log } from '../../base/logger';
import type { Deps } from './deps';
import { InformerSet } from './informers';
import { controllerOf, controllerReference, metaOf } from './owner';
import { PodOwner } from './pod-owner';

const labels = { app: 'web' };
const selector = [{ key: 'app', operator: 'In' as const, values: ['web'] }];
const key = 'a/web';

async function open(t: Test) {
  const client = new MemoryClient();
  const set = await client.create<ReplicaSet>(replicaSets, { metadata: { name: 'web', namespace: 'a' } } as ReplicaSet);
  const informers = new InformerSet({ client, log });
  const events: string[] = [];
  const recorder = () => ({
    record: (_object: unknown, type: string, reason: string) => void events.push(`${type} ${reason}`),
    flushed: async () => {},
  });
  const deps: Deps = { client, informers, clock, log, recorder };
  const owner = new PodOwner<ReplicaSet>(deps, { kind: replicaSets, component: 'test', finalizer: 'k8ts.dev/test' });
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('done'));
    await running;
  });
  await Promise.all([owner.workloads.synced(abort.signal), owner.pods.synced(abort.signal)]);
  const { signal } = abort;
  const pod = (name: string): Pod =>
    ({ metadata: { name, namespace: 'a', labels }, spec: { containers: [] } }) as unknown as Pod;
  /** Resolves when the informer's copy has that many pods. */
  const shown = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => owner.pods.list().length === count && resolve();
      owner.pods.onChange(look);
      look();
    });
  return { client, set, owner, events, signal, pod, shown };
}

t.test('a claim adopts an orphan and adds the finalizer, and returns its pods at the next pass', async (t) => {
  const { client, set, owner, signal, pod, shown } = await open(t);
  await client.create(pods, pod('orphan'));
  await shown(1);
  t.equal(
    await owner.claim(key, set, selector, signal),
    undefined,
    'after a write, nothing is planned on the old copy',
  );
  const adopted = await client.get(pods, 'a/orphan');
  t.equal(controllerOf(adopted)?.uid, metaOf(set).uid);
  t.same(adopted.metadata?.finalizers, ['k8ts.dev/test']);
});

t.test('pods are created until one create fails, and the failure becomes an Event', async (t) => {
  const { client, set, owner, events, signal, pod, shown } = await open(t);
  let next = 0;
  const render = (): Pod => {
    const made = pod(`p${next++}`);
    made.metadata!.ownerReferences = [controllerReference(replicaSets, set)];
    return made;
  };
  t.equal(await owner.create(key, set, 3, render, signal), undefined);
  t.same(events, Array(3).fill('Normal SuccessfulCreate'));
  await shown(3);
  t.equal(owner.guard.isCurrent(key), true, 'the copy has the new pods');
  t.same((await owner.claim(key, set, selector, signal))?.length, 3);
  client.down = true;
  t.ok(isUnavailable(await owner.create(key, set, 5, render, signal)));
  t.equal(next, 4, 'the first batch is one pod: later batches are not tried');
  t.equal(events.at(-1), 'Warning FailedCreate');
});

t.test('a failed deletion becomes an Event and is thrown; a missing pod counts as deleted', async (t) => {
  const { client, set, owner, events, signal, pod, shown } = await open(t);
  const made = await client.create(pods, pod('p'));
  await shown(1);
  client.down = true;
  await t.rejects(owner.delete(key, set, made, signal));
  t.same(events, ['Warning FailedDelete']);
  client.down = false;
  await owner.delete(key, set, made, signal);
  await owner.delete(key, set, made, signal);
  t.same(events.slice(1), ['Normal SuccessfulDelete']);
});
