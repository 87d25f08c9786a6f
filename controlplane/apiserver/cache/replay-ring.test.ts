import t from 'tap';
import type { ConfigMap } from '../../api/config-map';
import type { CacheEvent } from './cache';
import { ReplayRing, type RingBounds } from './replay-ring';

function openRing(bounds: Partial<RingBounds> = {}) {
  const clock = { ms: 0 };
  const ring = new ReplayRing<ConfigMap>({ maxEvents: 1_000_000, maxBytes: 1 << 30, ...bounds }, () => clock.ms);
  let revision = 0;
  const push = (times = 1, bytes = 10) => {
    while (times-- > 0) {
      const current = { json: Buffer.alloc(bytes) };
      ring.push({ revision: ++revision, type: 'ADDED', current } as unknown as CacheEvent<ConfigMap>);
    }
  };
  const first = () => {
    for (let after = 0; ; after++) {
      try {
        return ring.after(after)[0]?.revision;
      } catch {}
    }
  };
  return { ring, clock, push, first };
}

t.test('events older than the age are dropped as new ones come, but the newest stay', async (t) => {
  const { ring, clock, push, first } = openRing({ maxAgeMs: 300_000, minEvents: 3 });
  push(5);
  clock.ms = 300_000;
  push();
  t.equal(first(), 1, 'not older than the age');
  clock.ms = 300_001;
  push();
  t.equal(first(), 5, 'three stay');
  push(2);
  t.equal(first(), 6);
  t.throws(() => ring.after(4), { code: 'Expired', message: 'too old resource version: 4 (5)' });
  clock.ms = 10_000_000;
  t.equal(first(), 6, 'a quiet kind keeps what it has');
  push();
  t.same(
    ring.after(7).map(({ revision }) => revision),
    [8, 9, 10],
  );
});

t.test('by count and by bytes; the last event always stays', async (t) => {
  const { push, first } = openRing({ maxEvents: 4, maxBytes: 100 });
  push(9);
  t.equal(first(), 6);
  push(1, 75);
  t.equal(first(), 8);
  push(1, 5_000);
  t.equal(first(), 11);
});

t.test('nothing keeps a dropped event alive', async (t) => {
  const { ring, push } = openRing({ maxEvents: 10 });
  push(2_000);
  const { slots } = ring as unknown as { readonly slots: readonly unknown[] };
  t.equal(slots.filter((slot) => slot !== undefined).length, 10);
  t.ok(slots.length < 1_000, `${slots.length} slots`);
  t.same(
    ring.after(1_995).map(({ revision }) => revision),
    [1_996, 1_997, 1_998, 1_999, 2_000],
  );
});
