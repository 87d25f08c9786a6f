// By the numbers of resizes.ts, and the order and texts of resize-plan.ts.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Pod } from '../../../controlplane/api';
import { silentLogger } from '../../../controlplane/base/logger';
import { FakeClock } from '../../../test/lib/fake-clock';
import { pod as basePod, container } from '../spec/pod.fixture';
import { PodAllocations } from './allocations';
import { inOrder } from './resize-plan';
import { Resizes } from './resizes';

const mega = 2 ** 20;

function pod(name: string, cpu: string, generation = 1, more: { spec?: object; status?: object } = {}): Pod {
  const containers = [container('app', { resources: { requests: { cpu, memory: '1Mi' } } })];
  const base = basePod({ containers, ...more.spec });
  return { ...base, metadata: { ...base.metadata, name, uid: name, generation }, status: more.status } as Pod;
}
const cpuOf = (one: Pod) => one.spec!.containers[0]!.resources?.requests?.['cpu'];

async function start(t: Pick<typeof import('tap').t, 'teardown'>, given?: string) {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'k8ts-allocations-')));
  const path = join(folder, 'allocated_pods_state');
  const allocations = await PodAllocations.open(path, silentLogger);
  // A write that is under way would create its file while the folder is removed.
  if (!given) t.teardown(() => allocations.saved().then(() => rm(folder, { recursive: true, force: true })));
  const active = new Map<string, Pod>();
  const events: string[] = [];
  const moved: string[] = [];
  const resizes = new Resizes({
    allocations,
    events: { record: (_pod, type, reason, message) => void events.push(`${type} ${reason} ${message}`) },
    clock: new FakeClock(),
    capacity: { cpu: 1000, memory: 100 * mega },
    activePods: () => [...active.values()],
  });
  resizes.onChange((uid) => moved.push(uid));
  const consider = (one: Pod): string | undefined => {
    active.set(one.metadata!.uid!, one);
    return cpuOf(resizes.consider(one));
  };
  const conditions = (uid: string) =>
    resizes.conditions(uid).map(({ type, reason, message }) => [type, reason, message].filter(Boolean).join(' '));
  return { folder, path, allocations, active, events, moved, resizes, consider, conditions };
}

const summary = (cpu: string, generation: number, error?: string) =>
  JSON.stringify({
    containers: [{ name: 'app', resources: { requests: { cpu, memory: '1Mi' } } }],
    generation,
    ...(error ? { error } : {}),
  });

t.test('1, 4: a resize that fits', async (t) => {
  const { consider, resizes, events, conditions } = await start(t);
  t.equal(consider(pod('a', '400m')), '400m');
  t.same(conditions('a'), []);
  const next = pod('a', '600m', 2);
  t.equal(consider(next), '600m');
  t.same(conditions('a'), ['PodResizeInProgress']);
  resizes.observe(next, false);
  t.same(conditions('a'), ['PodResizeInProgress']);
  resizes.observe(next, true);
  t.same(conditions('a'), []);
  t.same(events, [
    `Normal ResizeStarted Pod resize started: ${summary('600m', 2)}`,
    `Normal ResizeCompleted Pod resize completed: ${summary('600m', 2)}`,
  ]);
});

t.test('2, 3: a resize that does not fit waits until there is room', async (t) => {
  const { consider, resizes, events, conditions, moved, active } = await start(t);
  consider(pod('a', '400m'));
  consider(pod('b', '500m'));
  const why = "Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000";
  t.equal(consider(pod('a', '600m', 2)), '400m');
  t.equal(consider(pod('a', '600m', 2)), '400m', 'and again');
  t.same(conditions('a'), [`PodResizePending Deferred ${why}`]);
  t.same(events, [`Warning ResizeDeferred Pod resize Deferred: ${summary('600m', 2, why)}`], 'one Event');
  consider(pod('b', '300m', 2));
  t.same(moved, ['a'], 'the decrease of b left room');
  t.same(conditions('a'), ['PodResizeInProgress']);
  t.equal(consider(pod('a', '800m', 3)), '600m');
  t.match(conditions('a')[0], /^PodResizePending Deferred/);
  active.delete('b');
  resizes.released('b', true);
  t.same(moved, ['a', 'a'], 'and so did its end');
  t.equal(consider(pod('a', '800m', 3)), '800m');
});

