import t from 'tap';
import type { Pod } from '../../../controlplane/api';
import { silentLogger } from '../../../controlplane/base/logger';
import { FakeClock } from '../../../test/lib/fake-clock';
import { container, pod } from '../spec/pod.fixture';
import { type Eviction, Evictor, restMs } from './evictor';
import type { PodUse } from './pod-usage';
import type { Observations } from './signals';
import { parseStatements, parseThresholds } from './thresholds';

const plenty = { available: 10_000, capacity: 10_000 };
const fine: Observations = { 'memory.available': plenty, 'nodefs.available': plenty };
const named = (name: string, spec: Partial<NonNullable<Pod['spec']>> = {}) =>
  pod(spec, { metadata: { name, namespace: 'shop', uid: name } });

function setUp(pods: readonly Pod[], softGrace?: string) {
  const clock = new FakeClock();
  const seen = {
    observations: fine as Observations,
    evicted: [] as Array<readonly [string, Eviction]>,
    calls: [] as string[],
    uses: new Map<string, PodUse>(),
    ends: Promise.withResolvers<void>(),
    /** Resolves at the next eviction. */
    next: Promise.withResolvers<void>(),
    apart: false,
    /** What the reclaim of images brings back. */
    afterReclaim: undefined as Observations | undefined,
  };
  const evictor = new Evictor({
    clock,
    log: silentLogger,
    policy: {
      thresholds: parseThresholds({
        hard: softGrace === undefined ? parseStatements('<')('memory.available<100,nodefs.available<100') : {},
        soft: softGrace === undefined ? {} : { 'memory.available': '100' },
        softGracePeriod: softGrace === undefined ? {} : { 'memory.available': softGrace },
        minimumReclaim: {},
      }),
      pressureTransitionMs: 300_000,
      maxPodGraceSeconds: 20,
    },
    observe: async () => seen.observations,
    imageFsApart: async () => seen.apart,
    activePods: () => pods.filter(({ metadata }) => !seen.evicted.some(([name]) => name === metadata?.name)),
    measure: async (measured) => {
      seen.calls.push(`measure ${measured.map(({ metadata }) => metadata?.name).join(' ')}`);
      return seen.uses;
    },
    evict: (victim, eviction) => {
      seen.evicted.push([victim.metadata?.name ?? '', eviction]);
      seen.next.resolve();
      return seen.ends.promise;
    },
    removeEndedContainers: async () => {
      seen.calls.push('remove containers');
    },
    removeUnusedImages: async () => {
      seen.calls.push('remove images');
      seen.observations = seen.afterReclaim ?? seen.observations;
    },
    report: (_, reason, message) => seen.calls.push(`${reason}: ${message}`),
    changed: () => seen.calls.push('changed'),
  });
  return { clock, seen, evictor };
}
const useOf = (memoryBytes: number): PodUse => ({ memoryBytes, containers: [], volumes: new Map() });

t.test('a node with enough measures no pod and reports nothing', async (t) => {
  const { seen, evictor } = setUp([named('a'), named('b')]);
  t.same(await evictor.look(), []);
  t.same(seen.calls, []);
  t.same(evictor.conditions(), []);
});

t.test('short of memory: one pod, with a second of grace, and the node’s condition', async (t) => {
  const { seen, evictor } = setUp([named('small'), named('large'), named('critical', { priority: 2_000_001_000 })]);
  seen.observations = { ...fine, 'memory.available': { available: 50, capacity: 10_000 } };
  seen.uses = new Map([
    ['small', useOf(1)],
    ['large', useOf(1000)],
    ['critical', useOf(5000)],
  ]);
  t.equal((await evictor.look()).length, 1);
  t.match(seen.evicted, [['large', { graceSeconds: 1, disrupted: true }]]);
  t.equal(
    seen.evicted[0]?.[1].message,
    'The node was low on resource: memory. Threshold quantity: 100, available: 50. ',
  );
  t.same(evictor.conditions(), ['MemoryPressure']);
  t.match(evictor.refusal(named('new')), { reason: 'Evicted' });
  t.same(seen.calls, ['changed', 'EvictionThresholdMet: Attempting to reclaim memory', 'measure small large critical']);
  t.equal((await evictor.look()).length, 1, 'the next one');
  t.equal((await evictor.look()).length, 0, 'a critical pod stays');
  t.same(
    seen.evicted.map(([name]) => name),
    ['large', 'small'],
  );
});

t.test('short of disk: ended containers and unused images go before pods', async (t) => {
  const { seen, evictor } = setUp([named('web')]);
  const short = { ...fine, 'nodefs.available': { available: 1, capacity: 10_000 } };
  seen.observations = short;
  seen.afterReclaim = fine;
  t.same(await evictor.look(), []);
  t.same(seen.calls.slice(2), ['remove containers', 'remove images']);
  seen.observations = short;
  seen.afterReclaim = short;
  t.equal((await evictor.look()).length, 1);
  const apart = setUp([named('web')]);
  apart.seen.observations = short;
  apart.seen.apart = true;
  t.equal((await apart.evictor.look()).length, 1);
  t.notOk(apart.seen.calls.includes('remove images'), 'images are on another file system');
});

t.test('a soft threshold gives the shorter of the two graces', async (t) => {
  const { clock, seen, evictor } = setUp([named('web', { terminationGracePeriodSeconds: 7 })], '30s');
  seen.observations = { ...fine, 'memory.available': { available: 50, capacity: 10_000 } };
  t.same(await evictor.look(), []);
  t.same(evictor.conditions(), ['MemoryPressure']);
  clock.advance(30_000);
  await evictor.look();
  t.match(seen.evicted, [['web', { graceSeconds: 7 }]]);
});

t.test('a pod over its own limit ends though the node has enough; only such pods are measured', async (t) => {
  const limited = named('limited', { volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1k' } }] });
  const { seen, evictor } = setUp([named('free'), limited, named('other', { containers: [container('app')] })]);
  seen.uses = new Map([['limited', { containers: [], volumes: new Map([['cache', { bytes: 1001, inodes: 1 }]]) }]]);
  await evictor.look();
  t.same(seen.calls, ['measure limited']);
  t.match(seen.evicted, [
    ['limited', { message: 'Usage of EmptyDir volume "cache" exceeds the limit "1k". ', disrupted: false }],
  ]);
});

t.test(
  'between looks nothing runs; after an eviction the next look waits for the pod’s end, half a minute at most',
  async (t) => {
    const { clock, seen, evictor } = setUp([named('one'), named('two')]);
    seen.observations = { ...fine, 'memory.available': { available: 50, capacity: 10_000 } };
    const abort = new AbortController();
    const running = evictor.run(abort.signal);
    await clock.armed(30_000);
    t.equal(seen.evicted.length, 1);
    const first = seen.ends;
    seen.ends = Promise.withResolvers<void>();
    seen.next = Promise.withResolvers<void>();
    first.resolve();
    await seen.next.promise;
    await clock.armed(30_000);
    t.equal(seen.evicted.length, 2);
    seen.observations = fine;
    clock.advance(30_000);
    await clock.armed(10_000);
    abort.abort(new Error('over'));
    await running;
  },
);

t.test('how long files rest after a measurement', (t) => {
  t.equal(restMs(50), 5_000);
  t.equal(restMs(2_000), 60_000, 'a pod does not exceed its limit for minutes because the machine is busy');
  t.equal(restMs(10_000), 100_000, 'very many files');
  t.end();
});
