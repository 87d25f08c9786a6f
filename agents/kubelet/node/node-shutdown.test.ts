import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentLogger } from '../../../controlplane/base/logger';
import { FakeClock } from '../../../test/lib/fake-clock';
import type { Eviction } from '../eviction/evictor';
import { pod } from '../spec/pod.fixture';
import { NodeShutdown } from './node-shutdown';

const periods = [
  { priority: 0, seconds: 20 },
  { priority: 2_000_000_000, seconds: 10 },
];
const named = (name: string, priority: number, terminationGracePeriodSeconds = 30) =>
  pod({ priority, terminationGracePeriodSeconds }, { metadata: { name, uid: name } });
const startMs = Date.parse('2026-01-01T00:00:00Z');

async function setUp(t: Test) {
  const rootDir = await mkdtemp(join(tmpdir(), 'k8ts-shutdown-'));
  t.teardown(() => rm(rootDir, { recursive: true }));
  const clock = new FakeClock(startMs);
  const seen: string[] = [];
  const make = () =>
    new NodeShutdown({
      periods,
      rootDir,
      clock,
      log: silentLogger,
      report: (type, reason, message) => seen.push(`${type} ${reason}: ${message}`),
      changed: () => seen.push('changed'),
    });
  const ends = new Map<string, { readonly end: Eviction; readonly done: PromiseWithResolvers<void> }>();
  let wake = Promise.withResolvers<void>();
  const begun = async (uid: string) => {
    while (!ends.has(uid)) await wake.promise;
    return ends.get(uid)!;
  };
  const pods = {
    holding: () => [named('system', 2_000_001_000), named('web', 0), named('db', 100, 7)],
    endForGood: (uid: string, end: Eviction) => {
      const done = Promise.withResolvers<void>();
      ends.set(uid, { end, done });
      wake.resolve();
      wake = Promise.withResolvers<void>();
      return done.promise;
    },
  };
  return {
    rootDir,
    clock,
    seen,
    make,
    ends,
    begun,
    pods,
    state: () => readFile(join(rootDir, 'graceful_node_shutdown_state'), 'utf8'),
  };
}

t.test('pods end in the order of their priority, with upstream’s reason', async (t) => {
  const { clock, seen, make, ends, begun, pods, state } = await setUp(t);
  const shutdown = make();
  await shutdown.open();
  t.same(shutdown.lastTimes, { startMs: 0, endMs: 0 });
  t.equal(shutdown.notReady(), undefined);
  t.equal(shutdown.refusal(), undefined);
  const running = shutdown.run(pods);
  const web = await begun('web');
  const db = await begun('db');
  t.same(web.end, {
    reason: 'Terminated',
    message: 'Pod was terminated in response to imminent node shutdown.',
    graceSeconds: 20,
    disrupted: true,
  });
  t.equal(db.end.graceSeconds, 7, 'its own period is shorter');
  t.equal(shutdown.notReady(), 'node is shutting down');
  t.same(shutdown.refusal(), {
    reason: 'NodeShutdown',
    message: 'Pod was rejected as the node is shutting down.',
  });
  t.same(seen, ['Normal NodeShutdown: Shutdown manager detected shutdown event', 'changed']);
  t.equal(await state(), '{"startTime":"2026-01-01T00:00:00Z","endTime":"0001-01-01T00:00:00Z"}');
  web.done.resolve();
  t.notOk(ends.has('system'), 'critical pods wait for all others');
  clock.advance(4_000);
  db.done.resolve();
  const system = await begun('system');
  t.equal(system.end.graceSeconds, 10);
  clock.advance(1_000);
  system.done.resolve();
  await running;
  t.same(shutdown.lastTimes, { startMs, endMs: startMs + 5_000 });
  const next = make();
  await next.open();
  t.same(next.lastTimes, { startMs, endMs: startMs + 5_000 }, 'after the next boot');
});

t.test('pods that do not end in time, or fail to, delay nothing further', async (t) => {
  const { clock, make, begun, pods } = await setUp(t);
  const running = make().run(pods);
  (await begun('web')).done.reject(new Error('Docker does not answer'));
  await clock.armed(20_000);
  clock.advance(20_000);
  await begun('system');
  await clock.armed(10_000);
  clock.advance(10_000);
  await running;
});

t.test('a damaged file is no obstacle', async (t) => {
  const { make, rootDir } = await setUp(t);
  await writeFile(join(rootDir, 'graceful_node_shutdown_state'), '{');
  const shutdown = make();
  await shutdown.open();
  t.same(shutdown.lastTimes, { startMs: 0, endMs: 0 });
});
