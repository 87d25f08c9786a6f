import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { silentLogger } from '../base/logger';
import { MemoryStore } from './memory/memory-store';
import {
  defaultRetention,
  planCompaction,
  type Retention,
  retentionFor,
  runCompaction,
  withRetention,
} from './retention';

const retention: Retention = { keepMs: 300, minRevisions: 10, maxRevisions: 1_000, everyMs: 100 };

t.test('planCompaction keeps revisions by age, between two counts', async (t) => {
  const samples = [
    { at: 0, revision: 5 },
    { at: 100, revision: 50 },
    { at: 200, revision: 100 },
  ];
  const cases = [
    { name: 'all young', now: 299, current: 100, want: 0 },
    { name: 'the oldest sample is old enough', now: 300, current: 100, want: 5 },
    { name: 'the newest sample that is old enough counts', now: 450, current: 100, want: 50 },
    { name: 'the newest revisions stay at any age', now: 9_000, current: 105, want: 95 },
    { name: 'a store with few revisions is not compacted', now: 9_000, current: 8, want: 0 },
    { name: 'too many revisions are compacted at any age', now: 250, current: 5_000, want: 4_000 },
  ];
  for (const { name, now, current, want } of cases)
    t.equal(planCompaction(samples, now, current, retention), want, name);
});

t.test('retentionFor: another age, looked at as often; without one the count decides', async (t) => {
  t.same(retentionFor(6_000), { ...defaultRetention, keepMs: 6_000, everyMs: 6_000, minRevisions: 100 });
  t.same(retentionFor(3_600_000), { ...defaultRetention, keepMs: 3_600_000 });
  const old = [{ at: 0, revision: 50_000 }];
  t.equal(planCompaction(old, 1e12, 90_000, retentionFor(0)), 0);
  t.equal(planCompaction(old, 1e12, 190_000, retentionFor(0)), 90_000);
});

t.test('the loop compacts as time passes, and continues after a failure', async (t) => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const compacted: number[] = [];
  let revision = 100;
  let fail = true;
  const compact = async (to: number) => {
    if (fail) {
      fail = false;
      throw new Error('busy');
    }
    compacted.push(to);
  };
  const store = { step: 1, revision: async () => revision, compact };
  const done = runCompaction(store, retention, { clock, log: silentLogger }, stop.signal);
  for (let i = 0; i < 6; i++) {
    await clock.armed();
    revision += 100;
    clock.advance(retention.everyMs);
  }
  await clock.armed();
  t.same(compacted, [200, 300, 400]);
  stop.abort();
  await done;
});

t.test('a clock that is set on or back changes nothing', async (t) => {
  for (const step of [3_600_000, -3_600_000]) {
    const clock = new FakeClock();
    const stop = new AbortController();
    const compacted: number[] = [];
    let revision = 100;
    const store = { step: 1, revision: async () => revision, compact: async (to: number) => void compacted.push(to) };
    const done = runCompaction(store, retention, { clock, log: silentLogger }, stop.signal);
    await clock.armed();
    clock.step(step);
    for (let i = 0; i < 4; i++) {
      revision += 100;
      clock.advance(retention.everyMs);
      await clock.armed();
    }
    t.same(compacted, [100, 200], `${step} ms`);
    stop.abort();
    await done;
  }
});

t.test('a store with retention compacts by itself, and stops when it is closed', async (t) => {
  const clock = new FakeClock();
  const inner = new MemoryStore();
  const store = withRetention(inner, { ...retention, minRevisions: 1, maxRevisions: 3 }, { clock, log: silentLogger });
  for (let i = 0; i < 10; i++) await store.create(`/k/${i}`, Buffer.from('x'));
  await clock.armed();
  clock.advance(retention.everyMs);
  await clock.armed();
  await t.rejects(store.range('/', { revision: 6 }), { code: 'Expired' });
  t.equal((await store.range('/', { revision: 7 })).items.length, 7);
  await store.close();
  await t.rejects(inner.get('/k/1'), { code: 'Unavailable' }, 'the inner store is closed too');
});
