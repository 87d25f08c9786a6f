import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { childrenMsOf, cpuTimeMs } from './cpu-time';
import { Paced, restFactor } from './pace';

t.test('a part that costs much rests long, and its last reading is answered', async (t) => {
  const clock = new FakeClock(0);
  let cpuMs = 0;
  let count = 0;
  const part = new Paced<number>({ cpuMs: () => cpuMs, elapsed: () => clock.elapsed() });
  const get = (costMs: number, fails = false) =>
    part.get(async () => {
      cpuMs += costMs;
      clock.advance(costMs);
      if (fails) throw new Error('no');
      return ++count;
    }, clock.now());
  t.match(await get(10), { value: 1, atMs: 0 });
  t.match(await get(10), { value: 1 }, 'at once');
  clock.advance(restFactor * 10 - 1);
  t.match(await get(10), { value: 1 });
  clock.advance(1);
  t.match(await get(100), { value: 2, atMs: 510 });
  clock.advance(restFactor * 100 - 1);
  t.match(await get(0), { value: 2 });
  clock.advance(1);
  t.strictSame(await get(10, true), { value: 2, atMs: 510, problem: 'no' }, 'a failure keeps the last reading');
  t.match(await get(0), { problem: 'no' }, 'and rests, too');
  clock.advance(restFactor * 10);
  t.strictSame(await get(0), { value: 3, atMs: clock.now() });
  t.match(await get(0), { value: 4 }, 'a part that costs nothing is always read');
});

t.test('CPU time of commands', async (t) => {
  const stat = (name: string) => `77 (${name}) S 1 77 77 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 9`;
  t.equal(childrenMsOf(stat('node')), 270);
  t.equal(childrenMsOf(stat('a) b (c')), 270);
  t.equal(childrenMsOf(''), 0);
  t.ok(cpuTimeMs() > 0);
});