t.test('1, 2: resources of the pod itself; going back ends a wait', async (t) => {
  const { consider, resizes, conditions, events } = await start(t);
  const asks = (cpu: string, generation: number) => {
    const one = pod('a', '400m', generation, { spec: { resources: { requests: { cpu } } } });
    consider(one);
    return resizes.allocated(one).spec?.resources?.requests?.['cpu'];
  };
  t.equal(asks('500m', 1), '500m');
  t.equal(asks('700m', 2), '700m');
  t.same(conditions('a'), ['PodResizeInProgress']);
  consider(pod('b', '200m'));
  t.equal(asks('900m', 3), '700m', 'the pod counts with its own resources, not with those of its containers');
  t.match(conditions('a')[0], /^PodResizePending Deferred Node didn't have enough resource: cpu, requested: 900/);
  t.match(events.at(-1), /^Warning ResizeDeferred Pod resize Deferred: /);
  t.equal(asks('700m', 4), '700m');
  t.same(conditions('a'), ['PodResizeInProgress']);
});

t.test('4: a failure is reported once, until the containers have what they should', async (t) => {
  const { consider, resizes, events, conditions } = await start(t);
  consider(pod('a', '400m'));
  const next = pod('a', '300m', 2);
  consider(next);
  resizes.failed(next, 'no');
  resizes.failed(next, 'no');
  t.same(conditions('a'), ['PodResizeInProgress Error no']);
  t.ok(resizes.notBefore('a') > 0, 'and repeated later');
  resizes.observe(next, false);
  t.same(conditions('a'), ['PodResizeInProgress Error no']);
  resizes.observe(next, true);
  t.same(
    events.map((event) => event.split(' ')[1]),
    ['ResizeStarted', 'ResizeError', 'ResizeCompleted'],
  );
  t.equal(resizes.notBefore('a'), 0);
});

t.test('4: a kubelet that starts again knows what it promised, and reports nothing twice', async (t) => {
  const first = await start(t);
  first.consider(pod('a', '400m'));
  first.consider(pod('b', '500m'));
  first.consider(pod('a', '600m', 2));
  await first.allocations.saved();
  const second = await start(t, first.folder);
  const why = "Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000";
  const conditions = [
    { type: 'PodResizePending', status: 'True', reason: 'Deferred', message: why, observedGeneration: 2 },
  ];
  second.active.set('b', pod('b', '500m'));
  t.equal(second.consider(pod('a', '600m', 2, { status: { conditions } })), '400m');
  t.same(second.conditions('a'), [`PodResizePending Deferred ${why}`]);
  t.same(second.events, []);
  second.resizes.retain((uid) => uid === 'a');
  await second.allocations.saved();
  t.same(Object.keys(JSON.parse(await readFile(second.path, 'utf8'))), ['a']);
  await writeFile(second.path, '{"a":1,');
  const third = await start(t, first.folder);
  t.equal(third.consider(pod('a', '600m', 2)), '600m', 'a damaged file counts as empty');
});

t.test('3: the order of resizes that wait', async (t) => {
  const waiting = (name: string, cpu: string, sinceMs: number, more: object = {}) => ({
    pod: pod(name, cpu, 2, { spec: more, status: { qosClass: name === 'guaranteed' ? 'Guaranteed' : 'Burstable' } }),
    allocated: pod(name, '500m'),
    sinceMs,
  });
  const list = [
    waiting('late', '600m', 2),
    waiting('early', '600m', 1),
    waiting('guaranteed', '600m', 3),
    waiting('important', '600m', 4, { priority: 10 }),
    waiting('less', '400m', 5),
  ];
  t.same(
    inOrder(list).map((one) => one.pod.metadata?.name),
    ['less', 'important', 'guaranteed', 'early', 'late'],
  );
});
